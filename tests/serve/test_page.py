"""The page in a browser, against a server that runs: what a person does, and what it then says."""

from __future__ import annotations

import csv
import os
import re
import shutil
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

playwright = pytest.importorskip(
    "playwright.sync_api", reason="the page is driven by playwright, which is not installed"
)
uvicorn = pytest.importorskip("uvicorn", reason="cancernet[serve] is not installed")

from matplotlib import colormaps  # noqa: E402
from playwright.sync_api import Browser, Locator, Page, expect  # noqa: E402

from cancernet.data.synthetic import draw_section  # noqa: E402
from cancernet.model.model import load_model  # noqa: E402
from cancernet.prediction.answer import COLUMNS  # noqa: E402
from cancernet.report.overlay import COLOURS  # noqa: E402
from cancernet.serve.app import make_app  # noqa: E402
from cancernet.serve.server import bind  # noqa: E402
from cancernet.serve.settings import Settings  # noqa: E402
from serve.contract import Reviews, Slides  # noqa: E402

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
TOKEN = "a-token-of-twenty-letters"
PAGES = Path(__file__).parents[2] / "src/cancernet/serve/page"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")


def serving(state: Path, token: str = "") -> Iterator[str]:
    bound = bind("127.0.0.1", 0)
    settings = Settings(port=bound.getsockname()[1], token=token, state=state, threads=1)
    server = uvicorn.Server(uvicorn.Config(make_app(settings, load_model()), log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.02)
    yield f"http://127.0.0.1:{settings.port}"
    server.should_exit = server.force_exit = True
    thread.join(20)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from serving(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def blank(browser: Browser) -> Iterator[Page]:
    """A page that has loaded nothing; at the end no script of it may have failed and no policy been broken."""
    context = browser.new_context(accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(20_000)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda line: wrong.append(line.text) if "Content Security Policy" in line.text else None)
    yield page
    context.close()
    assert not wrong


@pytest.fixture
def page(blank: Page, server: str) -> Page:
    return opened(blank, server)


def opened(page: Page, server: str, view: str = "") -> Page:
    page.goto(f"{server}/{view}")
    page.wait_for_selector("body[data-ready]")
    return page


@pytest.fixture(scope="module")
def patches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve drawn patches of two patients, whose names state a class; every other name states the wrong one."""
    folder = tmp_path_factory.mktemp("patches")
    for patient in (1, 2):
        section = draw_section(np.random.default_rng(patient), 150, 150, malignant_share=0.5)
        for i, (x, y) in enumerate((x, y) for x in (0, 50, 100) for y in (25, 75)):
            name = f"P{patient}_idx5_x{x + 1}_y{y + 1}_class{i % 2}.png"
            cv2.imwrite(str(folder / name), section.image[y : y + 50, x : x + 50, ::-1])
    return folder


def choose(page: Page, *files: Path) -> None:
    page.set_input_files("#files", list(files))
    settled(page)


def settled(page: Page) -> None:
    page.wait_for_selector("#working", state="hidden")


def rows(page: Page) -> Locator:
    return page.locator("#rows tr")


def words(page: Page, column: str) -> list[str]:
    return page.locator(f"#rows .{column}").all_inner_texts()


def test_chosen_patches_are_answered_and_what_cannot_be_used_is_listed_with_its_reason(
    page: Page, patches: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno picture at all")
    choose(page, *sorted(patches.iterdir()), tmp_path / "broken.png")
    expect(rows(page)).to_have_count(12)
    expect(page.locator("#patches-count")).to_have_text(" (12)")
    expect(page.locator("#refused-count")).to_have_text("1 file could not be used")
    page.click("#refused-count")
    assert re.search(r"broken\.png\s+\S", page.inner_text("#refused-rows"))


def test_a_folder_that_is_chosen_and_files_that_are_dropped_bring_their_paths(page: Page, patches: Path) -> None:
    page.set_input_files("#folder", patches)
    settled(page)
    expect(rows(page)).to_have_count(12)
    assert all(path.startswith(f"{patches.name}/P") for path in words(page, "path"))
    page.evaluate("""async () => {
      const transfer = new DataTransfer();
      const content = await (await fetch("/v1/samples/1.png")).blob();
      transfer.items.add(new File([content], "dropped.png"));
      document.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
    }""")
    expect(page.locator("#rows .path", has_text="dropped.png")).to_have_count(1)


def test_a_request_without_one_usable_file_says_the_reason_of_each(page: Page, tmp_path: Path) -> None:
    for name in ("one.png", "two.png"):
        (tmp_path / name).write_bytes(b"")
    choose(page, *sorted(tmp_path.iterdir()))
    told = page.locator("#refused-rows tr").all_inner_texts()
    assert [each.split()[0] for each in told] == ["one.png", "two.png"]
    assert all("no image could be used" not in each for each in told)


def test_the_csv_is_the_one_of_the_server_and_no_cell_of_it_is_a_formula(
    page: Page, patches: Path, tmp_path: Path
) -> None:
    shutil.copy(min(patches.iterdir()), tmp_path / "=1+1.png")
    choose(page, *sorted(patches.iterdir()), tmp_path / "=1+1.png")
    with page.expect_download() as started:
        page.click("#csv")
    with started.value.path().open(newline="") as file:
        head, *body = csv.reader(file)
    assert tuple(head) == COLUMNS
    assert len(body) == 13
    assert [row[0] for row in body if "1+1" in row[0]] == ["'=1+1.png"]
    shown = dict(zip(words(page, "path"), words(page, "number"), strict=True))
    assert all(f"{float(row[4]):.3f}" == shown[row[0].lstrip("'")] for row in body)


def test_the_table_is_filtered_by_decision_and_text_and_sorted_by_its_heads(page: Page, patches: Path) -> None:
    choose(page, *sorted(patches.iterdir()))
    page.select_option("#only", "malignant")
    assert set(page.locator("#rows .chip").all_text_contents()) == {"●malignant"}
    page.select_option("#only", "differs")
    decisions = page.locator("#rows .chip").all_text_contents()
    assert decisions
    assert not [
        each for each in zip(decisions, words(page, "stated"), strict=True) if each[0][1:] == each[1].split(",")[0]
    ]
    page.select_option("#only", "")
    page.fill("#find", "p2_")
    expect(rows(page)).to_have_count(6)
    page.click("th[data-key=probability] button")
    numbers = [float(each) for each in words(page, "number")]
    assert numbers == sorted(numbers, reverse=True)
    assert page.get_attribute("th[data-key=probability]", "aria-sort") == "descending"


def test_a_patch_is_shown_with_its_evidence_and_the_training_patches_most_like_it(page: Page, patches: Path) -> None:
    choose(page, *sorted(patches.iterdir()))
    rows(page).first.locator("button").click()
    page.wait_for_selector("#patch-why canvas.colours")
    assert re.search(
        r"Evidence in \d+ by \d+ cells", page.locator("#patch-why canvas").nth(1).get_attribute("aria-label") or ""
    )
    drawn = page.evaluate(
        "[...document.querySelectorAll('#patch-why canvas')].map((c) => new Set(c.getContext('2d')"
        ".getImageData(0, 0, c.width, c.height).data).size)"
    )
    assert min(drawn) > 20  # not one colour
    assert page.locator(".near tbody tr").count() > 0
    page.keyboard.press("ArrowDown")
    expect(page.locator("#patch-name")).to_have_text(words(page, "path")[1])


def test_the_colours_of_evidence_are_those_of_the_reports(page: Page) -> None:
    shown = page.evaluate("import('/static/evidence.js').then((m) => [0, .2, .37, .5, .81, 1].map(m.colour))")
    asked = 255 * colormaps[COLOURS](np.array([0, 0.2, 0.37, 0.5, 0.81, 1]))[:, :3]
    np.testing.assert_allclose(shown, asked, atol=1.5)


def test_abstaining_asks_again_and_draws_the_band(page: Page, patches: Path) -> None:
    choose(page, *sorted(patches.iterdir()))
    before = page.locator("#rows .chip.unsure").count()
    assert page.locator("#rows .band").count() == 0
    page.select_option("#abstain", "0.3")
    expect(page.locator("#rows .band")).to_have_count(12)
    settled(page)
    assert page.locator("#rows .chip.unsure").count() > before


def test_a_zip_is_unpacked_in_the_browser_and_its_answers_are_those_of_its_files(
    page: Page, patches: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        for each in sorted(patches.iterdir()):
            packed.write(each, f"folder/{each.name}")
    choose(page, tmp_path / "all.zip")
    packed_up = words(page, "number")
    assert words(page, "path")[0].startswith("folder/P1_")
    page.click("#clear")
    choose(page, *sorted(patches.iterdir()))
    assert words(page, "number") == packed_up


def test_patches_that_come_later_are_judged_with_those_of_their_patient_that_are_here(
    page: Page, patches: Path
) -> None:
    files = sorted(patches.iterdir())
    choose(page, *files)
    whole = words(page, "number")
    page.click("#clear")
    choose(page, *files[:4])
    choose(page, *files[4:])
    assert words(page, "number") == whole


def test_ten_thousand_patches_are_asked_about_by_whole_patients_and_shown_a_page_at_a_time(page: Page) -> None:
    requests: list[list[str]] = page.evaluate("""async () => {
      const answers = await import("/static/answers.js");
      const limits = (await (await fetch("/v1/model")).json()).limits;
      const requests = [];
      window.fetch = async (path, { body }) => { // in the place of the server, for speed
        requests.push(body.getAll("files").map(({ name }) => name));
        const few = { probability: 0.01, alone: 0.01, patient: "", decision: "benign", reason: "", stated: null };
        const patches = requests.at(-1).map((name) => ({ path: name, ...few }));
        return Response.json({ patches, errors: [], stains: [], notes: [] });
      };
      const content = new Blob(["x"]);
      const items = Array.from({ length: 10000 }, (_, i) =>
        ({ path: `P${i % 40}_idx5_x${i}_y1_class0.png`, bytes: 1, open: async () => content }));
      await answers.add(items, { limits, signal: new AbortController().signal, progress: () => {} });
      return requests;
    }""")
    expect(page.locator("#place")).to_have_text("1 to 50 of 10,000")
    expect(rows(page)).to_have_count(50)
    page.click("#last")
    expect(page.locator("#place")).to_have_text("9,951 to 10,000 of 10,000")
    patients = [{name.split("_")[0] for name in names} for names in requests]
    assert sum(map(len, requests)) == 10_000
    assert sum(map(len, patients)) == len(set().union(*patients)) == 40  # none in two requests


def test_what_was_stopped_is_listed_as_not_asked_about(blank: Page, server: str, patches: Path) -> None:
    blank.route("**/v1/predict*", lambda _: None)  # no answer ever comes
    page = opened(blank, server)
    page.set_input_files("#files", sorted(patches.iterdir()))
    expect(page.locator("#progress-text")).to_have_text("Looking at files: 12 of 12")
    page.click("#cancel")
    settled(page)
    expect(page.locator("#refused-rows tr")).to_have_count(12)
    assert "it was stopped" in page.inner_text("#refused-rows")


def test_what_is_cleared_while_it_is_asked_about_does_not_come_back(blank: Page, server: str, patches: Path) -> None:
    blank.route("**/v1/predict*", lambda _: None)
    page = opened(blank, server)
    page.set_input_files("#files", sorted(patches.iterdir()))
    expect(page.locator("#progress-text")).to_have_text("Looking at files: 12 of 12")
    page.click("#clear")
    settled(page)
    expect(page.locator("#results")).to_be_hidden()
    expect(page.locator("#hints")).to_be_visible()


def test_the_samples_are_answered_and_called_drawn(page: Page) -> None:
    page.click("#try")
    settled(page)
    expect(rows(page)).to_have_count(3)
    assert "drawn by a program" in page.inner_text("#notes")
    assert "?unsure" in page.locator("#rows .chip").all_text_contents()  # one is out of focus


@pytest.mark.slow
def test_a_field_without_a_scale_is_asked_for_it_and_then_mapped(page: Page, tmp_path: Path) -> None:
    image = draw_section(np.random.default_rng(5), 210, 260, malignant_share=0.4).image
    cv2.imwrite(str(tmp_path / "field.png"), image[..., ::-1])
    choose(page, tmp_path / "field.png")
    page.wait_for_selector("form.ask")
    assert page.url.endswith("#/fields")
    page.fill("form.ask input[type=number]", "2")
    expect(page.locator(".means")).to_contain_text("2 × 2 patches fit")
    page.click(".marks button:has-text('2.5× 4')")
    expect(page.locator(".means")).to_contain_text("5 × 4 patches fit")
    page.click("text=Map at this scale")
    page.wait_for_selector(".mapped img")
    assert "4 µm/px (as you said)" in page.inner_text(".mapped")


def test_a_server_with_a_token_asks_for_it_and_puts_it_into_no_address(blank: Page, tmp_path: Path) -> None:
    running = serving(tmp_path, token=TOKEN)
    server = next(running)
    asked: list[str] = []
    blank.on("request", lambda request: asked.append(request.url))
    blank.goto(server)
    blank.fill("#token-text", "wrong")
    blank.keyboard.press("Enter")
    expect(blank.locator("#token-error")).to_contain_text("not the token")
    blank.fill("#token-text", TOKEN)
    blank.keyboard.press("Enter")
    blank.wait_for_selector("body[data-ready]")
    expect(blank.locator("#model-name")).to_have_text("cancernet")
    assert not [url for url in asked if TOKEN in url]
    next(running, None)


def test_the_model_and_that_it_is_for_research_stand_at_the_foot_of_every_view(page: Page) -> None:
    for view in ("patches", "fields", "model"):
        page.click(f"#to-{view}")
        expect(page.locator("footer")).to_be_in_viewport()
        assert "Research only" in page.inner_text("footer")
    assert page.locator("#card h2").first.inner_text() == "Model card: cancernet"


@pytest.mark.parametrize("part", ["slides", "review"])
def test_a_part_that_the_server_lacks_is_not_shown(blank: Page, server: str, part: str) -> None:
    blank.route(re.compile(r"/v1/reviews"), lambda route: route.fulfill(status=404))
    expect(opened(blank, server).locator(f"#to-{part}")).to_be_hidden()


def reviewing(page: Page, server: str, patches: Path, kept: Reviews) -> Page:
    kept.install(page)
    opened(page, server)
    choose(page, *sorted(patches.iterdir()))
    page.click("#to-review")
    page.fill("#reader", "A. Reader")
    return page


def judge(page: Page, key: str, last: str = "Kept") -> None:
    page.keyboard.press(key)
    expect(page.locator("#review-last")).to_contain_text(last)
    expect(page.locator("#stage")).to_be_focused()


def test_the_surest_errors_are_judged_with_one_key_each_and_the_last_is_taken_back(
    blank: Page, server: str, patches: Path
) -> None:
    kept = Reviews()
    page = reviewing(blank, server, patches, kept)
    number = int(page.inner_text("#errors-count"))
    page.click("#begin")
    expect(page.locator("#review-place")).to_have_text(f"1 of {number}")
    called = (page.text_content("#review-answer .chip >> nth=0") or "")[1:]
    judge(page, "Enter")
    expect(page.locator("#review-place")).to_have_text(f"2 of {number}")
    [first] = kept.kept.values()
    assert (first["verdict"], first["reader"]) == (called, "A. Reader")
    judge(page, "u", "unsure")
    assert len(kept.kept) == 2
    judge(page, "Backspace", "Taken back")
    assert list(kept.kept.values()) == [first]
    page.click("#stop")
    expect(page.locator("#agreement-rows")).to_contain_text("A. Reader and the model")
    assert "0.25 (-0.10 to 0.60)" in page.inner_text("#agreement-rows")
    page.reload()
    page.wait_for_selector("body[data-ready]")
    assert page.input_value("#reader") == "A. Reader"


def test_a_blind_review_hides_name_and_answer_and_leaves_out_what_was_judged(
    blank: Page, server: str, patches: Path
) -> None:
    page = reviewing(blank, server, patches, Reviews())
    page.check("input[value=sample]")
    page.fill("#sample-size", "3")
    page.check("#blind")
    page.click("#begin")
    expect(page.locator("#review-place")).to_have_text("1 of 3")
    assert "class" not in page.inner_text("#stage .name >> nth=0")
    assert page.inner_text("#review-answer") == ""
    page.keyboard.press("Enter")
    expect(page.locator("#review-error")).to_contain_text("hidden")
    judge(page, "m")
    assert "the model:" in page.inner_text("#review-last")
    page.click("#stop")
    page.click("#begin")
    expect(page.locator("#review-place")).to_have_text("1 of 2")


def test_a_judgement_that_the_server_did_not_keep_is_said_and_asked_for_again(
    blank: Page, server: str, patches: Path
) -> None:
    page = reviewing(blank, server, patches, Reviews())
    page.click("#begin")
    expect(page.locator("#stage")).to_be_visible()
    place = page.inner_text("#review-place")
    blank.route(re.compile(r"/v1/reviews$"), lambda route: route.abort())
    page.keyboard.press("b")
    expect(page.locator("#review-error")).to_contain_text("Not kept")
    assert page.inner_text("#review-place") == place


def test_a_sample_depends_on_its_seed_and_not_on_the_order_of_the_patches(page: Page) -> None:
    drawn: list[list[str]] = page.evaluate("""async () => {
      const { sampled } = await import("/static/sample.js");
      const rows = Array.from({ length: 50 }, (_, i) => ({ path: `p${i}` }));
      const paths = (r, s) => sampled(r, 10, s).map(({ path }) => path);
      return [paths(rows, 1), paths([...rows].reverse(), 1), paths(rows, 2)];
    }""")
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(set(drawn[0])) == 10


def test_a_slide_is_mapped_by_a_job_whose_map_is_shown_when_it_is_done(blank: Page, server: str) -> None:
    fake = Slides()
    fake.install(blank)
    page = opened(blank, server, "#/slides")
    expect(page.locator("#slides article")).to_have_count(2)
    page.click("[aria-label='Map one.svs']")
    expect(page.locator("#slides")).to_contain_text("90,000 × 70,000 px at 0.25 µm/px")
    page.click("#slides form button.main")
    expect(page.locator("#jobs .state")).to_have_text("done")
    assert fake.asked == [{"mpp": None, "viewer_mpp": None, "stride": None}]
    assert "1.5 mm² called malignant of 30 mm²" in page.inner_text("#jobs").replace("30.0", "30")
    page.click("text=Show the map here")
    assert page.frame_locator("iframe.viewer").locator("title").inner_text() == "viewer"


def test_a_slide_without_a_scale_is_asked_for_it_and_jobs_are_still_listed_when_the_page_opens_again(
    blank: Page, server: str
) -> None:
    fake = Slides()
    fake.install(blank)
    page = opened(blank, server, "#/slides")
    page.click("[aria-label='Map two.svs']")
    page.click(".marks button:has-text('20× 0.5')")
    page.click("text=Map at this scale")
    page.click("#slides form button.main")
    expect(page.locator("#jobs article")).to_have_count(1)
    assert fake.asked[0]["mpp"] == 0.5
    page.reload()
    page.wait_for_selector("body[data-ready]")
    expect(page.locator("#jobs article")).to_have_count(1)
    expect(page.locator("#jobs .state")).to_have_text("done")
    remove = page.locator("#jobs button:has-text('Remove')")
    remove.click()
    remove.click()
    expect(page.locator("#jobs article")).to_have_count(0)


@pytest.mark.skipif("AXE" not in os.environ, reason="AXE names no axe.min.js")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1600])
def test_axe_finds_nothing_wrong(blank: Page, server: str, patches: Path, scheme: Any, width: int) -> None:
    blank.emulate_media(color_scheme=scheme)
    blank.set_viewport_size({"width": width, "height": 900})
    Slides().install(blank)
    page = reviewing(blank, server, patches, Reviews())
    page.evaluate(Path(os.environ["AXE"]).read_text())
    for view in ("patches", "fields", "slides", "review", "model"):
        page.click(f"#to-{view}")
        found = page.evaluate("axe.run(document)")
        assert not [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]], view
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_no_file_of_the_page_asks_another_server_or_holds_a_script_or_style_of_its_own() -> None:
    for file in PAGES.iterdir():
        text = file.read_text(encoding="utf-8")
        assert not re.findall(r"""(?:src|href|import|from|url)\s*[=(]?\s*["']?https?:""", text), file.name
        assert "innerHTML" not in text, file.name
    html = (PAGES / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*src=)", html)
