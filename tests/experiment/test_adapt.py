from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from cancernet.common.errors import UserError
from cancernet.data.pack import Pack, pack
from cancernet.experiment import adapt as module
from cancernet.experiment.adapt import Adapted, adapt
from cancernet.experiment.local import Site, look
from cancernet.model.decide import sigmoid
from cancernet.model.model import Model, load_model
from cancernet.prediction.predict import predict

pytest.importorskip("onnx")


@pytest.fixture(scope="module")
def made(sample: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Adapted:
    """The shipped model adapted to the synthetic sample, whose patients it does not know."""
    out = tmp_path_factory.mktemp("adapted") / "ours"
    return adapt(sample, out=out, cache=cache, scanner="a program", say=lambda _: None)


def test_the_child_answers_as_was_fitted(made: Adapted, sample: Path, cache: Path) -> None:
    rows = look(load_model(), pack(sample, cache_dir=cache)).answered.set_index("path")
    table = predict(sample, made.model).set_index("path")
    alone, among = table.loc[rows.index, "alone"], table.loc[rows.index, "probability"]
    assert np.allclose(alone, sigmoid(made.fitted.alone(rows["alone"].to_numpy())), atol=1e-5)
    assert np.allclose(among, sigmoid(made.fitted.with_surroundings(rows["among"].to_numpy())), atol=1e-5)
    assert made.model.threshold == pytest.approx(float(sigmoid(made.fitted.threshold)))


def test_the_child_says_where_it_comes_from(made: Adapted) -> None:
    said = made.model.manifest.adaptation
    assert said is not None
    assert (said.parent, said.parent_graph_sha256) == ("cancernet", load_model().graph_sha256)
    assert (said.patients, said.scanner, said.provisional) == (8, "a program", True)
    assert made.model.name == "ours"
    assert made.model.synthetic  # of synthetic patches
    assert {"recall", "specificity", "ece"} <= said.change.keys()
    told = json.loads((made.page.parent / "adaptation.json").read_text("utf-8"))
    assert told["change"] == said.change
    page = made.page.read_text("utf-8")
    assert "PROVISIONAL" in page
    assert "nested cross-validation" in page


def test_the_local_patients_are_known_to_the_child_and_cannot_measure_it(
    made: Adapted, sample: Path, cache: Path, tmp_path: Path
) -> None:
    local = set(pack(sample, cache_dir=cache).table["patient"])
    assert {made.model.side_of(patient) for patient in local} == {"val"}
    with pytest.raises(UserError, match="8 patients trained ours or chose its threshold"):
        adapt(sample, made.model, out=tmp_path / "again", cache=cache, say=lambda _: None)


def test_a_child_can_be_adapted_again_and_nothing_is_left_to_take_back(
    made: Adapted, sample: Path, cache: Path, tmp_path: Path
) -> None:
    again = adapt(sample, made.model, out=tmp_path / "two", cache=cache, new_patients=True, say=lambda _: None)
    assert again.model.manifest.adaptation is not None
    assert again.model.manifest.adaptation.parent == "ours"
    assert again.fitted.among_offset == pytest.approx(0, abs=0.05)


def test_few_patients_are_refused_before_anything_is_written(sample: Path, cache: Path, tmp_path: Path) -> None:
    few = tmp_path / "few"
    for patient in sorted(path for path in sample.iterdir() if path.is_dir())[:3]:
        shutil.copytree(patient, few / patient.name)
    with pytest.raises(UserError, match="at least 5 are needed"):
        adapt(few, out=tmp_path / "ours", cache=cache, say=lambda _: None)
    assert not (tmp_path / "ours").exists()


def test_where_colours_alone_do_as_well_no_threshold_helps_and_it_says_so(
    sample: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def better(model: Model, packed: Pack) -> Site:
        site = look(model, packed)
        return dataclasses.replace(site, rows=site.rows.assign(floor=site.rows["label"] * 2.0 - 1))

    monkeypatch.setattr(module, "look", better)
    found = adapt(sample, out=tmp_path / "ours", cache=cache, say=lambda _: None)
    assert any("no threshold can help here" in line for line in found.warnings)


def test_of_two_stains_it_is_warned(sample: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def mixed(model: Model, packed: Pack) -> Site:
        return dataclasses.replace(look(model, packed), foreign=("S003",))

    monkeypatch.setattr(module, "look", mixed)
    found = adapt(sample, out=tmp_path / "ours", cache=cache, say=lambda _: None)
    assert any("1 patients are stained or scanned unlike" in line and "S003" in line for line in found.warnings)
