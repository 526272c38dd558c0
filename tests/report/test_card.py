"""Every number of a card is one of a file; what is missing or of another model is said."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from cancernet.common.errors import UserError
from cancernet.evaluation import evaluate
from cancernet.evaluation.results import FLOOR
from cancernet.model.manifest import Calibration
from cancernet.model.model import Model, load_model
from cancernet.model.recipe import Recipe
from cancernet.report.card import Measured, model_card, plain, read_measured, write_card
from cancernet.report.checklist import load

V1 = Path(__file__).parents[1] / "fixtures" / "bundle_v1"


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model(V1)


def changed(model: Model, **manifest) -> Model:
    return Model(V1, replace(model.manifest, **manifest))


@pytest.fixture(scope="module")
def metrics(model: Model, five) -> Measured:
    rows, floor = five.predictions["augmented"], five.predictions[FLOOR]
    models = [
        evaluate(rows[rows["split"] != "train"], model.thresholds, model="tiny", samples=30),
        evaluate(floor[floor["split"] != "train"], model.manifest.floor.thresholds.to_dict(), model=FLOOR, samples=30),
    ]
    return Measured({**models[0], "notes": [], "models": models}, "metrics.json", "ab" * 32)


@pytest.fixture(scope="module")
def audit(metrics: Measured) -> Measured:
    def entry(change: float) -> dict:
        return {"clean": 0.9, "corrupted": 0.9 + change, "change": change, "low": change - 0.02, "high": change + 0.02}

    levels = [
        {"severity": s, "level": s, "auc": entry(-0.011 * s), "recall": entry(-0.1 * s), "specificity": entry(0.0)}
        for s in (1, 3, 5)
    ]
    kinds = {"stain": {"unit": "od", "says": "another stain", "source": "2019", "levels": levels}}
    checks = [
        {"state": "WARN", "name": "stain", "found": "recall | fell", "limit": "0.05", "why": "w"},
        {"state": "PASS", "name": "copies", "found": "none", "limit": "none", "why": "w"},
    ]
    content = {
        "model": "tiny",
        "checks": checks,
        "data": {"n_patches": 1234, "n_patients": 7, "side": "test"},
        "metrics": metrics.content["models"],
        "robustness": {"n_patches": 999, "n_patients": 6, "corruptions": kinds},
    }
    return Measured(content, "audit.json", "cd" * 32)


def test_a_card_has_every_section_and_every_checklist_item(model: Model, metrics: Measured, audit: Measured) -> None:
    text = model_card(model, metrics=metrics, audit=audit)
    for heading in (
        "Intended use", "Misuse", "Data", "Split", "Performance", "Colour floor", "Calibration", "Robustness",
        "Limits", "TRIPOD+AI checklist", "Where these numbers come from",
    ):  # fmt: skip
        assert f"\n## {heading}\n" in text
    for item in load("tripod_ai").items:
        assert f"| {item.number} | {item.topic} |" in text


def test_tables_are_whole(model: Model, metrics: Measured, audit: Measured) -> None:
    blocks = re.findall(r"(?:^\|.*\n)+", model_card(model, metrics=metrics, audit=audit), flags=re.MULTILINE)
    for block in blocks:
        lines = block.splitlines()
        columns = {len(re.findall(r"(?<!\\)\|", line)) for line in lines}
        assert len(columns) == 1, block
        assert set(lines[1]) <= set("|-")


def test_scores_are_those_of_the_evaluation_with_the_floor_beside(model: Model, metrics: Measured) -> None:
    text = model_card(model, metrics=metrics)
    own, floor = (entry["splits"]["test"]["auc"] for entry in metrics.content["models"])
    cells = [f"{auc['value']:.3f} ({auc['low']:.3f}–{auc['high']:.3f})" for auc in (own, floor)]
    assert f"| AUC | {cells[0]} | {cells[1]} |" in text
    confusion = metrics.content["splits"]["test"]["operating_points"]["target_recall"]["confusion"]
    assert f"{confusion['tp']:,} malignant patches found, {confusion['fn']:,} missed" in text
    assert "These patients chose the threshold" in text  # of val, which is shown too


def test_a_changed_number_in_a_file_changes_the_card(model: Model, metrics: Measured) -> None:
    other = copy.deepcopy(metrics.content)
    for entry in (other, other["models"][0]):
        entry["splits"]["test"]["auc"]["value"] = 0.4321
    text = model_card(model, metrics=Measured(other, "m.json", "0"))
    assert "0.432" in text
    assert "0.432" not in model_card(model, metrics=metrics)
    assert "does not rank better than colour alone (0.432" in text


def test_robustness_and_warnings_come_from_the_audit(model: Model, audit: Measured) -> None:
    text = model_card(model, audit=audit)
    assert "| stain | -0.033 (-0.053 to -0.013) | -0.300 (-0.320 to -0.280) | +0.000" in text
    assert "Audited on 1,234 patches of 7 patients (test)" in text
    assert "- The audit warns of stain: recall \\| fell" in text
    assert "warns of copies" not in text
    assert "### test" in text  # the audit's own scores, where no metrics are given


def test_without_files_the_card_says_so(model: Model) -> None:
    text = model_card(model)
    assert "no evaluation was given" in text
    assert "no audit was given" in text
    assert "It has not been evaluated" in text
    assert "SYNTHETIC" in text  # the fixture was trained on drawn patches


def test_a_bundle_with_the_least_a_manifest_may_hold_gets_a_card(model: Model) -> None:
    bare = {"training": None, "validation": None, "parameters": None, "recipe": Recipe("tiny", network="cnn")}
    assert model_card(changed(model, **bare)).startswith("# Model card: tiny")


def test_a_calibration_and_a_patch_split_are_told(model: Model) -> None:
    split = replace(model.manifest.split, patient_safe=False)
    text = model_card(changed(model, split=split, calibration=Calibration(temperature=1.5)))
    assert "Temperature: temperature 1.500" in text
    assert "NOT SPLIT BY PATIENT" in text
    assert "Not calibrated" in model_card(model)


def test_numbers_of_another_model_are_refused(model: Model, metrics: Measured, audit: Measured) -> None:
    with pytest.raises(UserError, match="audit of other, not of tiny"):
        model_card(model, audit=Measured({**audit.content, "model": "other"}, "a.json", ""))
    only_floor = metrics.content["models"][1]
    with pytest.raises(UserError, match="no numbers of tiny, only of colour floor"):
        model_card(model, metrics=Measured(only_floor, "m.json", ""))


def test_numbers_of_another_training_of_the_same_name_are_refused(model: Model, metrics: Measured) -> None:
    moved = replace(model.manifest.thresholds, target_recall=model.threshold + 0.01)
    with pytest.raises(UserError, match="of another training; evaluate this bundle again"):
        model_card(changed(model, thresholds=moved), metrics=metrics)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"model": "tiny"},
        {"model": "tiny", "splits": {}},
        {"models": 3},
        {"model": "tiny", "splits": {"test": "much"}},
    ],
)
def test_a_file_of_another_kind_is_one_line(model: Model, content: dict) -> None:
    with pytest.raises(UserError, match=r"strange.json (lacks|has no)"):
        model_card(model, metrics=Measured(content, "strange.json", ""))


def test_files_that_cannot_be_read_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "list.json").write_text("[]")
    for name in ("broken.json", "list.json", "absent.json"):
        with pytest.raises(UserError, match=name):
            read_measured(tmp_path / name)


def test_text_of_files_cannot_break_the_markdown() -> None:
    assert plain("a|b\n# c <b> [x](y) `z`") == r"a\|b \# c \<b\> \[x\](y) \`z\`"


def test_the_card_is_written_with_the_hash_of_its_sources(model: Model, metrics: Measured, tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    path.write_text(json.dumps(metrics.content))
    write_card(model, tmp_path / "deep" / "card.md", metrics=path)
    text = (tmp_path / "deep" / "card.md").read_text("utf-8")
    assert read_measured(path).sha256 in text
    assert "\n\n\n" not in text


def test_a_cross_fit_says_whose_predictions_chose_the_threshold(model: Model) -> None:
    text = model_card(changed(model, recipe=replace(model.manifest.recipe, cross_fit=5)))
    assert "was chosen on all its patients held out in turn (5 folds" in text
    assert "thresholds chosen on patients held out in turn (5 folds)" in text
    assert "was chosen on validation patients" in model_card(model)
