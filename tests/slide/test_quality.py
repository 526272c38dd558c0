"""What cannot be judged is marked as what it is; sound tissue, dense or pale, is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from cancernet.common.defaults import PATCH_SIZE
from cancernet.data.synthetic import EOSIN, HAEMATOXYLIN, draw_section
from cancernet.model import judge
from cancernet.slide import quality
from cancernet.slide.quality import REASONS, WHITE, Kind, assess, density, dye_plane, join, reasons_of
from cancernet.slide.score import positions
from cancernet.slide.section import Section
from cancernet.slide.tissue import BLOCK, Tissue, block_means, find_tissue, tissue_share

SIDE, AT = 700, (350, 350)  # px of the section, and where a fault lies
DISTANCE = np.hypot(*(np.indices((SIDE, SIDE)) - np.array(AT)[:, None, None]))
STRIP = np.abs(np.indices((SIDE, SIDE))[0] - AT[0]) < 20
STRIP &= DISTANCE < 200
INKS = {"black": (0.5, 0.5, 0.5), "blue": (1.1, 0.7, 0.2), "green": (0.5, 0.2, 0.4), "red": (0.06, 0.9, 0.8)}

Marked = Callable[[np.ndarray], np.ndarray]


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return draw_section(np.random.default_rng(3), SIDE, SIDE, malignant_share=0.3).image


@pytest.fixture
def marked(tmp_path: Path) -> Marked:
    """Return the label of each block of an image."""
    return lambda image: look(tmp_path, image)[1]


def look(folder: Path, image: np.ndarray) -> tuple[Tissue, np.ndarray]:
    (folder / "s").write_bytes(np.ascontiguousarray(image).tobytes())
    section = Section(folder / "s", image.shape[1], image.shape[0], 16.0, 16.0, (0, 0), 0)
    blocks = block_means(section)
    tissue = find_tissue(blocks)
    return tissue, assess(section, blocks, tissue).labels


def laid_over(image: np.ndarray, added: np.ndarray) -> np.ndarray:
    od = density(image) + added
    return np.clip(WHITE * 10.0**-od, 0, 255).astype(np.uint8)


def inner(mask: np.ndarray) -> np.ndarray:
    """Blocks that lie wholly under a fault."""
    return mask.reshape(SIDE // BLOCK, BLOCK, SIDE // BLOCK, BLOCK).all(axis=(1, 3))


def test_sound_tissue_is_not_marked(image: np.ndarray, marked: Marked) -> None:
    assert (marked(image) > 0).mean() < 0.005


def test_a_blurred_part_is_out_of_focus_and_no_more(image: np.ndarray, marked: Marked) -> None:
    soft = np.where(DISTANCE[..., None] < 120, cv2.GaussianBlur(image, (0, 0), 2), image)
    found = marked(soft) == Kind.OUT_OF_FOCUS
    assert found[inner(DISTANCE < 100)].mean() > 0.95
    assert not found[inner(DISTANCE > 140)].any()


def test_tissue_that_lies_double_is_a_fold(image: np.ndarray, marked: Marked) -> None:
    twice = laid_over(image, STRIP[..., None] * density(np.roll(image, 45, axis=0)))
    found = marked(twice) == Kind.FOLD
    assert found[inner(STRIP)].mean() > 0.5
    assert found[inner(DISTANCE > 230)].mean() < 0.002


@pytest.mark.parametrize(("dye", "told"), [(EOSIN, True), (HAEMATOXYLIN, False)])
def test_as_dense_a_strip_is_a_fold_of_the_same_hue_and_none_of_more_nuclei(
    dye: tuple[float, float, float], told: bool, marked: Marked
) -> None:
    fibres = np.random.default_rng(0).uniform(0.1, 0.5, (2, SIDE, SIDE, 1))
    od = fibres[0] * EOSIN + STRIP[..., None] * fibres[1] * dye
    found = marked(laid_over(np.full((SIDE, SIDE, 3), 245, np.uint8), od)) == Kind.FOLD
    assert found[inner(STRIP)].mean() > 0.9 if told else not found.any()


@pytest.mark.parametrize("ink", INKS)
def test_ink_on_tissue_is_told_by_its_colour(ink: str, image: np.ndarray, marked: Marked) -> None:
    inked = laid_over(image, STRIP[..., None] * np.array(INKS[ink]))
    found = marked(inked)
    assert (found == Kind.PEN)[inner(STRIP)].mean() > 0.8
    assert (found > 0)[inner(DISTANCE > 230)].mean() < 0.005


def test_a_black_stroke_on_glass_is_a_pen(image: np.ndarray, marked: Marked) -> None:
    glass = image.copy()
    glass[:, 400:] = 243
    glass[300:340, 450:650] = 30
    assert (marked(glass)[61:67, 91:129] == Kind.PEN).all()


def test_what_a_round_rim_encloses_is_a_bubble(image: np.ndarray, marked: Marked) -> None:
    rim = 0.8 * np.exp(-(((DISTANCE - 120) / 3) ** 2))
    found = marked(laid_over(image, rim[..., None])) == Kind.AIR_BUBBLE
    assert found[inner(DISTANCE < 110)].all()
    assert not found[inner(DISTANCE > 140)].any()


def test_an_open_rim_encloses_nothing(image: np.ndarray, marked: Marked) -> None:
    rim = 0.8 * np.exp(-(((DISTANCE - 120) / 3) ** 2))
    rim[:, :300] = 0
    assert not (marked(laid_over(image, rim[..., None])) == Kind.AIR_BUBBLE).any()


def test_the_inked_margin_of_a_round_specimen_is_no_bubble(marked: Marked) -> None:
    texture = np.random.default_rng(0).integers(-25, 25, (1600, 1600, 3))
    specimen = (np.array([205, 140, 190]) + texture).astype(np.uint8)
    cv2.circle(specimen, (800, 800), 760, (20, 20, 20), 12)
    found = marked(specimen)
    assert (found == Kind.PEN).any()
    assert not found[60:260, 60:260].any()


@pytest.mark.parametrize("grey", [0, 60, 140])
def test_an_even_dark_field_at_the_edge_is_off_the_glass(grey: int, image: np.ndarray, marked: Marked) -> None:
    cut = image.copy()
    cut[:, 500:] = grey
    found = marked(cut)
    assert (found[:, 101:] == Kind.OFF_GLASS).all()
    assert (found[:, :95] > 0).mean() < 0.01


def test_a_fault_on_a_seam_of_bands_is_the_same(
    image: np.ndarray, marked: Marked, monkeypatch: pytest.MonkeyPatch
) -> None:
    soft = np.where(DISTANCE[..., None] < 120, cv2.GaussianBlur(image, (0, 0), 2), image)
    twice = laid_over(soft, STRIP[..., None] * density(np.roll(image, 45, axis=0)))
    whole = marked(twice)
    monkeypatch.setattr(quality, "BAND", 33)
    monkeypatch.setattr(quality, "DETAIL_BAND", 7)
    np.testing.assert_array_equal(marked(twice), whole)


@pytest.mark.parametrize("size", [(60, 701), (703, 63), (51, 52)])
def test_partial_blocks_at_the_edge_are_measured(size: tuple[int, int], image: np.ndarray, marked: Marked) -> None:
    large = np.pad(image, ((0, 10), (0, 10), (0, 0)), mode="reflect")[: size[0], : size[1]]
    assert marked(large).shape == (-(-size[0] // BLOCK), -(-size[1] // BLOCK))
    assert (marked(large) > 0).mean() < 0.05


def test_glass_alone_has_nothing_to_mark(marked: Marked) -> None:
    assert not marked(np.full((200, 200, 3), 243, np.uint8)).any()


def test_a_patch_is_not_judged_from_a_quarter_of_its_tissue_on(tmp_path: Path) -> None:
    mask = np.ones((10, 30), bool)
    mask[:, 25:] = False  # the third patch is half glass
    labels = np.zeros((10, 30), np.uint8)
    labels[:2, :10] = Kind.FOLD  # a fifth
    labels[:3, 10:20] = Kind.PEN  # three tenths
    labels[:3, 20:25] = Kind.FOLD  # three tenths of what tissue there is
    x, y = np.array([0, 50, 100]), np.zeros(3, int)
    found = reasons_of(quality.Quality(labels), Tissue(mask, 20.0, 0.0), x, y)
    assert found.tolist() == ["", REASONS[Kind.PEN], REASONS[Kind.FOLD]]


def test_the_judge_keeps_its_word_but_for_foreign_colours() -> None:
    judged = np.array(["", judge.OTHER_COLOURS, judge.BLANK, "", judge.OTHER_COLOURS], object)
    marked = np.array(["air bubble", "air bubble", "air bubble", "", ""], object)
    assert join(judged, marked).tolist() == ["air bubble", "air bubble", judge.BLANK, "", judge.OTHER_COLOURS]


def test_every_kind_but_judged_has_a_reason() -> None:
    assert set(REASONS) == set(Kind) - {Kind.JUDGED}


def test_the_plane_of_the_dyes_is_told_from_one_hue_too() -> None:
    rng = np.random.default_rng(0)
    dyes = np.array([[0.65, 0.7, 0.29], [0.1, 0.85, 0.4]])
    od = (rng.uniform(0, 1, (500, 2)) @ dyes).astype(np.float32)
    assert np.abs(od @ dye_plane(od)).max() < 0.05
    assert dye_plane(od) @ (1, 1, 1) > 0
    one = (rng.uniform(0.2, 1, (500, 1)) * [[0.3, 0.75, 0.5]]).astype(np.float32)
    assert np.array([0.5, 0.5, 0.5]) @ dye_plane(one) > 0.1  # grey is still off the plane


@pytest.mark.real
@pytest.mark.parametrize("specimen", ["8950", "8865"])
def test_real_sound_tissue_is_hardly_marked_and_no_tumour(specimen: str, real_data: Path, tmp_path: Path) -> None:
    from cancernet.data.stream import PatchStream
    from cancernet.maps.specimens import list_specimens, read_specimen, stitch

    stream = PatchStream([real_data / "idc" / specimen], plain=True)
    [(patient, members)] = list_specimens(stream).items()
    found = read_specimen(stream, patient, members)
    tissue, labels = look(tmp_path, stitch(found))
    x, y = positions(labels.shape[1] * BLOCK, labels.shape[0] * BLOCK, PATCH_SIZE)
    keep = tissue_share(tissue.mask, x, y, PATCH_SIZE) >= 0.1
    reasons = reasons_of(quality.Quality(labels), tissue, x[keep], y[keep])
    left, top = (found.table[axis] - found.table[axis].min() for axis in ("x", "y"))
    malignant = set(zip(left[found.table["label"] == 1], top[found.table["label"] == 1], strict=True))
    lost = [at for at, why in zip(zip(x[keep], y[keep], strict=True), reasons, strict=True) if why and at in malignant]
    assert len(malignant) > 50
    assert not lost
    assert np.mean(reasons != "") <= 0.01


@pytest.mark.real
def test_a_field_of_another_scanner_is_not_marked(real_data: Path, tmp_path: Path) -> None:
    image = cv2.imread(str(real_data / "tiles" / "bcss_1008.jpg"))[..., ::-1]
    small = cv2.resize(image, (image.shape[1] // 16, image.shape[0] // 16), interpolation=cv2.INTER_AREA)
    assert (look(tmp_path, small)[1] > 0).mean() < 0.01
