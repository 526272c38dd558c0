"""What folders are called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancernet.data.words import class_of, is_no_patient, is_side


@pytest.mark.parametrize(
    "name",
    ["benign", "BENIGN", "Benigns", "normal", "healthy", "negative", "neg", "IDC(-)", "IDC (-)", "idc-", "IDC\u2212",
     "tumor(-)", "non-IDC", "non_tumor", "NoTumor", "not cancer", "noncancerous", "class0", "Class_0", "label-0",
     "0_benign", "Benign patches", "normal_images"],
)  # fmt: skip
def test_words_for_benign(name: str) -> None:
    assert class_of(name) == 0


@pytest.mark.parametrize(
    "name",
    ["malignant", "Malign", "tumor", "Tumours", "cancer", "carcinomas", "positive", "pos", "IDC", "IDC(+)", "idc+",
     "class1", "CLASS 1", "label_1", "1_malignant", "1-tumor", "malignant_tiles", "cancerous"],
)  # fmt: skip
def test_words_for_malignant(name: str) -> None:
    assert class_of(name) == 1


@pytest.mark.parametrize(
    "name",
    ["", "0", "1", "8863", "a", "ductal_carcinoma", "breast_cancer_data", "train", "Alice-", "P(+)", "notes", "-"],
)
def test_other_names_say_no_class(name: str) -> None:
    assert class_of(name) is None


@pytest.mark.parametrize(
    "name", ["train", "Training", "val", "valid", "validation", "dev", "TEST", "test_2", "holdout"]
)
def test_sides_of_a_split_are_no_patients(name: str) -> None:
    assert is_side(name)
    assert is_no_patient(name)


@pytest.mark.parametrize(
    "name",
    ["data", "Images", "fold3", "split_1", "slide-2", "WSI_001", "site 1", "40X", "x100", "20x", "SOB", "adenosis",
     "ductal_carcinoma", "Phyllodes_Tumor", "DCIS", "patients", "cases", "batch 7", "patches"],
)  # fmt: skip
def test_groups_subtypes_and_lenses_are_no_patients(name: str) -> None:
    assert is_no_patient(name)


@pytest.mark.parametrize(
    "name", ["8863", "P1", "patient1", "Case 12", "S001", "a7", "NA", "007", "nan", "A", "subject_3"]
)
def test_patients_may_be_called_so(name: str) -> None:
    assert not is_no_patient(name)


@given(st.text())
def test_any_name_is_read(name: str) -> None:
    assert class_of(name) in (None, 0, 1)
    assert is_no_patient(name) >= is_side(name)
