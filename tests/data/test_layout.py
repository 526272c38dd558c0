"""Recognising a layout, and what a path says in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancernet.common.errors import UserError
from cancernet.data.headers import BadImage
from cancernet.data.layout import Labels, detect_layout, place

IDC = ["8863/0/8863_idx5_x1_y51_class0.png", "8863/1/8863_idx5_x51_y51_class1.png", "9001/1/9001_idx5_x1_y1_class1.png"]


def placed(paths: list[str], labels: Labels | None = None) -> list[tuple[str, int]]:
    """Patient and label of each path."""
    layout = detect_layout(paths, labels)
    return [(found.patient, found.label) for found in (place(path, layout) for path in paths)]


def tree(*folders: str, files: int = 3) -> list[str]:
    return [f"{folder}/{i}.png" for folder in folders for i in range(files)]


@pytest.mark.parametrize("top", ["", "top/", "archive/IDC_regular_ps50_idx5/", "IDC/", "cancer/", "train/"])
def test_the_public_set_is_recognised_at_any_depth(top: str) -> None:
    paths = [top + path for path in IDC]
    assert detect_layout(paths).name == "patient/class"
    assert placed(paths) == [("8863", 0), ("8863", 1), ("9001", 1)]


@pytest.mark.parametrize("top", ["", "top/", "a/b/", "tumor/", "0/"])
@pytest.mark.parametrize(
    "names",
    [("benign", "malignant"), ("Benign", "MALIGNANT"), ("0", "1"), ("IDC(-)", "IDC(+)"), ("IDC-", "IDC+"),
     ("class0", "class1"), ("class_0", "class_1"), ("normal", "tumor"), ("Normals", "Tumours"), ("healthy", "cancer"),
     ("negative", "positive"), ("non-IDC", "IDC"), ("No Tumor", "Tumor"), ("0_benign", "1_malign"),
     ("benign patches", "malignant patches"), ("non_cancer", "carcinoma")],
)  # fmt: skip
def test_class_folders_are_recognised_whatever_people_call_them(top: str, names: tuple[str, str]) -> None:
    paths = tree(*(top + name for name in names))
    assert placed(paths) == [("", 0)] * 3 + [("", 1)] * 3


@pytest.mark.parametrize("classes", [("0", "1"), ("benign", "malignant"), ("Normal", "Tumor")])
@pytest.mark.parametrize("side", ["", "train/", "val/"])
@pytest.mark.parametrize("patients", [("P1", "P2"), ("007", "NA"), ("12", "13", "0")])
def test_patient_folders_stand_above_or_below_the_classes(
    classes: tuple[str, str], side: str, patients: tuple[str, ...]
) -> None:
    for form in ("{p}/{c}", "{c}/{p}"):
        folders = {form.format(p=p, c=c): (p, label) for p in patients for label, c in enumerate(classes)}
        paths = tree(*(side + folder for folder in folders), files=1)
        assert placed(paths) == list(folders.values())


def test_what_was_taken_for_the_classes_is_said_where_it_is_not_the_usual() -> None:
    assert detect_layout(tree("benign", "Malignant")).name == "class"
    assert detect_layout(tree("normal", "tumor")).name == "class (benign: normal; malignant: tumor)"


BREAKHIS = [
    "BreaKHis_v1/histology_slides/breast/benign/SOB/adenosis/SOB_B_A_14-22549AB/40X/SOB_B_A-14-22549AB-40-001.png",
    "BreaKHis_v1/histology_slides/breast/benign/SOB/adenosis/SOB_B_A_14-22549AB/100X/SOB_B_A-14-22549AB-100-001.png",
    "BreaKHis_v1/histology_slides/breast/malignant/SOB/ductal_carcinoma/SOB_M_DC_14-2523/40X/SOB_M_DC-14-2523-40-1.png",
]


def test_the_original_tree_of_breakhis_states_class_and_patient() -> None:
    assert placed(BREAKHIS) == [("14-22549AB", 0), ("14-22549AB", 0), ("14-2523", 1)]


def test_names_of_breakhis_state_them_alone() -> None:
    assert placed([path.rpartition("/")[2] for path in BREAKHIS]) == [("14-22549AB", 0)] * 2 + [("14-2523", 1)]


def test_a_barcode_is_the_patient_in_a_folder_or_a_name() -> None:
    paths = ["tumor/TCGA-A7-A0D9-01Z-00-DX2/1.png", "normal/TCGA-A7-A0D9-11A-01-TS1/2.png", "tumor/tcga-a8-a06o_3.png"]
    assert placed(paths) == [("TCGA-A7-A0D9", 1), ("TCGA-A7-A0D9", 0), ("TCGA-A8-A06O", 1)]


def test_class_folders_of_named_patches_are_not_taken_for_a_patient() -> None:
    paths = ["data/0/8863_idx5_x1_y1_class0.png", "data/1/9001_idx5_x1_y1_class1.png"]
    assert detect_layout(paths).name == "class"


@pytest.mark.parametrize(
    "names", [("train", "test"), ("training", "validation"), ("Train", "val"), ("fold1", "fold2"), ("slide1", "slide2"),
              ("40X", "100X"), ("batch_a", "train"), ("region 1", "region 2"), ("img", "patches")]
)  # fmt: skip
@pytest.mark.parametrize("classes", [("0", "1"), ("benign", "malignant")])
def test_folders_that_may_hold_several_patients_or_part_of_one_are_none(names: tuple, classes: tuple) -> None:
    for form in ("{n}/{c}", "{c}/{n}"):
        paths = tree(*(form.format(n=name, c=c) for name in names for c in classes))
        assert {patient for patient, _ in placed(paths)} == {""}


def test_kinds_of_tissue_within_a_class_are_no_patients() -> None:
    for kinds in (("adenosis", "fibroadenoma"), ("solid", "cystic", "mixed")):
        assert {p for p, _ in placed(tree(*(f"benign/{kind}" for kind in kinds), "malignant/lobular"))} == {""}


def test_of_two_levels_that_could_be_patients_none_is_taken() -> None:
    assert {p for p, _ in placed(tree("P1/s1/0", "P1/s2/1", "P2/s3/0", "P2/s4/1"))} == {""}


def test_patients_of_anonymous_patches_come_from_their_folders() -> None:
    assert detect_layout(tree("a7/0", "a7/1", "b9/0", "b9/1")).name == "patient/class"


def test_one_patient_of_the_public_set_is_still_that_layout() -> None:
    assert detect_layout(IDC[:2]).name == "patient/class"


def test_names_that_state_the_class_need_no_class_folder() -> None:
    flat = [path.rpartition("/")[2] for path in IDC]
    for top in ("", "IDC/", "patches/"):
        assert placed([top + name for name in flat]) == [("8863", 0), ("8863", 1), ("9001", 1)]


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        ([], "no folders, only files"),
        (["a.png"], "no folders, only files"),
        (tree("x", "y", files=2), "folders x (2 files), y (2 files)"),
        (["2/a.png"], "folders 2 (1 files)"),
        (["0.png", "benign.png"], "no folders, only files"),
        (
            tree("Normal", "InSitu"),
            "say which patches are benign, and not what the others are; seen: folders Normal (3",
        ),
    ],
)
def test_where_nothing_divides_it_says_what_was_seen_and_how_to_say_it(paths: list[str], said: str) -> None:
    with pytest.raises(UserError, match=r"no known layout: .*--benign NAME and --malignant NAME") as error:
        detect_layout(paths)
    assert said in str(error.value)


@pytest.mark.parametrize(
    "folders",
    [("malignant/normal", "malignant/tumor"), ("malignant/normal",), ("tumor/normal", "normal/normal", "tumor/tumor"),
     ("0/0", "0/1", "1/0", "1/1"), ("benign/0", "benign/1", "malignant/0", "malignant/1")],
)  # fmt: skip
def test_classes_that_contradict_each_other_are_refused_with_what_was_seen(folders: tuple[str, ...]) -> None:
    paths = tree(*folders)
    if folders == ("malignant/normal", "malignant/tumor"):  # a folder above all of them says nothing
        assert [label for _, label in placed(paths)] == [0, 0, 0, 1, 1, 1]
        return
    with pytest.raises(UserError, match=r"the classes are not clear: .*; seen: folders .*\(\d+ files\).*--benign NAME"):
        detect_layout(paths)


def test_names_tell_which_of_two_levels_is_the_class() -> None:
    paths = [f"{p}/{c}/{p}_idx5_x1_y{1 + c}_class{c}.png" for p in (0, 1) for c in (0, 1)]
    assert placed(paths) == [("0", 0), ("0", 1), ("1", 0), ("1", 1)]


def test_a_word_counts_more_than_numbers_above_it() -> None:
    paths = tree("0/benign", "0/malignant", "1/benign", "1/malignant", files=1)
    assert placed(paths) == [("0", 0), ("0", 1), ("1", 0), ("1", 1)]


def test_a_folder_may_be_named_by_its_path() -> None:
    assert [label for _, label in placed(tree("d/A", "d/B"), Labels(["x/d/A/"], ["B"]))] == [0] * 3 + [1] * 3


def test_a_user_names_the_folders_of_a_class() -> None:
    paths = tree("Benign", "Normal", "InSitu", "Invasive", files=1)
    labels = Labels(malignant=["insitu", "Invasive"])
    assert [label for _, label in placed(paths, labels)] == [0, 0, 1, 1]
    assert [label for _, label in placed(tree("p1/A", "p2/B"), Labels(["a"], ["b"]))] == [0] * 3 + [1] * 3


def test_names_that_no_folder_has_are_refused() -> None:
    with pytest.raises(UserError, match="no folder has one of the names given; seen: folders x"):
        detect_layout(tree("x", "y"), Labels(["q"], ["r"]))


def test_numbers_are_no_classes_once_the_user_has_named_others() -> None:
    paths = tree("0/good", "0/bad", "1/good", "1/bad", files=1)
    assert placed(paths, Labels(["good"], ["bad"])) == [("0", 0), ("0", 1), ("1", 0), ("1", 1)]


def test_other_files_do_not_confuse_it() -> None:
    assert detect_layout(["README.md", *IDC, "docs/a.txt"]).name == "patient/class"


def test_a_path_of_the_public_set_says_patient_position_and_label() -> None:
    assert place(IDC[1], detect_layout(IDC)) == ("8863", 51, 51, 1)


@pytest.mark.parametrize(("folder", "label"), [("0", 1), ("1", 0)])
def test_a_label_that_contradicts_the_name_is_refused(folder: str, label: int) -> None:
    odd = f"8863/{folder}/8863_idx5_x1_y1_class{label}.png"
    with pytest.raises(BadImage, match=f"folder says {folder}, name says {label}"):
        place(odd, detect_layout([*IDC, odd]))


def test_a_patient_that_contradicts_the_name_is_refused() -> None:
    odd = "8863/0/9_idx5_x1_y1_class0.png"
    with pytest.raises(BadImage, match="folder says 8863, name says 9"):
        place(odd, detect_layout([*IDC, odd]))


@pytest.mark.parametrize("path", ["a.png", "8863/a.png", "8863/2/a.png"])
def test_a_file_in_no_class_folder_is_refused(path: str) -> None:
    with pytest.raises(BadImage, match="not in a class folder"):
        place(path, detect_layout([*IDC, path]))


@pytest.fixture
def listed(tmp_path: Path) -> Labels:
    """A list of patients: one path, two patterns, a row for nothing."""
    (tmp_path / "mine.csv").write_text("Pattern;Patient ID\nbenign/1.png;NA\nbenign/*;007\n*/2.png;B\nnothing.png;C\n")
    return Labels(patients=tmp_path / "mine.csv")


def test_a_list_says_whose_each_patch_is_and_what_it_leaves_out_is_told(listed: Labels) -> None:
    paths = tree("benign", "malignant")
    assert placed(paths, listed) == [("007", 0), ("NA", 0), ("007", 0), ("", 1), ("", 1), ("B", 1)]
    layout = detect_layout(paths, listed)
    assert layout.notes == [
        "mine.csv: 1 of 4 rows fit no patch (such as nothing.png).",
        "mine.csv: 2 of 6 files are in no row (such as malignant/0.png).",
    ]


def test_a_list_counts_more_than_names_and_folders(listed: Labels) -> None:
    assert placed(["benign/8863_idx5_x1_y1_class0.png", "malignant/2.png"], listed) == [("007", 0), ("B", 1)]


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "needs the columns path,patient"), ("a,b\n1,2\n", "that is 'a,b'"), ("path,patient\n", "no row below"),
     ("path,patient\nx.png,\n", "line 2: the patient is missing"), ("path,patient\n,x\n", "the path is missing"),
     ("path,patient\nq.png,x\n", "none of its 1 rows fits"), ("path,patient\n0/0.png,x\n0/0.png,y\n", "of x already")],
)  # fmt: skip
def test_a_list_that_cannot_be_used_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(UserError, match=r"p\.csv") as error:
        detect_layout(tree("0", "1"), Labels(patients=tmp_path / "p.csv"))
    assert said in str(error.value)


@given(
    patients=st.lists(st.text("abc0123456789", min_size=1, max_size=6), min_size=1, max_size=5, unique=True),
    top=st.sampled_from(["", "x/", "train/y/"]),
    classes=st.sampled_from([("0", "1"), ("benign", "malignant"), ("IDC(-)", "IDC(+)")]),
    above=st.booleans(),
)
def test_every_row_of_a_generated_set_is_placed_where_it_was_written(
    patients: list[str], top: str, classes: tuple[str, str], above: bool
) -> None:
    written = [(p, 1 + 50 * i, 51, i % 2) for p in patients for i in range(4)]
    paths = []
    for p, x, y, label in written:
        folder = f"{p}/{classes[label]}" if above else f"{classes[label]}/{p}"
        paths.append(f"{top}{folder}/{p}_idx5_x{x}_y{y}_class{label}.png")
    layout = detect_layout(paths)
    assert [tuple(place(path, layout)) for path in paths] == written


@given(
    st.lists(st.lists(st.sampled_from(["0", "1", "benign", "tumor", "train", "P1", "P2", "x"]), max_size=4), max_size=8)
)
def test_any_tree_is_placed_or_refused_and_no_patient_is_made_up(folders: list[list[str]]) -> None:
    paths = ["/".join([*folder, f"{i}.png"]) for i, folder in enumerate(folders)]
    try:
        layout = detect_layout(paths)
    except UserError:
        return
    for path in paths:
        try:
            found = place(path, layout)
        except BadImage:
            continue
        assert found.patient in ("", *path.split("/"))
