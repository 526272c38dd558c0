"""A quick run takes a share of every patient, and says so wherever it goes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest

from cancernet.common.output import Output
from cancernet.data.pack import Pack, pack
from cancernet.data.sample import write_sample
from cancernet.data.sides import assign
from cancernet.data.split import grouped_split
from cancernet.evaluation.results import QUICK, warning
from cancernet.experiment import quick
from cancernet.experiment.audit import audit
from cancernet.experiment.compare import compare
from cancernet.experiment.quick import hasten, shorten
from cancernet.experiment.run import collect
from cancernet.model.model import Model, load_model
from cancernet.model.recipe import Recipe
from cancernet.report.card import model_card
from cancernet.report.console import table
from cancernet.report.folder import NAMES, write_results

V1 = Path(__file__).parents[1] / "fixtures" / "bundle_v1"
WORDS = "64 of 128 patches, a share of each patient, half of the epochs"


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    folder = tmp_path_factory.mktemp("short")
    return pack(write_sample(folder / "sample", patients=8, patches_per_patient=16, seed=3), cache_dir=folder)


@pytest.fixture(scope="module")
def model() -> Model:
    """A model that a quick run has trained."""
    whole = load_model(V1)
    training = msgspec.structs.replace(whole.manifest.training, shortened=WORDS)
    return Model(whole.folder, msgspec.structs.replace(whole.manifest, training=training))


def test_a_share_of_each_class_of_each_patient_is_taken_always_the_same(
    packed: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quick, "QUICK_PATCHES", 64)
    share, said = shorten(packed, seed=1)
    again, other = shorten(packed, seed=1)[0], shorten(packed, seed=2)[0]
    pd.testing.assert_frame_equal(share.table, again.table)
    assert share.data_hash == again.data_hash
    assert len({packed.data_hash, share.data_hash, other.data_hash}) == 3
    assert said == f"{len(share.table):,} of 128 patches, a share of each patient, half of the epochs"
    kept, all_of = (each.table.groupby(["patient", "label"]).size() for each in (share, packed))
    assert set(kept.index) == set(all_of.index)
    assert (kept - all_of / 2).between(0, 0.5).all()


def test_patches_stay_with_their_rows(packed: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick, "QUICK_PATCHES", 64)
    share, _ = shorten(packed, seed=1)
    where = dict(zip(packed.table["path"], range(len(packed.table)), strict=True))
    rows = [where[path] for path in share.table["path"]]
    np.testing.assert_array_equal(share.images, packed.images[rows])


def test_of_a_small_set_all_patches_are_taken_and_it_is_said_all_the_same(packed: Pack) -> None:
    share, said = shorten(packed, seed=1)
    assert share is packed
    assert said == "all 128 patches, half of the epochs"
    assert shorten(packed, seed=1, epochs=3)[1] == "all 128 patches, at most 3 epochs"


def test_epochs_are_halved_and_one_stays() -> None:
    recipes = [Recipe("a", network="cnn", epochs=epochs) for epochs in (8, 3, 1)]
    assert [recipe.epochs for recipe in hasten(recipes)] == [4, 2, 1]


def test_every_page_table_and_file_of_metrics_says_that_it_is_quick(packed: Pack, model: Model, tmp_path: Path) -> None:
    split = grouped_split(packed.table, seed=1, test_fraction=0.25, val_fraction=0.25)
    found = collect([model], packed, split, assign(split, packed.table), minutes={}, facts={})
    assert found.shortened == WORDS
    assert QUICK in warning(found)  # what every figure prints
    assert f"QUICK run ({WORDS})" in table(found)
    assert QUICK in found._repr_html_()
    with Output(tmp_path / "out", "run", names=NAMES) as out:
        write_results(out, found)
    pages = list((tmp_path / "out").rglob("*.html"))
    metrics = list((tmp_path / "out").rglob("metrics.json"))
    tables = list((tmp_path / "out").rglob("predictions.csv"))
    assert (len(pages), len(metrics), len(tables)) == (1, 3, 3)
    assert all("Quick run: not a result" in page.read_text("utf-8") for page in pages)
    assert all(WORDS in file.read_text("utf-8") for file in metrics)
    assert all((pd.read_csv(file)["run"] == "quick").all() for file in tables)
    folders = tmp_path / "out" / model.name, tmp_path / "out" / "colour_floor"
    assert compare(*folders)["split"] == "test"  # a column more is no obstacle


def test_a_whole_run_says_nothing_of_it(packed: Pack, tmp_path: Path) -> None:
    split = grouped_split(packed.table, seed=1, test_fraction=0.25, val_fraction=0.25)
    whole = load_model(V1)
    found = collect([whole], packed, split, assign(split, packed.table), minutes={}, facts={})
    with Output(tmp_path / "out", "run", names=NAMES) as out:
        write_results(out, found)
    for file in (tmp_path / "out").rglob("*"):
        if file.suffix in (".html", ".json", ".csv"):
            assert "quick" not in file.read_text("utf-8").lower(), file


def test_the_card_and_the_audit_of_a_quick_model_say_it_too(packed: Pack, model: Model, tmp_path: Path) -> None:
    assert "QUICK RUN, NOT A RESULT" in model_card(model)
    found = audit(packed.root, model, out=tmp_path / "audit", new_patients=True, max_patches=20, cache=tmp_path)
    assert found.to_dict()["quick"] == WORDS
    assert QUICK in found.warning
    assert "Quick run: not a result" in (tmp_path / "audit" / "audit.html").read_text("utf-8")
    assert dataclasses.replace(found, shortened="").to_dict().keys() == found.to_dict().keys() - {"quick"}
