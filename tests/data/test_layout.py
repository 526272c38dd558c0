"""Recognising a layout, and what a path says in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancernet.data.headers import BadImage
from cancernet.data.layout import detect_layout, mirrored_folder, place

IDC = ["8863/0/8863_idx5_x1_y51_class0.png", "8863/1/8863_idx5_x51_y51_class1.png", "9001/1/9001_idx5_x1_y1_class1.png"]


@pytest.mark.parametrize("top", ["", "top/", "archive/IDC_regular_ps50_idx5/"])
def test_the_public_set_is_recognised_at_any_depth(top: str) -> None:
    assert detect_layout([top + path for path in IDC]) == "patient/class"


@pytest.mark.parametrize("top", ["", "top/", "a/b/"])
@pytest.mark.parametrize("names", [("benign", "malignant"), ("Benign", "MALIGNANT"), ("0", "1")])
def test_class_folders_are_recognised_at_any_depth(top: str, names: tuple[str, str]) -> None:
    assert detect_layout([f"{top}{name}/{i}.png" for name in names for i in range(3)]) == "class"


def test_class_folders_of_named_patches_are_not_taken_for_a_patient() -> None:
    paths = ["data/0/8863_idx5_x1_y1_class0.png", "data/1/9001_idx5_x1_y1_class1.png"]
    assert detect_layout(paths) == "class"


@pytest.mark.parametrize("names", [("train", "test"), ("training", "validation"), ("Train", "val")])
def test_folders_named_like_the_sides_of_a_split_are_not_patients(names: tuple[str, str]) -> None:
    assert detect_layout([f"{name}/{label}/{i}.png" for name in names for label in "01" for i in range(2)]) == "class"


def test_patients_of_anonymous_patches_come_from_their_folders() -> None:
    assert (
        detect_layout([f"{p}/{label}/{i}.png" for p in ("a7", "b9") for label in "01" for i in range(2)])
        == "patient/class"
    )


def test_one_patient_of_the_public_set_is_still_that_layout() -> None:
    assert detect_layout(IDC[:2]) == "patient/class"


@pytest.mark.parametrize("paths", [[], ["a.png"], ["x/a.png", "y/b.png"], ["2/a.png"], ["0.png", "benign.png"]])
def test_anything_else_is_no_layout(paths: list[str]) -> None:
    assert detect_layout(paths) is None


def test_other_files_do_not_confuse_it() -> None:
    assert detect_layout(["README.md", *IDC, "docs/a.txt"]) == "patient/class"


def test_a_path_of_the_public_set_says_patient_position_and_label() -> None:
    assert place(IDC[1], "patient/class") == ("8863", 51, 51, 1)


def test_an_anonymous_name_takes_the_patient_of_its_folder() -> None:
    assert place("8863/1/a.png", "patient/class") == ("8863", None, None, 1)


def test_in_class_folders_the_patient_comes_from_the_name_alone() -> None:
    assert place("top/malignant/9_idx5_x1_y51_class1.png", "class") == ("9", 1, 51, 1)
    assert place("top/malignant/a.png", "class") == ("", None, None, 1)


@pytest.mark.parametrize("layout", ["patient/class", "class"])
@pytest.mark.parametrize(("folder", "label"), [("0", 1), ("1", 0)])
def test_a_label_that_contradicts_the_name_is_refused(layout: str, folder: str, label: int) -> None:
    with pytest.raises(BadImage, match=f"folder says {folder}, name says {label}"):
        place(f"9/{folder}/9_idx5_x1_y1_class{label}.png", layout)


def test_a_patient_that_contradicts_the_name_is_refused() -> None:
    with pytest.raises(BadImage, match="folder says 8, name says 9"):
        place("8/0/9_idx5_x1_y1_class0.png", "patient/class")


@pytest.mark.parametrize("path", ["a.png", "8863/a.png", "8863/2/a.png", "8863/0/deeper/a.png"])
@pytest.mark.parametrize("layout", ["patient/class", "class"])
def test_a_file_in_no_class_folder_is_refused(path: str, layout: str) -> None:
    with pytest.raises(BadImage, match="not in a class folder"):
        place(path, layout)


@given(
    patients=st.lists(st.text("abc0123456789", min_size=1, max_size=6), min_size=1, max_size=5, unique=True),
    top=st.sampled_from(["", "x/", "train/y/"]),
)
def test_every_row_of_a_generated_set_is_placed_where_it_was_written(patients: list[str], top: str) -> None:
    written = [(p, 1 + 50 * i, 51, i % 2) for p in patients for i in range(4)]
    paths = [f"{top}{p}/{label}/{p}_idx5_x{x}_y{y}_class{label}.png" for p, x, y, label in written]
    layout = detect_layout(paths)
    assert layout == "patient/class"
    assert [tuple(place(path, layout)) for path in paths] == written


def test_a_folder_that_repeats_all_the_rest_is_found() -> None:
    sizes = {path: 10 + i for i, path in enumerate(IDC)}
    both = sizes | {f"IDC_regular_ps50_idx5/{path}": size for path, size in sizes.items()}
    assert mirrored_folder(both) == "IDC_regular_ps50_idx5"


@pytest.mark.parametrize("change", ["size", "missing", "added"])
def test_a_folder_that_differs_from_the_rest_is_no_repetition(change: str) -> None:
    sizes = {path: 10 + i for i, path in enumerate(IDC)}
    both = sizes | {f"copy/{path}": size for path, size in sizes.items()}
    if change == "size":
        both[f"copy/{IDC[0]}"] += 1
    elif change == "missing":
        del both[f"copy/{IDC[0]}"]
    else:
        both["copy/more.png"] = 1
    assert mirrored_folder(both) is None


def test_no_patient_is_taken_for_a_repetition_of_another() -> None:
    assert mirrored_folder({"1/0/a.png": 5, "2/0/a.png": 5}) is None
