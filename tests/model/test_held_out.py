"""Scores of patients held out: what was written is read, what is damaged is refused, and few are left out evenly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace
from safetensors.numpy import load, save

from cancernet.common.errors import UserError
from cancernet.common.output import Output
from cancernet.model import held_out
from cancernet.model.bundle import GRAPH, WEIGHTS, list_files, write_bundle
from cancernet.model.decide import sigmoid
from cancernet.model.held_out import FILE, held_out_file, read_held_out
from cancernet.model.model import Model, load_model

V1 = Path(__file__).parents[1] / "fixtures" / "bundle_v1"
PATIENT = ["b", "a", "b", "", "é"]
LABEL = [1, 0, 0, 1, 1]
ALONE = [0.9, 0.2, 0.0, 0.5, 1.0]
AMONG = [0.8, 0.1, 0.5, 0.5, 0.6]
FLOOR = [0.5, 0.4, 0.3, 0.2, 0.1]


@pytest.fixture
def bundle(tmp_path: Path) -> Callable[[dict[str, bytes]], Model]:
    """Write a bundle with other files beside."""

    def write(files: dict[str, bytes]) -> Model:
        old = load_model(V1)
        files = {**{name: old.read(name) for name in (GRAPH, WEIGHTS)}, **files}
        with Output(tmp_path / "bundle", "train") as out:
            return load_model(write_bundle(out, replace(old.manifest, files=list_files(files)), files))

    return write


def made() -> dict[str, bytes]:
    return held_out_file(PATIENT, LABEL, ALONE, AMONG, FLOOR, seed=1)


def test_what_was_written_is_read_by_patient_and_unknown_patients_are_left_out(
    bundle: Callable[[dict[str, bytes]], Model],
) -> None:
    found = read_held_out(bundle(made()))
    assert found is not None
    assert found["patient"].tolist() == ["a", "b", "b", "é"]
    assert found["label"].tolist() == [0, 1, 0, 1]
    np.testing.assert_allclose(found["alone"], [0.2, 0.9, 0.0, 1.0], atol=1e-6)
    np.testing.assert_allclose(found["probability"], [0.1, 0.8, 0.5, 0.6], atol=1e-6)
    np.testing.assert_allclose(sigmoid(found["floor"]), [0.4, 0.5, 0.3, 0.1], atol=1e-6)
    assert np.isfinite(found[["logit", "among"]].to_numpy()).all()


def test_a_bundle_of_before_keeps_none() -> None:
    assert read_held_out(load_model(V1)) is None


@pytest.mark.parametrize("patient", [[""] * 5, ["a\nb"] * 5], ids=["unknown", "of two lines"])
def test_no_file_is_made_of_patients_without_a_usable_name(patient: list[str]) -> None:
    assert held_out_file(patient, LABEL, ALONE, AMONG, FLOOR, seed=1) == {}


def test_of_too_many_patches_each_patient_and_class_keeps_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_out, "MOST", 100)
    patient = ["large"] * 900 + ["small"] * 99 + ["one"]
    label = np.array([1, 0] * 500)
    [content] = held_out_file(patient, label, *np.full((3, 1000), 0.5), seed=1).values()
    found = load(content)
    names = found["names"].tobytes().decode().split("\n")
    counts = {
        (names[code], kind): int(((found["patient"] == code) & (found["label"] == kind)).sum())
        for code in range(3)
        for kind in (0, 1)
    }
    assert counts == {
        ("large", 0): 45,
        ("large", 1): 45,
        ("small", 0): 4,
        ("small", 1): 5,
        ("one", 0): 1,
        ("one", 1): 0,
    }


SPOILT = {
    "no labels": lambda arrays: arrays.pop("label"),
    "a label of 2": lambda arrays: arrays.update(label=arrays["label"] + 1),
    "labels of another type": lambda arrays: arrays.update(label=arrays["label"].astype(float)),
    "fewer log odds": lambda arrays: arrays.update(logit=arrays["logit"][1:]),
    "log odds that are not finite": lambda arrays: arrays.update(among=arrays["among"] + np.float32(np.inf)),
    "a patient without a name": lambda arrays: arrays.update(patient=arrays["patient"] + np.uint16(9)),
    "a name twice": lambda arrays: arrays.update(names=np.frombuffer(b"a\nb\nb", np.uint8)),
    "names in no UTF-8": lambda arrays: arrays.update(names=np.frombuffer(b"a\nb\n\xff", np.uint8)),
    "nothing": lambda arrays: arrays.update({name: values[:0] for name, values in arrays.items()}),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT.keys())
def test_spoilt_scores_are_one_line(bundle: Callable[[dict[str, bytes]], Model], spoil: Callable) -> None:
    arrays = load(made()[FILE])
    spoil(arrays)
    with pytest.raises(UserError, match="no scores of patients held out"):
        read_held_out(bundle({FILE: save({name: np.ascontiguousarray(each) for name, each in arrays.items()})}))


def test_what_is_no_safetensors_file_too_large_or_changed_is_refused(
    bundle: Callable[[dict[str, bytes]], Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match="no scores of patients held out"):
        read_held_out(bundle({FILE: b"no arrays at all"}))
    model = bundle(made())
    monkeypatch.setattr(held_out, "MAX_BYTES", 10)
    with pytest.raises(UserError, match="too large"):
        read_held_out(model)
    monkeypatch.undo()
    (model.folder / FILE).write_bytes((model.folder / FILE).read_bytes()[::-1])
    with pytest.raises(UserError, match="changed"):
        read_held_out(model)
