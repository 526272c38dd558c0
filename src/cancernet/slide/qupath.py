"""import.groovy: a script for QuPath that imports a slide's map, colours it by probability and sets the threshold."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources

import numpy as np
from matplotlib import colormaps

from cancernet.common.output import Output
from cancernet.maps.draw import COLOUR_MAP

SCRIPT = "import.groovy"
STOPS = 6  # colours between which the script mixes; within 2 grey levels of the map's own


def write_script(out: Output, *, names: Sequence[str], size: tuple[int, int], threshold: float) -> None:
    """Write the script; it knows its folder, the slide it belongs to and the threshold of the model.

    Args:
        out: folder of the slide's results.
        names: of the slide's files, the one it goes by first; QuPath calls the image by one of them.
        size: width, height of what QuPath shows of it, full-resolution px.
        threshold: malignant from it on.
    """
    colours = np.rint(colormaps[COLOUR_MAP](np.linspace(0, 1, STOPS))[:, :3] * 255).astype(int).tolist()
    values = {
        "THRESHOLD": repr(float(threshold)),
        "FOLDER": literal(out.folder.resolve().as_posix()),  # Java takes / on Windows too
        "NAMES": f"[{', '.join(map(literal, dict.fromkeys(names)))}]",
        "WIDTH": str(size[0]),
        "HEIGHT": str(size[1]),
        "STOPS": str(colours),
    }
    text = (resources.files("cancernet.slide") / SCRIPT).read_text("utf-8")
    for name, value in values.items():
        text = text.replace(f"@@{name}@@", value)
    out.write_text(SCRIPT, text)


def literal(text: str) -> str:
    r"""Return a text as Groovy writes it between single quotes, where nothing is filled in, in ASCII.

    Example:
        >>> print(literal("/it's ${HOME}/\u00e4"))
        '/it\'s ${HOME}/\u00e4'
    """
    plain = {
        "\\": "\\\\",
        "'": "\\'",
        "\n": "\\n",
        "\r": "\\r",
    }  # an escaped line's end would end the line before it is read
    units = text.encode("utf-16-be", "surrogatepass")
    found = []
    for high, low in zip(units[::2], units[1::2], strict=True):
        letter = chr(high << 8 | low)
        found.append(plain.get(letter) or (letter if " " <= letter <= "~" else f"\\u{high:02x}{low:02x}"))
    return f"'{''.join(found)}'"
