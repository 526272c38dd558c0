"""The audit finds what crosses, and nothing else."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from cancernet.data.pack import Pack
from cancernet.data.scan import content_hash
from cancernet.evaluation import leakage
from cancernet.evaluation.leakage import Leakage, audit_leakage


def tissue(n: int, seed: int = 0) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 1, (n, 50, 50, 3))
    smooth = np.stack([cv2.GaussianBlur(x, (0, 0), 3) for x in noise])
    return (170 + 250 * smooth + 5 * noise).clip(0, 255).astype(np.uint8)


def make(images: NDArray[np.uint8]) -> tuple[pd.DataFrame, pd.Series]:
    """One patient a patch; sides train, val, test in turn."""
    n = len(images)
    table = pd.DataFrame(
        {"path": [f"{i}.png" for i in range(n)], "patient": [f"p{i}" for i in range(n)],
         "hash": [content_hash(x) for x in images]}
    )  # fmt: skip
    return table, pd.Series([("train", "val", "test")[i % 3] for i in range(n)], dtype="str")


def saved_again(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90])[1], cv2.IMREAD_COLOR)


def clean(found: Leakage) -> bool:
    return not found.patients_shared and found.exact.empty and found.near.empty


def audit(images: NDArray[np.uint8]) -> Leakage:
    return audit_leakage(images, *make(images))


def test_a_clean_split_is_clean() -> None:
    found = audit(tissue(90))
    assert clean(found)
    assert found.patients_shared == []
    assert list(found.exact.columns) == ["path_a", "split_a", "path_b", "split_b"]
    assert list(found.near.columns) == ["path_a", "split_a", "path_b", "split_b", "distance"]
    assert found.n_checked == 90


def test_a_patient_on_two_sides_is_named() -> None:
    images = tissue(9)
    table, side = make(images)
    table.loc[[0, 1, 2], "patient"] = "crossing"
    table.loc[[3, 6], "patient"] = "same side"
    found = audit_leakage(images, table, side)
    assert found.patients_shared == ["crossing"]
    assert not clean(found)


def test_unknown_patients_are_not_taken_for_one() -> None:
    images = tissue(6)
    table, side = make(images)
    assert audit_leakage(images, table.assign(patient=""), side).patients_shared == []


def test_the_same_pixels_on_two_sides_are_exact_and_not_near() -> None:
    images = tissue(9)
    images[4] = images[0]
    found = audit(images)
    assert found.exact.to_numpy().tolist() == [["0.png", "train", "4.png", "val"]]
    assert found.near.empty
    assert not clean(found)


def test_the_same_pixels_on_three_sides_are_all_named() -> None:
    images = tissue(9)
    images[[4, 8, 3]] = images[0]
    found = audit(images)
    assert set(found.exact["path_b"]) == {"4.png", "8.png"}  # 3.png is on the side of 0.png


def test_a_patch_saved_again_on_another_side_is_near() -> None:
    images = tissue(30)
    images[7] = saved_again(images[0])
    found = audit(images)
    assert found.exact.empty
    assert found.near[["path_a", "split_a", "path_b", "split_b"]].to_numpy().tolist() == [
        ["0.png", "train", "7.png", "val"]
    ]
    assert found.near["distance"].iloc[0] <= leakage.NEAR_BITS
    assert not clean(found)


def test_copies_on_one_side_are_no_leak() -> None:
    images = tissue(30)
    images[3] = images[0]
    images[9] = saved_again(images[6])
    assert clean(audit(images))


def test_rows_on_no_side_are_left_out() -> None:
    images = tissue(30)
    images[7] = saved_again(images[0])
    table, side = make(images)
    side[7] = ""
    found = audit_leakage(images, table, side)
    assert clean(found)
    assert found.n_checked == 29


def test_the_names_are_right_when_rows_are_left_out_before_them() -> None:
    images = tissue(30)
    images[22] = saved_again(images[18])
    table, side = make(images)
    side[:15] = ""
    found = audit_leakage(images, table.set_index(table.index + 500), side.set_axis(side.index + 500))
    assert found.near[["path_a", "path_b"]].to_numpy().tolist() == [["18.png", "22.png"]]


def test_empty_glass_is_not_compared() -> None:
    images = tissue(30)
    images[:10] = np.random.default_rng(0).integers(238, 242, (10, 50, 50, 3))
    found = audit(images)
    assert clean(found)
    assert found.n_checked == 20


def test_alike_hashes_of_different_patches_are_no_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leakage, "NEAR_BITS", 40)  # so that the hash suggests everything
    assert audit(tissue(30)).near.empty


def test_no_rows_are_clean() -> None:
    images = tissue(3)
    table, side = make(images)
    found = audit_leakage(images, table, side.replace(["train", "val", "test"], ""))
    assert clean(found)
    assert found.n_checked == 0


def test_ten_thousand_unlike_patches_are_clean() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (10_000, 50, 50, 3), dtype=np.uint8)
    names = np.arange(len(noise)).astype(str)
    table = pd.DataFrame({"path": names, "patient": "", "hash": names})
    side = pd.Series(np.where(np.arange(len(noise)) % 2, "train", "test"))
    assert clean(audit_leakage(noise, table, side))


@pytest.mark.real
@pytest.mark.slow
def test_the_development_split_of_the_real_patches_is_clean(real_data: Path, real_pack: Pack) -> None:
    from cancernet.data.sides import assign
    from cancernet.data.split_lists import split_from_file

    split = split_from_file(real_pack.table, real_data / "splits" / "dev_split.csv")
    found = audit_leakage(real_pack.images, real_pack.table, assign(split, real_pack.table))
    assert clean(found)
    assert found.n_checked > 23_000
