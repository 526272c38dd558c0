"""The remembered training patches: right ones found, damaged ones refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from msgspec.structs import replace
from safetensors.numpy import save

from cancernet.common.errors import UserError
from cancernet.common.output import Output
from cancernet.model import examples
from cancernet.model.bundle import GRAPH, WEIGHTS, list_files, write_bundle
from cancernet.model.examples import ABOUT, ARRAYS, MOST, Index, nearest, read_index, unit
from cancernet.model.model import Model, load_model

V1 = Path(__file__).parents[1] / "fixtures" / "bundle_v1"
GOOD = {
    "path": ["a/0/1.png", "a/1/2.png", "b/1/3.png"],
    "patient": ["a", "a", "b"],
    "label": [0, 1, 1],
    "hash": ["00", "01", "02"],
}
EMBEDDING = np.array([[1, 0], [0, 1], [0.6, 0.8]], "float16")


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Model]:
    """Write a bundle with an index of that content."""

    def write(about: Any = GOOD, arrays: dict[str, np.ndarray] | bytes | None = None) -> Model:
        old = load_model(V1)
        arrays = {"embedding": EMBEDDING} if arrays is None else arrays
        files = {name: old.read(name) for name in (GRAPH, WEIGHTS)}
        files[ABOUT] = about if isinstance(about, bytes) else json.dumps(about).encode()
        files[ARRAYS] = arrays if isinstance(arrays, bytes) else save(arrays)
        with Output(tmp_path / "bundle", "train") as out:
            return load_model(write_bundle(out, replace(old.manifest, files=list_files(files)), files))

    return write


def test_what_was_written_is_read(written: Callable[..., Model]) -> None:
    index = read_index(written())
    assert index is not None
    assert index.table.to_dict("list") == GOOD
    np.testing.assert_allclose(np.linalg.norm(index.embedding, axis=1), 1, atol=1e-6)


def test_a_bundle_of_before_remembers_nothing() -> None:
    assert read_index(load_model(V1)) is None


@pytest.mark.parametrize(
    "about",
    [
        b"{",
        b"[" * 100_000,
        [],
        {k: v for k, v in GOOD.items() if k != "hash"},
        {**GOOD, "label": [0, 1]},
        {**GOOD, "label": [0, 1, 2]},
        {**GOOD, "label": [0, 1, True]},
        {**GOOD, "path": ["a", "b", 3]},
        {**GOOD, "patient": "aab"},
    ],
    ids=repr,
)
def test_a_spoilt_list_is_one_line(written: Callable[..., Model], about: Any) -> None:
    with pytest.raises(UserError, match="no list of training patches"):
        read_index(written(about=about))


@pytest.mark.parametrize(
    "arrays",
    [
        b"no arrays at all",
        {"other": EMBEDDING},
        {"embedding": EMBEDDING.astype("float32")},
        {"embedding": EMBEDDING[0]},
        {"embedding": EMBEDDING[:2]},
        {"embedding": EMBEDDING[:0]},
        {"embedding": np.array([[1, np.nan]] * 3, "float16")},
    ],
    ids=str,
)
def test_spoilt_arrays_are_one_line(written: Callable[..., Model], arrays: Any) -> None:
    with pytest.raises(UserError, match="no list of training patches"):
        read_index(written(arrays=arrays))


def test_a_file_that_is_changed_missing_or_too_large_is_refused(
    written: Callable[..., Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = written()
    monkeypatch.setattr(examples, "MAX_BYTES", 10)
    with pytest.raises(UserError, match="too large"):
        read_index(model)
    monkeypatch.undo()
    (model.folder / ABOUT).write_bytes((model.folder / ABOUT).read_bytes()[::-1])
    with pytest.raises(UserError, match="changed"):
        read_index(model)
    del model.manifest.files[ABOUT]
    with pytest.raises(UserError, match="lists no file"):
        read_index(model)


def test_the_most_alike_come_first_whatever_their_length() -> None:
    index = Index(unit(EMBEDDING), pd.DataFrame(GOOD))
    rows, similarity = nearest(index, np.array([[0, 30.0], [2.0, 0]]), 2)
    assert rows.tolist() == [[1, 2], [0, 2]]
    np.testing.assert_allclose(similarity, [[1, 0.8], [1, 0.6]], atol=1e-3)


def test_fewer_than_asked_for_are_all_and_nothing_active_is_like_nothing() -> None:
    index = Index(unit(EMBEDDING), pd.DataFrame(GOOD))
    rows, similarity = nearest(index, np.zeros((1, 2)), 5)
    assert rows.shape == (1, 3)
    assert (similarity == 0).all()


def test_an_index_of_another_network_is_refused() -> None:
    with pytest.raises(UserError, match="another network"):
        nearest(Index(unit(EMBEDDING), pd.DataFrame(GOOD)), np.ones((1, 3)))


def test_the_shipped_model_remembers_training_patients_alone_and_both_classes_evenly() -> None:
    model = load_model()
    index = read_index(model)
    assert index is not None
    assert len(index.table) == MOST
    sides = model.manifest.split.patients
    assert {sides[patient] for patient in index.table["patient"]} == {"train"}
    assert index.table["label"].mean() == 0.5
    assert index.table["patient"].nunique() > 150
    assert index.table["patient"].value_counts().max() < 40
    assert max(model.manifest.files[name].bytes for name in (ARRAYS, ABOUT)) < 2 * 2**20
