"""The main job with training stood in for: what it says, collects and writes."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from cancernet.data.pack import Pack, pack
from cancernet.data.sample import write_sample
from cancernet.data.sides import Split, assign
from cancernet.data.split import grouped_split
from cancernet.evaluation.leakage import audit_leakage
from cancernet.evaluation.results import FLOOR
from cancernet.experiment.run import _cross_notes, collect, describe_leakage, run
from cancernet.model.bundle import Bundle, read_bundle, shipped
from cancernet.training.options import TrainingOptions
from cancernet.training.recipes import Recipe

V1 = Path(__file__).parents[1] / "fixtures" / "bundle_v1"


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    folder = tmp_path_factory.mktemp("run")
    return pack(write_sample(folder / "sample", patients=8, patches_per_patient=16, seed=3), cache_dir=folder)


@pytest.fixture(scope="module")
def split(packed: Pack) -> Split:
    return grouped_split(packed.table, seed=1, test_fraction=0.25, val_fraction=0.25)


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return read_bundle(V1)


def changed(bundle: Bundle, **changes: Any) -> Bundle:
    return Bundle(bundle.folder, {**bundle.manifest, **changes})


def test_a_run_trains_each_recipe_in_order_and_leaves_a_whole_report(
    packed: Pack, split: Split, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[str] = []

    def train(recipe: Recipe, *_: object, **__: object) -> Bundle:
        trained.append(recipe.name)
        return changed(bundle, name=recipe.name)

    monkeypatch.setitem(sys.modules, "cancernet.training.train", SimpleNamespace(train=train))
    said: list[str] = []
    recipes = [Recipe("one", "the first", "cnn"), Recipe("two", "the second", "cnn")]
    out = tmp_path / "results"
    found = run(
        packed,
        split,
        recipes,
        models=tmp_path / "models",
        results=out,
        cache=tmp_path,
        options=TrainingOptions(seed=5, threads=1),
        command="cancernet run",
        say=said.append,
    )
    assert trained == ["one", "two"]
    assert [entry["model"] for entry in found.metrics] == ["one", "two", FLOOR]
    assert set(found.minutes) == {"one", "two"}
    assert "leak audit: 0 patients on two sides" in "\n".join(said)
    assert "one: the first" in said
    assert said[-1] == f"report: {out / 'report.html'}"
    facts = json.loads((out / "run.json").read_text())
    assert (facts["command"], facts["seed"]) == ("cancernet run", 5)
    assert (facts["data_hash"], facts["split_hash"]) == (packed.data_hash, split.hash)
    assert facts["versions"]["cancernet"]
    written = pd.read_csv(out / "split.csv", dtype=str)
    assert dict(zip(written["patient"], written["split"], strict=True)) == dict(split.assignment)
    assert "SYNTHETIC" in (out / "report.html").read_text(encoding="utf-8").upper()


@pytest.fixture
def collected(packed: Pack, split: Split, bundle: Bundle) -> Any:
    def go(*bundles: Bundle, **changes: Any) -> Any:
        pack_now = dataclasses.replace(packed, **changes.pop("packed", {}))
        split_now = dataclasses.replace(split, **changes.pop("split", {}))
        side = assign(split_now, pack_now.table)
        return collect(bundles or (bundle,), pack_now, split_now, side, minutes={}, facts={}, threads=1)

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


def test_a_model_that_should_start_from_imagenet_and_did_not_is_noted(collected: Any, bundle: Bundle) -> None:
    recipe = {**bundle.manifest["recipe"], "pretrained": True}
    random = changed(bundle, recipe=recipe, weights_from="none (random: no network for the ImageNet weights)")
    found = collected(random)
    assert any(
        "tiny should start from ImageNet weights and started from none (random" in n for n in found.notes
    )
    assert found.weights["tiny"].startswith("none (random")


def test_random_weights_are_not_noted_where_none_were_wanted(collected: Any, bundle: Bundle) -> None:
    assert collected(changed(bundle, weights_from="none (trained from scratch)")).notes == []


def test_the_history_of_a_bundle_is_shown_where_it_is_there(
    collected: Any, bundle: Bundle, tmp_path: Path
) -> None:
    assert list(collected().histories) == ["tiny"]
    for name in ("model.onnx", "weights.safetensors"):
        (tmp_path / name).write_bytes(bundle.read(name))
    assert collected(Bundle(tmp_path, bundle.manifest)).histories == {}


def test_synthetic_patches_are_marked(collected: Any) -> None:
    assert collected().synthetic is True
    assert collected(packed={"synthetic": False}).synthetic is False


def test_the_audit_is_told_in_one_line_and_finds_a_shared_patient(packed: Pack, split: Split) -> None:
    side = assign(split, packed.table)
    assert "0 patients on two sides" in describe_leakage(audit_leakage(packed.images, packed.table, side))
    side.iloc[0] = "test" if side.iloc[0] != "test" else "train"
    assert "1 patients on two sides" in describe_leakage(audit_leakage(packed.images, packed.table, side))


def test_a_cross_fitted_model_says_who_taught_it_and_what_chose_its_thresholds() -> None:
    [note] = _cross_notes([read_bundle(shipped()), read_bundle(V1)])
    assert note.startswith(
        "cancernet learned from train and val patients alike; its thresholds come from 5 folds"
    )
