import pytest

from cancernet.model.manifest import Band
from cancernet.report.risk import SHOWN, risk_coverage

BANDS = [Band(threshold=0.4, width=width, target=target) for target, width in ((0.1, 0.3), (0.3, 0.9))]


@pytest.fixture(scope="module")
def rows(single):
    found = single.predictions["baseline"]
    return found[found["split"] == "test"]


def drawn(rows, bands, **changes):
    says = {"model": "baseline", "caption": "n = 120 patches", "warning": "", **changes}
    made = risk_coverage(rows, 0.4, bands, **says)
    made.draw_without_rendering()
    return made, " ".join(text.get_text() for text in made.findobj(lambda item: hasattr(item, "get_text")))


def test_axes_say_what_they_show_and_the_caption_what_was_counted(rows):
    made, said = drawn(rows, BANDS, warning="SYNTHETIC")
    for words in ("coverage", "recall", "specificity", "wrong", "n = 120 patches", "SYNTHETIC", "baseline"):
        assert words in said
    assert [axes.get_xlim()[0] for axes in made.axes] == [SHOWN, SHOWN]


def test_each_band_is_marked_with_the_share_it_was_fitted_for(rows):
    made, said = drawn(rows, BANDS)
    assert "10%" in said
    assert "30%" in said
    marks = [line for line in made.axes[0].lines if line.get_linestyle() == ":"]
    at = [line.get_xdata()[0] for line in marks]
    assert len(at) == 2
    assert 1 > at[0] > at[1]


def test_without_bands_the_caption_speaks_of_none(rows):
    made, said = drawn(rows, [])
    assert "dotted" not in said
    assert len(made.axes[0].lines) == 2


def test_at_full_coverage_the_lines_start_at_the_rates_of_all_patches(rows):
    made, _ = drawn(rows, BANDS)
    error = made.axes[1].lines[0]
    wrong = ((rows["probability"] >= 0.4) != rows["label"]).mean()
    assert error.get_xdata()[0] == 1.0
    assert error.get_ydata()[0] == pytest.approx(wrong)
