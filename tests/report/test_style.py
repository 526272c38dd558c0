from itertools import pairwise

import matplotlib.colors
import matplotlib.pyplot as plt
import pytest

from cancernet.evaluation.results import FLOOR
from cancernet.report.style import COLOURS, LINES, figure, look, sign, tidy


def test_floor_looks_the_same_wherever_it_stands():
    assert look(["a", FLOOR])[FLOOR] == look([FLOOR, "a", "b"])[FLOOR]


def test_floor_takes_no_colour_from_the_models():
    assert look(["a", "b"]) == {k: v for k, v in look([FLOOR, "a", "b"]).items() if k != FLOOR}


def test_five_models_differ_in_colour_line_and_marker():
    styles = look("abcde").values()
    for key in ("color", "linestyle", "marker"):
        assert len({str(style[key]) for style in styles}) == 5


def test_more_models_than_colours_are_still_told_apart():
    styles = look(str(i) for i in range(len(COLOURS) * len(LINES)))
    assert len({(style["color"], str(style["linestyle"])) for style in styles.values()}) == len(styles)


def test_neighbouring_colours_differ_in_lightness():
    def lightness(colour):
        red, green, blue = matplotlib.colors.to_rgb(colour)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    levels = [lightness(colour) for colour in COLOURS[:5]]
    assert all(abs(a - b) > 0.02 for a, b in pairwise(levels))


def test_figures_stay_out_of_pyplot():
    before = plt.get_fignums()
    figure(3, 2)
    assert plt.get_fignums() == before


@pytest.mark.parametrize("width", [4.4, 6.2, 10.5])
def test_long_captions_stay_inside_the_figure(width):
    made = figure(width, 3)
    tidy(made.subplots())
    sign(made, "Title", "n = 277,524 patches of 279 patients (test), 28% malignant; " * 3, "WARNING")
    made.draw_without_rendering()
    caption = next(text for text in made.texts if text.get_text().startswith("n ="))
    assert caption.get_window_extent().x1 <= made.bbox.x1


def test_warning_is_written_only_where_there_is_one():
    plain, warned = figure(4, 3), figure(4, 3)
    sign(plain, "Title", "n = 1", "")
    sign(warned, "Title", "n = 1", "NOT EVIDENCE")
    assert not any("EVIDENCE" in text.get_text() for text in plain.texts)
    assert any(text.get_text() == "NOT EVIDENCE" for text in warned.texts)
