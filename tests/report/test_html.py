import base64
import re
from html.parser import HTMLParser

import pytest

from cancernet.evaluation.results import RunResults
from cancernet.report.html import embed, render
from cancernet.report.style import figure, picture

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Balance(HTMLParser):
    """Fails on a tag that is closed but not open, and remembers those left open."""

    def __init__(self):
        super().__init__()
        self.open, self.images, self.ids, self.targets = [], [], set(), set()

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "img":
            self.images.append(attrs)
        self.ids.add(attrs.get("id"))
        if attrs.get("href", "").startswith("#"):
            self.targets.add(attrs["href"][1:])
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page(make):
    return render(make(("baseline", "augmented")))


def text(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>", "", html, flags=re.S)))


def parsed(html):
    parser = Balance()
    parser.feed(html)
    return parser


def test_page_is_well_formed(page):
    assert parsed(page).open == []


def test_page_needs_nothing_from_elsewhere(page):
    assert "<script" not in page
    assert not re.search(r"(src|href)=\"(?!data:|#)", page)
    assert "@import" not in page


def test_every_image_is_a_png_with_words_in_its_place(page):
    images = parsed(page).images
    assert len(images) == 7 + 6 * 2
    for image in images:
        kind, _, content = image["src"].partition(",")
        assert kind == "data:image/png;base64"
        assert base64.b64decode(content).startswith(b"\x89PNG")
        assert image["alt"]


def test_links_lead_somewhere(page):
    found = parsed(page)
    assert found.targets
    assert found.targets <= found.ids


def test_page_says_it_is_for_research_only(page):
    assert "Research use only" in text(page)


def test_every_model_has_a_section_with_its_class_report(page):
    for model in ("baseline", "augmented"):
        assert re.search(rf"<h3[^>]*>{model}</h3>", page)
    assert page.count("weighted avg") == 2


def test_under_the_floor_is_marked_in_the_table(page):
    row = re.search(r"<tr[^>]*><th scope=\"row\">baseline.*?</tr>", page, flags=re.S).group()
    assert "not above floor" in row
    other = re.search(r"<tr[^>]*><th scope=\"row\">augmented.*?</tr>", page, flags=re.S).group()
    assert "not above floor" not in other


def test_split_hash_and_quarantine_are_shown(page):
    said = text(page)
    assert "ab" * 32 in said
    assert "Quarantine: 3 files left out" in said
    assert "truncated" in said


def test_names_of_files_are_escaped(page):
    assert "b/1/<z>.png" not in page
    assert "b/1/&lt;z&gt;.png" in page


def test_markup_in_words_from_outside_stays_text(make, undrawn):
    results = make(("baseline",), notes=["<b>bold</b> note"], title="<i>run</i>")
    html = render(results)
    assert "<b>bold" not in html
    assert "<i>run" not in html


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"synthetic": True}, "Synthetic data: not evidence"),
        ({"patient_safe": False}, "Not split by patient"),
        ({"weights": {"baseline": "none (random)"}}, "Random weights: baseline"),
    ],
)
def test_banners_come_before_any_number(make, undrawn, changes, said):
    html = render(make(("baseline",), **changes))
    assert 'role="alert"' in html
    assert html.index(said) < html.index('class="big"')


def test_clean_run_has_no_banner(make, undrawn):
    html = render(make(("baseline",), below_floor=[]))
    assert 'class="banner"' not in html


def test_single_model_without_anything_else_makes_a_page(single):
    bare = RunResults(title="one", metrics=single.metrics)
    html = render(bare)
    assert parsed(html).open == []
    assert "No file was left out" in html


def test_sizes_missing_from_a_split_are_blank(make, undrawn):
    html = render(make(("baseline",), data={"split": {"sizes": {"test": {"patients": 4}}}}))
    assert parsed(html).open == []


def test_undefined_scores_do_not_break_the_page(make):
    results = make(("baseline",))
    split = results.metrics[0]["splits"]["test"]
    nothing = {"value": None, "low": None, "high": None}
    split["auc"] = split["average_precision"] = nothing
    split["operating_points"]["target_recall"]["recall"] = nothing
    assert "n/a" in text(render(results))


def test_embedded_figure_keeps_its_width():
    assert embed("roc", picture(figure(5, 3)))["width"] == 480


def test_checklists_are_shown_with_what_is_left_to_the_author(make, undrawn):
    rows = [("1", "Title", "a <model>"), ("2", "Abstract", "author")]
    html = render(make(("baseline",), checklists={"CLAIM 2024": rows}))
    assert parsed(html).open == []
    assert "CLAIM 2024 : 1 of 2 items known at least in part" in text(html)
    assert "a &lt;model&gt;" in html
    assert 'href="#checklists"' in html
    assert "checklists" not in render(make(("baseline",)))
