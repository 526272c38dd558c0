"""The main job with training stood in for: what it says, collects and writes."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pandas as pd
import pytest

from cancernet.common.errors import UserError
from cancernet.common.output import Output
from cancernet.data.pack import Pack, pack
from cancernet.data.sample import write_sample
from cancernet.data.sides import Split, assign
from cancernet.data.split import SplitChoice, grouped_split
from cancernet.evaluation.leakage import audit_leakage
from cancernet.evaluation.results import FLOOR, RunResults
from cancernet.experiment import run as run_module
from cancernet.experiment.data import describe_leakage
from cancernet.experiment.run import _notes, collect, run
from cancernet.model.model import Model, load_model
from cancernet.model.recipe import Recipe
from cancernet.training.options import TrainingOptions

V1 = Path(__file__).parents[1] / "fixtures" / "bundle_v1"


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    folder = tmp_path_factory.mktemp("run")
    return pack(write_sample(folder / "sample", patients=8, patches_per_patient=16, seed=3), cache_dir=folder)


@pytest.fixture(scope="module")
def split(packed: Pack) -> Split:
    return grouped_split(packed.table, seed=1, test_fraction=0.25, val_fraction=0.25)


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model(V1)


def changed(model: Model, **changes: Any) -> Model:
    return Model(model.folder, msgspec.structs.replace(model.manifest, **changes))


RECIPES = """
[one]
network = "cnn"
summary = "the first"

[two]
network = "cnn"
summary = "the second"
"""


@pytest.fixture
def go(no_figures: None, model: Model, packed: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run two recipes on the sample, training stood in for; returns what was found, said and trained."""
    trained: list[str] = []

    def train(recipe: Recipe, *_: object, **__: object) -> Model:
        trained.append(recipe.name)
        return changed(model, name=recipe.name)

    monkeypatch.setitem(sys.modules, "cancernet.training.train", SimpleNamespace(train=train))
    monkeypatch.setattr(run_module, "start_training", lambda *_: None)
    (tmp_path / "recipes.toml").write_text(RECIPES)

    def run_it(**changes: Any) -> tuple[RunResults, list[str], list[str]]:
        said: list[str] = []
        options = {
            "recipes": ["one", "two"],
            "recipe_file": tmp_path / "recipes.toml",
            "models": tmp_path / "models",
            "results": tmp_path / "results",
            "split": SplitChoice(test_fraction=0.25, val_fraction=0.25),
            "options": TrainingOptions(seed=5, threads=1),
            "cache": tmp_path,
            "say": said.append,
        }
        return run(packed.root, **{**options, **changes}), said, trained

    return run_it


def test_a_run_trains_each_recipe_in_order_and_leaves_a_whole_report(
    go: Any, packed: Pack, split: Split, tmp_path: Path
) -> None:
    out = tmp_path / "results"
    found, said, trained = go()
    assert trained == ["one", "two"]
    assert [entry["model"] for entry in found.metrics] == ["one", "two", FLOOR]
    assert set(found.minutes) == {"one", "two"}
    assert "leak audit: 0 patients on two sides" in "\n".join(said)
    assert "one: the first" in said
    assert said[-1] == f"report: {out / 'report.html'}"
    facts = json.loads((out / "run.json").read_text())
    assert facts["seed"] == 5
    assert (facts["data_hash"], facts["split_hash"]) == (packed.data_hash, split.hash)
    assert facts["versions"]["cancernet"]
    written = pd.read_csv(out / "split.csv", dtype=str)
    assert dict(zip(written["patient"], written["split"], strict=True)) == dict(split.assignment)
    assert "SYNTHETIC" in (out / "report.html").read_text(encoding="utf-8").upper()


def test_every_model_of_a_run_is_measured_by_group_and_a_table_of_others_stops_it_before_training(
    go: Any, packed: Pack, tmp_path: Path
) -> None:
    patients = sorted(set(packed.table["patient"]))
    (tmp_path / "cohort.csv").write_text(
        "patient,site\n" + "".join(f"{p},{'ab'[i % 2]}\n" for i, p in enumerate(patients))
    )
    found, _, _ = go(by=str(tmp_path / "cohort.csv"))
    for entry in found.metrics[:2]:
        groups = next(iter(entry["splits"].values()))["subgroups"]["site"]["groups"]
        assert {group["group"] for group in groups} <= {"a", "b"}
        assert (tmp_path / "results" / entry["model"] / "subgroups.csv").exists()
    (tmp_path / "others.csv").write_text("patient,site\nx,a\ny,b\n")
    with pytest.raises(UserError, match="none of its 2 patients"):
        go(by=str(tmp_path / "others.csv"))


