"""XML of strangers is read without the parts that expand or reach out."""

from __future__ import annotations

import pytest

from cancernet.slide.scale import BadSlide
from cancernet.slide.xml import parse_xml


def test_plain_xml_is_read() -> None:
    assert parse_xml("<a><b x='1'/></a>", "notes")[0].get("x") == "1"
    assert parse_xml(b"<?xml version='1.0' encoding='latin-1'?><a>\xe4</a>", "notes").text == "ä"


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE a [<!ENTITY b "bb">]><a>&b;</a>',
        '<!DOCTYPE a SYSTEM "file:///etc/hostname"><a/>',
        "<a>",
        "",
        "no XML",
    ],
)
def test_all_else_is_damage(text: str) -> None:
    with pytest.raises(BadSlide, match="damaged notes"):
        parse_xml(text, "notes")
