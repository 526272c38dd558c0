"""Maps lie on the section to the pixel, and say what they show."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from matplotlib.collections import LineCollection

from cancernet.context.grid import Grid
from cancernet.maps.draw import MAX_SIDE, OUTCOMES, blend, draw_map, lay, nice_length, opacity_of, outline, over_white

SECTION = np.full((150, 200, 3), 230, np.uint8)


def grid(values, **place):
    return Grid(np.array(values, "float32"), **place)


def words(figure):
    figure.draw_without_rendering()
    return " ".join(text.get_text() for text in figure.findobj(lambda item: hasattr(item, "get_text")))


def drawn(**changes):
    probability = grid([[0.9, 0.1, np.nan, 0.2], [0.8, 0.7, 0.1, 0.1], [0.1, 0.1, 0.1, 0.1]])
    options = {"title": "Specimen 7", "caption": "n = 11 patches", "mpp": 4.0} | changes
    return draw_map(SECTION, probability, probability.values > 0.5, **options)


def test_a_cell_is_coloured_on_its_own_pixels_and_no_others():
    made = blend(SECTION, grid([[np.nan, np.nan], [np.nan, 1.0]]))
    changed = (made != SECTION).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (50, 99, 50, 99)
    assert changed.sum() == 2500


def test_a_grid_off_the_corner_lands_where_it_says():
    made = lay(SECTION, grid([[1.0]], x0=13, y0=7, step=25), np.zeros((1, 1, 3)), np.ones((1, 1)))
    rows, columns = np.nonzero((made == 0).all(axis=2))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (7, 31, 13, 37)


def test_cells_at_the_edge_are_cut_off_not_wrapped():
    made = lay(SECTION, grid([[1.0]], x0=180, y0=-20), np.zeros((1, 1, 3)), np.ones((1, 1)))
    assert (made == 0).all(axis=2).sum() == 30 * 20


def test_the_section_itself_is_left_alone():
    before = SECTION.copy()
    blend(SECTION, grid([[0.5]]))
    assert np.array_equal(SECTION, before)


def test_gaps_show_the_plain_section():
    assert np.array_equal(blend(SECTION, grid([[np.nan, np.nan]])), SECTION)


def test_higher_probability_covers_more_and_is_another_colour():
    low, high = blend(SECTION, grid([[0.0]]))[10, 10], blend(SECTION, grid([[1.0]]))[10, 10]
    assert np.abs(high.astype(int) - low).max() > 60
    assert opacity_of(np.array([0.0]))[0] < opacity_of(np.array([1.0]))[0] < 1


def test_the_colour_bar_shows_the_colours_as_they_look_on_white():
    white = np.full((50, 50, 3), 255, np.uint8)
    for probability in (0.0, 0.5, 1.0):
        shown = np.array(over_white()(probability)[:3]) * 255
        assert np.abs(blend(white, grid([[probability]]))[5, 5] - shown).max() < 3


@given(arrays(bool, (5, 6)))
def test_the_outline_is_every_edge_between_inside_and_outside(mask):
    edges = {tuple(map(tuple, edge)) for edge in outline(mask).tolist()}
    expected = set()
    padded = np.pad(mask, 1)
    for row, column in np.argwhere(mask):
        here = (row + 1, column + 1)
        if not padded[here[0] - 1, here[1]]:
            expected.add(((column, row), (column + 1, row)))
        if not padded[here[0] + 1, here[1]]:
            expected.add(((column, row + 1), (column + 1, row + 1)))
        if not padded[here[0], here[1] - 1]:
            expected.add(((column, row), (column, row + 1)))
        if not padded[here[0], here[1] + 1]:
            expected.add(((column + 1, row), (column + 1, row + 1)))
    assert edges == expected


def test_the_outline_of_a_figure_runs_along_the_cells_edges():
    figure = drawn()
    [lines] = [item for item in figure.findobj(LineCollection) if len(item.get_segments())]
    ends = np.concatenate(lines.get_segments())
    assert set((ends % 50).ravel()) == {0}
    assert ends.max(axis=0).tolist() == [100, 100]  # three cells at the top left are called


def test_a_figure_names_its_panels_scale_and_legend():
    said = words(drawn())
    for word in ("Specimen 7", "n = 11 patches", "Section", "Probability of malignant", "called malignant", "0.2 mm"):
        assert word in said
    assert "Labelled" not in said


def test_the_truth_adds_labels_and_errors():
    truth = grid([[1, 0, np.nan, 0], [1, 0, 0, 0], [1, 0, 0, 0]])
    said = words(drawn(truth=truth))
    assert "Labelled malignant" in said
    for name, _ in OUTCOMES.values():
        assert name in said


def test_a_warning_is_printed():
    assert "INCOMPLETE" in words(drawn(warning="INCOMPLETE"))


def test_a_large_section_is_drawn_smaller_with_the_same_bar():
    wide = np.full((600, 2 * MAX_SIDE, 3), 230, np.uint8)
    figure = draw_map(wide, grid([[0.9]]), np.array([[True]]), title="t", caption="c", mpp=4.0)
    image = figure.axes[0].images[0]
    assert image.get_array().shape[:2] == (300, MAX_SIDE)
    assert "2 mm" in words(figure) or "5 mm" in words(figure)


@pytest.mark.parametrize(("um", "nice"), [(9, 5), (10, 10), (199, 100), (2600, 2000), (0.7, 0.5)])
def test_scale_bars_have_round_lengths(um, nice):
    assert nice_length(um) == pytest.approx(nice)


def test_colours_of_right_and_wrong_differ_in_black_and_white():
    def grey(colour):
        r, g, b = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        return 0.3 * r + 0.59 * g + 0.11 * b

    levels = sorted(grey(colour) for _, colour in OUTCOMES.values())
    assert min(np.diff(levels)) > 5


def test_what_is_not_judged_is_hatched_on_its_cells_and_named_in_the_legend():
    some = np.array([[False, True], [False, False]])
    probability = Grid(np.where(some, np.nan, 0.2).astype(np.float32), 0, 0, 10)
    section = np.full((20, 20, 3), 120, np.uint8)
    plain, hatched = (
        draw_map(section, probability, some & False, title="t", caption="c", mpp=4.0, unjudged=each)
        for each in (some & False, some)
    )
    assert [text.get_text() for text in plain.axes[1].get_legend().texts] == ["called malignant"]
    assert [text.get_text() for text in hatched.axes[1].get_legend().texts] == ["called malignant", "not judged"]
    [patch] = [each for each in hatched.axes[1].patches if each.get_hatch() and len(each.get_path().vertices) == 5]
    np.testing.assert_array_equal(patch.get_path().get_extents().bounds, (10, 0, 10, 10))
