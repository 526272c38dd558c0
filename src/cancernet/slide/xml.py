"""XML that somebody else has written, without the parts that expand or reach out."""

from __future__ import annotations

from xml.etree.ElementTree import Element, ParseError

from cancernet.slide.extra import need
from cancernet.slide.scale import BadSlide


def parse_xml(text: str | bytes, what: str) -> Element:
    """Return the root element.

    Args:
        text: the document.
        what: it is, for the message.

    Raises:
        BadSlide: no well-formed XML, or one that declares a document type, as no scanner's does: entities are declared
            there, and may unfold to any length or read other files.
        UserError: the extra is not installed.
    """
    defused = need("defusedxml.ElementTree")
    try:
        root: Element = defused.fromstring(text, forbid_dtd=True)
    except (ParseError, ValueError) as error:  # defusedxml's own are ValueErrors
        raise BadSlide(f"damaged {what} ({error})") from error
    return root
