"""Masks: each value a class, at any size; pictures that are no masks are refused."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from cancernet.common.errors import UserError
from cancernet.slide import annotation_mask
from cancernet.slide.annotation import Drawn, Frame
from cancernet.slide.annotation_mask import is_picture, read_mask

FRAME = Frame(Path("a.svs"), 800, 400)


def mask() -> np.ndarray:
    made = np.zeros((40, 80), np.uint8)
    made[10:20, 20:40] = 255
    made[12:14, 22:24] = 0
    made[30:40, 0:10] = 128
    return made


def read(path: Path, frame: Frame = FRAME) -> Drawn:
    return read_mask(path, path.read_bytes(), frame)


@pytest.mark.parametrize("end", ["png", "tif"])
def test_each_value_is_a_class_and_nothing_is_nothing(tmp_path: Path, end: str) -> None:
    cv2.imwrite(str(tmp_path / f"m.{end}"), mask())
    found = {each.name: each.shape for each in read(tmp_path / f"m.{end}").found}
    assert set(found) == {"128", "255"}
    assert found["255"].bounds == (200, 100, 400, 200)
    assert found["255"].area == 200 * 100 - 20 * 20
    assert found["128"].area == 100 * 100


def test_colours_name_classes_where_a_mask_has_them(tmp_path: Path) -> None:
    colours = np.zeros((40, 80, 3), np.uint8)
    colours[:10, :10] = (0, 0, 255)  # BGR
    cv2.imwrite(str(tmp_path / "m.png"), colours)
    assert [each.name for each in read(tmp_path / "m.png").found] == ["#ff0000"]
    cv2.imwrite(str(tmp_path / "grey.png"), np.dstack([mask()] * 3))
    assert {each.name for each in read(tmp_path / "grey.png").found} == {"128", "255"}


def test_a_mask_of_many_rows_keeps_its_area(tmp_path: Path) -> None:
    made = np.zeros((1500, 3000), np.uint8)
    cv2.circle(made, (1500, 750), 700, 1, -1)
    cv2.imwrite(str(tmp_path / "m.png"), made)
    [found] = read(tmp_path / "m.png", Frame(Path("a"), 3000, 1500)).found
    assert found.shape.area == made.sum()
    assert found.shape.geom_type == "Polygon"


@pytest.mark.parametrize(
    ("name", "image", "says"),
    [
        ("m.jpg", mask(), "JPEG blurs"),
        ("m.png", mask()[:, :40], "aspect"),
        ("m.png", np.arange(3200, dtype=np.uint16).reshape(40, 80), "8 bits"),
        ("m.png", np.arange(3200).astype(np.uint8).reshape(40, 80), "a picture is none"),
    ],
)
def test_what_is_no_mask_of_the_slide_is_refused(tmp_path: Path, name: str, image: np.ndarray, says: str) -> None:
    cv2.imwrite(str(tmp_path / name), image)
    with pytest.raises(UserError, match=says):
        read(tmp_path / name)


def test_a_damaged_mask_and_one_too_large_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cv2.imwrite(str(tmp_path / "m.png"), mask())
    whole = (tmp_path / "m.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="damaged"):
        read(tmp_path / "cut.png")
    monkeypatch.setattr(annotation_mask, "MOST_PIXELS", 100)
    with pytest.raises(UserError, match="reduce it"):
        read(tmp_path / "m.png")


def test_noise_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(annotation_mask, "MOST_RUNS", 10)
    cv2.imwrite(str(tmp_path / "m.png"), np.tile(np.array([0, 1], np.uint8), (40, 40)))
    with pytest.raises(UserError, match="noise"):
        read(tmp_path / "m.png")


def test_a_picture_is_told_by_its_first_bytes() -> None:
    assert is_picture(b"\x89PNG\r\n\x1a\n...")
    assert not is_picture(b"<Annotations/>")
