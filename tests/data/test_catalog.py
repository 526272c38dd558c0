"""Catalogs of good and bad folders."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cancernet.common.errors import UserError
from cancernet.data.catalog import Catalog, open_labelled
from cancernet.data.catalog import catalog as read_catalog
from cancernet.data.decode import decode, fit_patch
from cancernet.data.pack import Pack
from cancernet.data.scan import content_hash

Folder = Callable[..., Path]
Png = Callable[[NDArray], bytes]
Patch = Callable[..., NDArray[np.uint8]]


def catalog(root: Path, **more: Any) -> Catalog:
    return read_catalog(open_labelled(root), **more)


def reasons(found: Catalog) -> dict[str, str]:
    return dict(zip(found.quarantine["path"], found.quarantine["reason"], strict=True))


def only_reason(found: Catalog) -> str:
    (reason,) = found.quarantine["reason"]
    return reason


def test_a_good_folder_has_one_row_a_patch_and_no_quarantine(idc: Folder, undisturbed: Callable) -> None:
    root = idc({"8863": (3, 2), "9001": (1, 4)})
    undisturbed(root)
    found = catalog(root)
    assert found.root == root
    assert found.layout == "patient/class"
    assert len(found.table) == 10
    assert found.quarantine.empty
    assert list(found.quarantine.columns) == ["path", "reason"]
    assert found.warnings == []
    assert found.table["path"].is_monotonic_increasing
    assert found.table.groupby("patient")["label"].sum().to_dict() == {"8863": 2, "9001": 4}


def test_the_table_has_the_documented_columns_and_types(idc: Folder) -> None:
    types = {name: str(kind) for name, kind in catalog(idc()).table.dtypes.items()}
    assert list(types) == [
        "path", "patient", "x", "y", "label", "width", "height", "hash", "padded", "near_white",
    ]  # fmt: skip
    assert (types["x"], types["y"], types["label"]) == ("Int64", "Int64", "int8")
    assert (types["padded"], types["near_white"]) == ("bool", "bool")


def test_the_sink_gets_each_rows_pixels_in_order(idc: Folder) -> None:
    root = idc()
    received: list[NDArray] = []
    found = catalog(root, sink=lambda images: received.append(images.copy()))
    images = np.concatenate(received)[found.slots]
    for image, path, digest in zip(images, found.table["path"], found.table["hash"], strict=True):
        expected = decode((root / path).read_bytes())
        np.testing.assert_array_equal(image, expected)
        assert digest == content_hash(expected)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_the_number_of_workers_changes_nothing(idc: Folder, workers: int) -> None:
    root = idc({str(p): (60, 50) for p in range(6)})  # more files than one chunk
    one, many = catalog(root, workers=1), catalog(root, workers=workers)
    assert one.table.equals(many.table)
    assert len(one.table) == 660


@pytest.mark.parametrize("top", ["", "archive/IDC_regular_ps50_idx5/"])
def test_a_zip_gives_the_table_of_its_folder(idc: Folder, zipped: Callable[..., Path], top: str) -> None:
    root = idc()
    plain, packed = catalog(root), catalog(zipped(root, top=top))
    assert packed.layout == plain.layout
    assert packed.table["path"].tolist() == [top + path for path in plain.table["path"]]
    assert packed.table.drop(columns="path").equals(plain.table.drop(columns="path"))


def test_class_folders_with_named_patches_know_their_patients(tmp_path: Path, png: Png, patch: Patch) -> None:
    for label, name in enumerate(("benign", "malignant")):
        (tmp_path / name).mkdir()
        for i in range(3):
            (tmp_path / name / f"{i}_idx5_x1_y{i}_class{label}.png").write_bytes(png(patch(i + 10 * label)))
    found = catalog(tmp_path)
    assert found.layout == "class"
    assert found.table["patient"].tolist() == ["0", "1", "2"] * 2
    assert found.table["label"].tolist() == [0, 0, 0, 1, 1, 1]
    assert found.warnings == []


def test_anonymous_patches_are_kept_with_a_loud_warning(tmp_path: Path, png: Png, patch: Patch) -> None:
    for label, name in enumerate(("benign", "malignant")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").write_bytes(png(patch(label)))
    found = catalog(tmp_path)
    assert found.table["patient"].tolist() == ["", ""]
    assert found.table["x"].isna().all()
    assert "a split by patient is impossible" in found.warnings[0]
    assert "benign/a.png" in found.warnings[0]


def test_one_class_only_is_a_warning(idc: Folder) -> None:
    found = catalog(idc({"1": (3, 0), "2": (2, 0)}))
    assert any("of class 0" in warning for warning in found.warnings)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda content: b"", "empty"),
        (lambda content: content[:1000], "truncated"),
        (lambda content: content[:-1], "truncated"),
        (lambda content: b"not a picture at all", "not an image"),
        (lambda content: b"GIF89a" + content, "unsupported format (GIF; use PNG, JPEG or TIFF)"),
        (lambda content: content[:900] + b"\x00\x01" + content[902:], "damaged (PNG checksum differs)"),
    ],
)
def test_a_bad_file_is_listed_with_its_reason_and_ends_nothing(
    idc: Folder, undisturbed: Callable, change: Callable[[bytes], bytes], expected: str
) -> None:
    root = idc()
    victim = sorted(root.rglob("*.png"))[4]
    victim.write_bytes(change(victim.read_bytes()))
    undisturbed(root)
    found = catalog(root)
    assert reasons(found) == {victim.relative_to(root).as_posix(): expected}
    assert len(found.table) == 13


def test_a_file_that_may_not_be_read_is_listed(idc: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    root = idc()
    victim = sorted(root.rglob("*.png"))[0]
    opening = os.open

    def refuse(path: str, *rest: int, **more: int) -> int:  # not by chmod: the superuser may read everything
        if str(path) == str(victim):
            raise PermissionError(13, "Permission denied")
        return opening(path, *rest, **more)

    monkeypatch.setattr(os, "open", refuse)
    assert only_reason(catalog(root)) == "unreadable (Permission denied)"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read everything")
def test_a_folder_without_permission_is_listed(idc: Folder) -> None:
    root = idc()
    (root / "9001" / "0").chmod(0)
    try:
        assert reasons(catalog(root))["9001/0"] == "unreadable (Permission denied)"
    finally:
        (root / "9001" / "0").chmod(0o755)


def test_a_broken_link_is_listed(idc: Folder) -> None:
    root = idc()
    (root / "8863" / "0" / "gone.png").symlink_to(root / "nowhere")
    assert only_reason(catalog(root)) == "unreadable (No such file or directory)"


def test_a_name_that_is_not_utf8_is_listed(idc: Folder) -> None:
    root = idc()
    try:
        shutil.copy(sorted(root.rglob("*.png"))[0], os.fsencode(root) + b"/8863/0/caf\xe9.png")
    except OSError:
        pytest.skip("this file system allows UTF-8 names only")
    assert reasons(catalog(root)) == {"8863/0/caf?.png": "unreadable (its name is not valid UTF-8)"}


def test_a_huge_file_is_listed_without_being_read(idc: Folder) -> None:
    root = idc()
    with (root / "8863" / "0" / "slide.svs").open("wb") as file:
        file.truncate(10_000_000_000)  # takes no disk space
    assert only_reason(catalog(root)).startswith("too large (10,000,000,000 bytes")


def test_files_beside_the_classes_are_listed(idc: Folder, png: Png, patch: Patch) -> None:
    root = idc()
    (root / "README.md").write_text("a document, which is passed over")
    (root / "notes.txt").write_text("about")
    (root / "8863" / "overview.png").write_bytes(png(patch(99)))
    assert reasons(catalog(root)) == dict.fromkeys(
        ["notes.txt", "8863/overview.png"], "not in a class folder (0, 1, benign or malignant)"
    )


def test_a_label_that_contradicts_its_name_is_listed(idc: Folder) -> None:
    root = idc()
    victim = root / "8863" / "0" / "8863_idx5_x1_y1_class0.png"
    victim.rename(victim.with_name("8863_idx5_x1_y1_class1.png"))
    assert "label contradicts the file name" in only_reason(catalog(root))


def test_all_but_the_first_of_equal_patches_are_listed(idc: Folder) -> None:
    root = idc()
    shutil.copy(root / "8863/0/8863_idx5_x1_y1_class0.png", root / "9001/0/9001_idx5_x901_y1_class0.png")
    found = catalog(root)
    assert reasons(found) == {
        "9001/0/9001_idx5_x901_y1_class0.png": "exact duplicate of 8863/0/8863_idx5_x1_y1_class0.png"
    }
    assert len(found.table) == len(found.slots) == 14


def test_the_same_pixels_in_another_compression_are_a_duplicate(idc: Folder) -> None:
    root = idc()
    image = cv2.imread(str(root / "8863/0/8863_idx5_x1_y1_class0.png"))
    cv2.imwrite(str(root / "9001/0/9001_idx5_x901_y1_class0.tif"), image)
    assert only_reason(catalog(root)).startswith("exact duplicate of 8863/0/")


def test_every_copy_of_a_patch_under_two_labels_is_listed(idc: Folder) -> None:
    root = idc()
    shutil.copy(root / "8863/0/8863_idx5_x1_y1_class0.png", root / "9001/1/9001_idx5_x901_y1_class1.png")
    found = catalog(root)
    assert len(found.table) == 13
    assert all("same content under two labels" in reason for reason in reasons(found).values())


def test_small_patches_are_padded_and_smaller_ones_listed(idc: Folder, png: Png, patch: Patch) -> None:
    root = idc()
    (root / "8863/0/8863_idx5_x901_y1_class0.png").write_bytes(png(patch(1, 50, 30)))
    (root / "8863/0/8863_idx5_x951_y1_class0.png").write_bytes(png(patch(2, 50, 1)))
    received: list[NDArray] = []
    found = catalog(root, sink=lambda images: received.append(images.copy()))
    row = found.table.index[found.table["padded"]]
    assert found.table.loc[row, ["width", "height"]].to_numpy().tolist() == [[30, 50]]
    expected = fit_patch(patch(1, 50, 30))
    np.testing.assert_array_equal(np.concatenate(received)[found.slots][row[0]], expected)
    assert "too small (1x50 px" in only_reason(found)


def test_near_white_patches_are_flagged_and_kept(idc: Folder, png: Png) -> None:
    root = idc()
    (root / "8863/0/8863_idx5_x901_y1_class0.png").write_bytes(png(np.full((50, 50, 3), 240, np.uint8)))
    table = catalog(root).table
    assert table["path"][table["near_white"]].tolist() == ["8863/0/8863_idx5_x901_y1_class0.png"]


def test_the_marker_of_a_synthetic_sample_is_noticed_and_not_quarantined(idc: Folder) -> None:
    root = idc()
    assert not catalog(root).synthetic
    (root / "SYNTHETIC.txt").write_text("not evidence")
    found = catalog(root)
    assert found.synthetic
    assert found.quarantine.empty


def test_much_in_quarantine_is_a_warning(idc: Folder) -> None:
    root = idc()
    for victim in sorted(root.rglob("*.png"))[:5]:
        victim.write_bytes(b"")
    assert "look at the quarantine list" in catalog(root).warnings[0]


def test_an_empty_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no files"):
        catalog(tmp_path)


def test_a_single_file_is_one_line(idc: Folder) -> None:
    with pytest.raises(UserError, match="is a file, not a folder"):
        catalog(next(idc().rglob("*.png")))


def test_a_folder_of_no_known_layout_is_one_line(tmp_path: Path, png: Png, patch: Patch) -> None:
    (tmp_path / "a.png").write_bytes(png(patch()))
    with pytest.raises(UserError, match=r"no known layout: .* seen: no folders, only files"):
        catalog(tmp_path)


def test_a_folder_of_bad_files_only_names_the_commonest_reason(idc: Folder) -> None:
    root = idc({"1": (3, 3)})
    for file in root.rglob("*.png"):
        file.write_bytes(b"")
    with pytest.raises(UserError, match="none of its 6 files is a usable patch; most often: empty"):
        catalog(root)


@pytest.mark.real
def test_the_real_patches_all_decode(real_data: Path, real_pack: Pack) -> None:
    found = real_pack
    assert len(found.table) + len(found.quarantine) == sum(1 for _ in (real_data / "idc").rglob("*.png"))
    assert found.quarantine["reason"].str.startswith("too small").all()
    assert found.table["patient"].nunique() == 230


def test_a_folder_that_repeats_the_rest_is_left_out_and_said_so(idc: Folder) -> None:
    root = idc()
    alone = catalog(root)
    shutil.copytree(root, root / "IDC_regular_ps50_idx5", ignore=shutil.ignore_patterns("IDC_regular_ps50_idx5"))
    found = catalog(root)
    assert list(found.table["path"]) == list(alone.table["path"])
    assert found.quarantine.empty
    assert any("IDC_regular_ps50_idx5/ repeats" in warning for warning in found.warnings)