@pytest.mark.parametrize("place", ["results", "models"])
def test_a_second_run_on_a_folder_that_is_being_written_is_refused_before_the_work(
    go: Any, tmp_path: Path, place: str
) -> None:
    kind = {"results": "run", "models": "train"}[place]
    with Output(tmp_path / place, kind), pytest.raises(UserError, match="being written by another cancernet"):
        go()


def test_results_do_not_go_among_the_patches(go: Any, packed: Pack) -> None:
    with pytest.raises(UserError, match="lies inside"):
        go(results=packed.root / "results")


def test_a_report_of_the_users_own_is_not_replaced(go: Any, tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "metrics.json").write_text("{}")
    with pytest.raises(UserError, match="is not ours"):
        go()
    assert (tmp_path / "results" / "metrics.json").read_text() == "{}"


def test_a_model_called_like_a_file_of_the_results_gets_a_folder_all_the_same(go: Any, tmp_path: Path) -> None:
    recipes = tmp_path / "odd.toml"
    recipes.write_text('["run.json"]\nnetwork = "cnn"\n')
    go(recipes=["run.json"], recipe_file=recipes)
    assert json.loads((tmp_path / "results" / "run.json").read_text())["seed"] == 5
    assert (tmp_path / "results" / "run.json-2" / "metrics.json").is_file()


@pytest.fixture
def collected(packed: Pack, split: Split, model: Model) -> Any:
    def go(*models: Model, **changes: Any) -> Any:
        pack_now = dataclasses.replace(packed, **changes.pop("packed", {}))
        split_now = dataclasses.replace(split, **changes.pop("split", {}))
        side = assign(split_now, pack_now.table)
        return collect(models or (model,), pack_now, split_now, side, minutes={}, facts={})

    return go


def test_the_sizes_of_the_sides_add_up_to_the_patches(collected: Any, packed: Pack) -> None:
    sizes = collected().data["split"]["sizes"]
    assert set(sizes) == {"train", "val", "test"}
    assert sum(side["patches"] for side in sizes.values()) == len(packed.table)
    assert sum(side["patients"] for side in sizes.values()) == packed.table["patient"].nunique()
    assert sum(side["malignant"] for side in sizes.values()) == packed.table["label"].sum()


def test_a_side_without_patches_is_not_listed(collected: Any, split: Split) -> None:
    only_test = dict.fromkeys(split.assignment, "test")
    assert set(collected(split={"assignment": only_test}).data["split"]["sizes"]) == {"test"}


def test_warnings_of_data_and_split_reach_the_notes(collected: Any, packed: Pack, split: Split) -> None:
    by_path = dict(zip(packed.table["path"], assign(split, packed.table), strict=True))
    unsafe = {"notes": ("one class",), "patient_safe": False, "assignment": by_path}
    found = collected(packed={"warnings": ["odd names"]}, split=unsafe)
    assert found.notes == ["odd names", "one class"]
    assert found.patient_safe is False


def test_a_model_that_should_start_from_imagenet_and_did_not_is_noted(collected: Any, model: Model) -> None:
    recipe = msgspec.structs.replace(model.manifest.recipe, pretrained=True)
    random = changed(model, recipe=recipe, weights_from="none (random: no network for the ImageNet weights)")
    found = collected(random)
    assert any("tiny should start from ImageNet weights and started from none (random" in n for n in found.notes)
    assert found.weights["tiny"].startswith("none (random")


def test_random_weights_are_not_noted_where_none_were_wanted(collected: Any, model: Model) -> None:
    assert collected(changed(model, weights_from="none (trained from scratch)")).notes == []


def test_the_history_of_a_model_is_shown_where_it_is_there(collected: Any, model: Model, tmp_path: Path) -> None:
    assert list(collected().histories) == ["tiny"]
    for name in ("model.onnx", "weights.safetensors"):
        (tmp_path / name).write_bytes(model.read(name))
    assert collected(Model(tmp_path, model.manifest)).histories == {}


def test_synthetic_patches_are_marked(collected: Any) -> None:
    assert collected().synthetic is True
    assert collected(packed={"synthetic": False}).synthetic is False


def test_the_audit_is_told_in_one_line_and_finds_a_shared_patient(packed: Pack, split: Split) -> None:
    side = assign(split, packed.table)
    assert "0 patients on two sides" in describe_leakage(audit_leakage(packed.images, packed.table, side))
    side.iloc[0] = "test" if side.iloc[0] != "test" else "train"
    assert "1 patients on two sides" in describe_leakage(audit_leakage(packed.images, packed.table, side))


def test_a_cross_fitted_model_says_who_taught_it_and_what_chose_its_thresholds() -> None:
    [note] = _notes([load_model(), load_model(V1)])
    assert note.startswith("cancernet learned from train and val patients alike; its thresholds come from 5 folds")
