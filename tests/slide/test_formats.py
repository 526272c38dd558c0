"""Any image of any size and ending is read as its content says, or refused with the reason."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cancernet.slide import openslide_reader, reader, vips_reader
from cancernet.slide.formats import open_slide
from cancernet.slide.openslide_reader import OpenSlideReader, over_white, scale_of
from cancernet.slide.scale import BadSlide
from cancernet.slide.vips_reader import VipsReader


def noise(height: int = 300, width: int = 500, bands: int = 3) -> np.ndarray:
    return np.random.default_rng(2).integers(0, 256, (height, width, bands), dtype=np.uint8)


def whole(opened, level: int = 0) -> np.ndarray:
    size = opened.levels[level]
    return opened.read(level, 0, 0, size.width, size.height)


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("a.png", {}),
        ("a.png", {"interlace": True}),
        ("a.tif", {}),
        ("a.tif", {"compression": "lzw"}),
        ("a.tif", {"bigtiff": True}),
        ("a.tif", {"tile": True, "compression": "deflate"}),
        ("ä b.tif", {"tile": True, "pyramid": True, "compression": "lzw"}),
    ],
)
def test_pixels_come_back_as_they_were_saved(save: Callable, tmp_path: Path, name: str, how: dict[str, object]) -> None:
    opened = open_slide(save(noise(), tmp_path / name, **how), threads=2)
    np.testing.assert_array_equal(whole(opened), noise())
    assert opened.size == (500, 300)
    opened.close()


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.tif")
    with pytest.raises(BadSlide, match="a pipe, not a file"):
        open_slide(tmp_path / "a.tif", threads=1)


def test_strips_are_read_from_top_to_bottom(save: Callable, tmp_path: Path) -> None:
    opened = open_slide(save(noise(), tmp_path / "a.png"), threads=1)
    parts = [opened.read(0, 0, top, 500, 60) for top in range(0, 300, 60)]
    np.testing.assert_array_equal(np.concatenate(parts), noise())


def test_the_content_decides_and_not_the_ending(save: Callable, save_svs: Callable, tmp_path: Path) -> None:
    png = save(noise(), tmp_path / "a.tif", format="png")
    assert isinstance(open_slide(png, threads=1), VipsReader)
    slide = save_svs(noise(), tmp_path / "b.png")
    assert isinstance(open_slide(slide, threads=1), OpenSlideReader)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("a.mrxs", r"named \.mrxs, .*is its folder of the same name there\?"),
        ("a.vms", "is all that it names there"),
        ("a.svs", "a plain JPEG to be renamed"),
        ("A.NDPI", "a plain JPEG to be renamed"),
    ],
)
def test_a_preview_under_a_scanners_name_is_never_the_slide(
    save: Callable, tmp_path: Path, name: str, says: str
) -> None:
    with pytest.raises(BadSlide, match=says):
        open_slide(save(noise(), tmp_path / name, format="jpg"), threads=1)


@pytest.mark.parametrize("how", [{"series": 1}, {"series": 3}])
def test_another_image_of_a_file_with_one_is_refused(save: Callable, tmp_path: Path, how: dict[str, int]) -> None:
    with pytest.raises(BadSlide, match="it holds one image"):
        open_slide(save(noise(), tmp_path / "a.png"), threads=1, **how)


def test_grey_is_spread_and_transparent_is_white(save: Callable, tmp_path: Path) -> None:
    grey = noise(bands=1)
    np.testing.assert_array_equal(
        whole(open_slide(save(grey, tmp_path / "g.png"), threads=1)), np.repeat(grey, 3, axis=2)
    )
    clear = np.dstack([noise(), np.zeros((300, 500), np.uint8)])
    assert (whole(open_slide(save(clear, tmp_path / "c.png"), threads=1)) == 255).all()


def test_openslides_transparency_is_laid_over_white() -> None:
    pixel = np.array([[[100, 0, 200, 255], [100, 0, 200, 0], [100, 0, 200, 51]]], np.uint8)
    assert over_white(pixel).tolist() == [[[100, 0, 200], [255, 255, 255], [224, 204, 244]]]


def test_a_scanners_slide_tells_scale_power_and_levels(save_svs: Callable, tmp_path: Path) -> None:
    opened = open_slide(save_svs(noise(2000, 3000), tmp_path / "a.svs"), threads=1)
    assert (opened.found.mpp_x, opened.found.mpp_y, opened.found.power) == (0.25, 0.25, 40)
    # 3000 / 16 = 187.5: a remainder was dropped, the level is still one of 16
    assert [level.down_x for level in opened.levels] == [1, 2, 4, 8, 16, 32]
    assert (opened.levels[4].width, opened.levels[4].height) == (187, 125)


def test_a_microscopes_resolution_is_a_scale_and_a_printers_is_none(save: Callable, tmp_path: Path) -> None:
    for how in ({}, {"tile": True}):
        believed = open_slide(save(noise(), tmp_path / "a.tif", mpp=0.5, **how), threads=1).found
        assert believed.mpp_x == pytest.approx(0.5)
        printed = open_slide(save(noise(), tmp_path / "b.tif", mpp=25_400 / 300, **how), threads=1).found
        assert printed.mpp_x is None
        assert "84.67 um/px, which no slide scanner makes" in printed.doubts[0]


def test_pixels_of_a_bounded_slide_are_those_from_its_origin(
    save: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openslide_reader, "bounds", lambda *_: ((64, 32), (200, 150)))
    opened = open_slide(save(noise(), tmp_path / "a.tif", tile=True), threads=1)
    np.testing.assert_array_equal(opened.read(0, 0, 0, 200, 150), noise()[32:182, 64:264])
    assert (opened.levels[0].width, opened.levels[0].height) == (200, 150)


def test_a_number_that_is_none_is_no_scale() -> None:
    assert scale_of({"openslide.mpp-x": "abc", "openslide.objective-power": ""}).mpp_x is None


def test_what_is_no_slide_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "empty.svs").touch()
    (tmp_path / "text.svs").write_text("not a slide at all")
    (tmp_path / "text.tif").write_text("not a slide at all")
    (tmp_path / "page.png").write_bytes(b"%PDF-1.7 and more")
    for name, says in {
        "empty.svs": "^empty$",
        "text.svs": r"named \.svs, and OpenSlide does not take it for one",
        "text.tif": "not a slide that OpenSlide knows",
        "page.png": "nor a PNG, JPEG or TIFF",
        "none.svs": "cannot be read .No such file",
        ".": "a folder; name the slides",
    }.items():
        with pytest.raises(BadSlide, match=says):
            open_slide(tmp_path / name, threads=1)


@pytest.mark.parametrize(
    ("name", "how"),
    [("a.png", {}), ("a.jpg", {}), ("a.tif", {"compression": "lzw"}), ("a.tif", {"tile": True, "compression": "lzw"})],
)
def test_a_file_cut_short_is_told(save: Callable, tmp_path: Path, name: str, how: dict[str, object]) -> None:
    path = save(noise(), tmp_path / name, **how)
    content = path.read_bytes()
    for share in (0.5, 0.95) if "tile" not in how else (0.3, 0.5):
        path.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(BadSlide, match=r"damaged|cut short|not a slide"):
            whole(open_slide(path, threads=1))


def test_too_many_pixels_are_refused_before_any_is_decoded(
    save: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MAX_PIXELS", 149_999)
    for name, how in (("a.png", {}), ("a.tif", {"tile": True})):
        with pytest.raises(BadSlide, match=r"too large \(500x300 px; at most 0 megapixels\)"):
            open_slide(save(noise(), tmp_path / name, **how), threads=1)


def test_a_small_file_that_claims_to_be_huge_is_refused(save: Callable, tmp_path: Path) -> None:
    path = save(noise(), tmp_path / "bomb.jpg", interlace=True)
    content = bytearray(path.read_bytes())
    frame = content.index(b"\xff\xc2")  # a progressive frame: height and width follow
    content[frame + 5 : frame + 9] = b"\xff\xdc\xff\xdc"
    path.write_bytes(content)
    with pytest.raises(BadSlide, match=r"65500x65500 px; at most 250 megapixels in a progressive"):
        open_slide(path, threads=1)


@pytest.mark.parametrize(("name", "how"), [("a.png", {"interlace": True}), ("a.jpg", {"interlace": True})])
def test_what_must_be_held_whole_has_a_lower_limit(
    save: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, how: dict[str, bool]
) -> None:
    monkeypatch.setattr(vips_reader, "MAX_WHOLE_PIXELS", 149_999)
    with pytest.raises(BadSlide, match="save it anew without that"):
        open_slide(save(noise(), tmp_path / name, **how), threads=1)
    assert open_slide(save(noise(), tmp_path / name), threads=1).size == (500, 300)


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), RuntimeError("decoder"), ValueError("odd")])
def test_any_error_of_a_library_is_the_reason(
    save: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    import openslide

    def fails(*_: object) -> None:
        raise error

    path = save(noise(), tmp_path / "a.tif", tile=True)
    opened = open_slide(path, threads=1)
    monkeypatch.setattr(openslide.OpenSlide, "read_region", fails)
    with pytest.raises(BadSlide, match=r"damaged at row 0 \("):
        whole(opened)
    monkeypatch.setattr(openslide.OpenSlide, "detect_format", fails)
    with pytest.raises(BadSlide, match="cannot be read"):
        open_slide(path, threads=1)


def test_a_machine_out_of_memory_is_no_damage() -> None:
    with pytest.raises(MemoryError), reader.reading("damaged"):
        raise MemoryError
