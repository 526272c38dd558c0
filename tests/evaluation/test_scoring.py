"""Scores join to labels by path, leave out training patients, and stand beside the floor."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from msgspec.structs import replace
from sklearn.metrics import roc_auc_score

from cancernet.common.errors import UserError
from cancernet.common.outlook import Outlook, following
from cancernet.context.smooth import by_patient, in_section
from cancernet.data.pack import Pack, pack
from cancernet.data.sample import write_sample
from cancernet.evaluation import scoring
from cancernet.evaluation.results import FLOOR
from cancernet.evaluation.scoring import COLUMNS, below_floor, places, score_floor, score_model, side_of_model
from cancernet.model.manifest import Context
from cancernet.model.model import Model, load_model

V1 = Path(__file__).parents[1] / "fixtures" / "bundle_v1"


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model(V1, threads=1)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    folder = tmp_path_factory.mktemp("scoring")
    return pack(write_sample(folder / "sample", patients=6, patches_per_patient=16, seed=7), cache_dir=folder)


@pytest.fixture(scope="module")
def side(packed: Pack) -> pd.Series:
    """Two patients each for train, val and test."""
    patients = sorted(packed.table["patient"].unique())
    sides = dict(zip(patients, ["train", "val", "test"] * 2, strict=True))
    return packed.table["patient"].map(sides)


def test_validation_and_test_patches_are_scored_and_training_ones_never(
    model: Model, packed: Pack, side: pd.Series
) -> None:
    scores = score_model(model, packed, side)
    assert list(scores.predictions) == [*COLUMNS, "reason", "alone"]
    assert set(scores.predictions["split"]) == {"val", "test"}
    assert set(scores.predictions["path"]) == set(packed.table.loc[side != "train", "path"])
    assert list(scores.metrics["splits"]) == ["test", "val"]


def test_the_others_of_a_patient_are_taken_in_unless_asked_for_alone(
    model: Model, packed: Pack, side: pd.Series
) -> None:
    near = Model(model.folder, replace(model.manifest, context=Context("surroundings", 100.0, weights=(0.5, 0.5, 0.0))))
    scores, alone = score_model(near, packed, side), score_model(near, packed, side, alone=True)
    np.testing.assert_array_equal(scores.predictions["alone"], alone.predictions["probability"])
    one = scores.predictions["patient"] == scores.predictions["patient"].iloc[0]
    rows = scores.predictions[one]
    expected = in_section(near.context, rows["x"], rows["y"], rows["alone"], reasons=rows["reason"])[0]
    np.testing.assert_allclose(rows["probability"], expected, rtol=1e-5)
    assert scores.metrics != alone.metrics
    assert scores.notes == ["tiny: a patch is judged with its section where its place is known."]
    assert alone.notes == ["tiny: each patch is judged by itself."]


def test_two_slides_of_a_patient_are_two_sections() -> None:
    paths = [f"P/0/P_idx{index}_x{1 + 50 * k}_y1_class0.png" for index in (5, 6) for k in range(8)]
    table = pd.DataFrame({"path": paths, "patient": "P", "x": [1 + 50 * k for _ in (5, 6) for k in range(8)], "y": 1})
    section, x, y = places(table)
    assert section == ["P"] * 8 + ["P/P_idx6"] * 8
    context = Context("surroundings", 100.0, 0.0, (0.5, 0.3, 0.2), -1.0, {})
    probability = np.repeat([0.9, 0.1], 8)
    taken, apart = by_patient(context, section, x, y, probability)
    assert not apart
    one, _ = in_section(context, x[:8], y[:8], probability[:8])
    assert taken[:8] == pytest.approx(one)


def test_the_floor_takes_the_others_in_as_the_model_does(model: Model, packed: Pack, side: pd.Series) -> None:
    context = Context("surroundings", 100.0, weights=(0.5, 0.5, 0.0))
    near = Model(
        model.folder, replace(model.manifest, floor=replace(model.manifest.floor, context=context), context=context)
    )
    whole, alone = (score_floor(near, packed, side, alone=each).predictions for each in (False, True))
    one = (alone["patient"] == alone["patient"].iloc[0]).to_numpy()
    expected = in_section(context, alone["x"][one], alone["y"][one], alone["probability"][one])[0]
    np.testing.assert_allclose(whole["probability"][one], expected, rtol=1e-5)


def test_a_patient_of_a_foreign_stain_is_named_and_all_its_patches_are_told(
    model: Model, packed: Pack, side: pd.Series
) -> None:
    images = packed.images.copy()
    far = packed.table.loc[side == "test", "patient"].iloc[0]
    images[packed.table["patient"] == far] //= 2
    scores = score_model(model, dataclasses.replace(packed, images=images), side)
    assert list(scores.alarms) == [far]
    told = scores.predictions.set_index("patient")["reason"] != ""
    assert told[far].all()
    assert not told.drop(far).any()
    assert scores.metrics["splits"]["test"]["unsure"]["n"] == told.loc[far].sum()


def test_each_row_holds_the_probability_and_the_label_of_its_own_path(
    model: Model, packed: Pack, side: pd.Series
) -> None:
    found = score_model(model, packed, side).predictions.sample(frac=1, random_state=3)
    row_of = {path: i for i, path in enumerate(packed.table["path"])}
    rows = found["path"].map(row_of).to_numpy()
    np.testing.assert_allclose(found["probability"], model.predict(packed.images, rows), atol=1e-6)
    np.testing.assert_array_equal(found["label"], packed.table["label"].to_numpy()[rows])
    assert (found["path"].str.split("/").str[1].astype(int) == found["label"]).all()


def test_chunks_do_not_show(model: Model, packed: Pack, side: pd.Series, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = score_model(model, packed, side).predictions
    monkeypatch.setattr(scoring, "CHUNK", 5)
    some = score_model(model, packed, side).predictions
    np.testing.assert_allclose(some["probability"], whole["probability"], atol=1e-6)


def test_patches_whose_answer_is_known_are_no_work_of_a_run(model: Model, packed: Pack, side: pd.Series) -> None:
    known = np.where(side == "val", 0.5, np.nan).astype("float32")
    outlook = Outlook({"scoring": 1000.0})
    with following(outlook), outlook.of("scoring"):
        score_model(model, packed, side, cost=2.0, known=known)
    assert outlook.spent["scoring"] == pytest.approx(2 * (side == "test").sum())


def test_the_metrics_are_those_of_the_predictions_at_the_thresholds_of_the_bundle(
    model: Model, packed: Pack, side: pd.Series
) -> None:
    scores = score_model(model, packed, side)
    test = scores.predictions[scores.predictions["split"] == "test"]
    entry = scores.metrics["splits"]["test"]
    assert entry["auc"]["value"] == pytest.approx(roc_auc_score(test["label"], test["probability"]))
    for name, threshold in model.thresholds.items():
        assert entry["operating_points"][name]["threshold"] == pytest.approx(threshold)


def test_the_floor_is_scored_on_the_same_patches_at_its_own_thresholds(
    model: Model, packed: Pack, side: pd.Series
) -> None:
    scores = score_floor(model, packed, side)
    assert scores.metrics["model"] == FLOOR
    assert list(scores.predictions["path"]) == list(score_model(model, packed, side).predictions["path"])
    point = scores.metrics["splits"]["test"]["operating_points"]["target_recall"]
    assert point["threshold"] == model.manifest.floor.thresholds.target_recall


def test_a_folder_without_validation_patients_is_scored_on_test_alone(model: Model, packed: Pack) -> None:
    everyone = pd.Series(["test"] * len(packed.table))
    assert list(score_model(model, packed, everyone).metrics["splits"]) == ["test"]


def test_patients_a_bundle_never_saw_are_test_and_the_others_keep_their_side(model: Model) -> None:
    known = model.manifest.split.patients
    table = pd.DataFrame({"patient": [*known, "new", ""]})
    assert side_of_model(model, table).tolist() == [*known.values(), "test", "test"]


def test_a_folder_of_training_patients_only_is_refused(model: Model) -> None:
    trained = [p for p, s in model.manifest.split.patients.items() if s != "test"]
    with pytest.raises(UserError, match=f"all {len(trained)} patients of this folder trained tiny"):
        side_of_model(model, pd.DataFrame({"patient": trained}))


@pytest.mark.parametrize(("cross_fit", "left"), [(5, {"val known", "val new", "test"}), (0, None)])
def test_validation_patients_that_a_cross_fit_learned_from_are_not_scored(
    model: Model, packed: Pack, cross_fit: int, left: set[str] | None
) -> None:
    """A cross-fit learns from its validation patients too: their scores would be those of training patches."""
    patients = sorted(packed.table["patient"].unique())
    names = dict(
        zip(patients, ["train", "val learned", "val known", "val new", "test", "test claimed new"], strict=True)
    )
    left = left or {"val learned", "val known", "val new", "test"}
    side = packed.table["patient"].map(names).str.split().str[0]
    known = {"val learned": "train", "val known": "val", "test claimed new": "train"}
    split = replace(model.manifest.split, patients={p: known[name] for p, name in names.items() if name in known})
    recipe = replace(model.manifest.recipe, cross_fit=cross_fit)
    fitted = Model(V1, replace(model.manifest, split=split, recipe=recipe))
    for score in (score_model, score_floor):
        scored = score(fitted, packed, side).predictions
        assert set(scored["patient"].map(names)) == left | {"test claimed new"}
        assert set(scored["split"]) == {"val", "test"}


@pytest.fixture
def entry() -> Callable[..., dict]:
    def make(model: str, auc: float | None) -> dict:
        return {"model": model, "splits": {"test": {"auc": {"value": auc}}, "val": {"auc": {"value": 1.0}}}}

    return make


def test_a_model_must_be_above_the_floor_on_test_to_clear_it(entry: Callable) -> None:
    models = [entry("over", 0.91), entry("same", 0.9), entry("under", 0.89), entry("undefined", None)]
    assert below_floor(models, entry(FLOOR, 0.9)) == ["same", "under", "undefined"]
