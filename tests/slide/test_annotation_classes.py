"""What classes stand for: known words, what the user says, and never a guess."""

from __future__ import annotations

import pytest

from cancernet.common.errors import UserError
from cancernet.slide.annotation_classes import BENIGN, FRAME, IGNORED, MALIGNANT, ClassNames, LabelRule


@pytest.mark.parametrize("name", ["Tumor", "tumour", "Malignant", "Invasive carcinoma", "IDC", "IDC(+)"])
def test_malignant_classes_are_known(name: str) -> None:
    assert ClassNames().meaning(name) == MALIGNANT


@pytest.mark.parametrize("name", ["Benign", "Normal", "Other", "Stroma", "Immune cells", "non-tumor"])
def test_benign_classes_are_known(name: str) -> None:
    assert ClassNames().meaning(name) == BENIGN


@pytest.mark.parametrize("name", ["DCIS", "Necrosis", "255", "unclassified", "ROI", "Carcinoma in situ"])
def test_what_people_count_either_way_is_not_guessed(name: str) -> None:
    assert ClassNames().meaning(name) is None


def test_what_the_user_says_takes_the_place_of_the_words_for_that_class() -> None:
    names = ClassNames(malignant=["dcis", "255"], ignore=["Necrosis"])
    assert [names.meaning(each) for each in ("DCIS", "255", "Necrosis", "Stroma")] == [1, 1, IGNORED, BENIGN]
    assert names.meaning("Tumor") is None
    assert ClassNames(benign=["Tumor"]).meaning("Tumor") == BENIGN


def test_a_region_is_a_frame() -> None:
    assert ClassNames().meaning("Region*") == FRAME


def test_an_unknown_class_is_refused_with_all_that_there_are_and_the_options() -> None:
    with pytest.raises(UserError) as caught:
        ClassNames().meanings(["Tumor", "DCIS", "unclassified"])
    said = str(caught.value)
    assert "DCIS, unclassified" in said
    assert "Tumor = malignant" in said
    assert all(option in said for option in ("--benign", "--malignant", "--ignore"))


@pytest.mark.parametrize(
    "rule", [LabelRule(share=0.4), LabelRule(share=1.1), LabelRule(border="x"), LabelRule(rest="x")]
)
def test_an_impossible_rule_is_refused(rule: LabelRule) -> None:
    with pytest.raises(UserError, match="give"):
        rule.check()
