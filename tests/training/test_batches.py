"""Batches carry their labels with them, in an order that the seed and the epoch decide."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from sklearn.utils.class_weight import compute_class_weight

from cancernet.training.batches import Batches, class_weights, epoch_size, mixed, patient_weights
from cancernet.training.restain import patient_stains
from hostile.made import tissue

pytestmark = pytest.mark.train


def make(n: int = 23, *, rows: np.ndarray | None = None, batch_size: int = 5, seed: int = 1, epoch: int = 0) -> Batches:
    """Batches whose input, label and weight all tell their own row."""
    rows = np.arange(n) if rows is None else rows
    inputs = np.arange(1000)[:, None]
    return Batches(inputs, rows, rows / 1000, rows.astype("float32"), batch_size=batch_size, seed=seed, epoch=epoch)


def order(batches: Batches) -> list[int]:
    return [int(x) for i in range(len(batches)) for x in batches[i][0][:, 0]]


@given(st.integers(1, 60), st.integers(1, 70), st.integers(0, 9), st.integers(0, 9))
def test_an_epoch_holds_each_row_once(n: int, batch_size: int, seed: int, epoch: int) -> None:
    batches = make(n, batch_size=batch_size, seed=seed, epoch=epoch)
    assert len(batches) == -(-n // batch_size)
    assert sorted(order(batches)) == list(range(n))


@given(st.sets(st.integers(0, 999), min_size=1, max_size=40), st.integers(1, 9))
def test_input_label_and_weight_are_of_the_same_row(rows: set[int], batch_size: int) -> None:
    batches = make(rows=np.array(sorted(rows)), batch_size=batch_size)
    for i in range(len(batches)):
        inputs, label, weight = batches[i]
        assert label.shape == (len(inputs), 1)
        np.testing.assert_allclose(label[:, 0], inputs[:, 0] / 1000)
        np.testing.assert_allclose(weight, inputs[:, 0])


def test_the_order_depends_on_seed_and_epoch_and_on_nothing_else() -> None:
    assert order(make(epoch=3)) == order(make(epoch=3))
    assert order(make(epoch=3)) != order(make(epoch=4))
    assert order(make(seed=1)) != order(make(seed=2))
    np.random.default_rng(0).random(5)
    assert order(make()) == order(make())


def test_a_shuffled_order_ruins_labels_joined_by_position_and_not_those_joined_by_key() -> None:
    """The student's mistake: predictions of a shuffled generator held against the labels of the table."""
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 1000)
    batches = Batches(
        label[:, None], np.arange(1000), label.astype("float32"), np.ones(1000), batch_size=32, seed=1, epoch=0
    )
    predicted = np.concatenate([batches[i][0][:, 0] for i in range(len(batches))])  # a perfect model
    by_position = roc_auc_score(label, predicted)
    by_batch = roc_auc_score(np.concatenate([batches[i][1][:, 0] for i in range(len(batches))]), predicted)
    by_key = roc_auc_score(label[batches.rows[batches.order]], predicted)
    assert by_position == pytest.approx(0.5, abs=0.06)
    assert by_batch == by_key == 1.0


def test_memory_mapped_inputs_are_copied_a_batch_at_a_time(tmp_path: object) -> None:
    batches = make()
    assert batches[0][0].base is None or batches[0][0].base is not batches.inputs


@given(st.lists(st.integers(0, 1), min_size=2, max_size=50).filter(lambda x: len(set(x)) == 2))
def test_balanced_weights_are_those_of_scikit_learn_and_mean_1(label: list[int]) -> None:
    found = class_weights(np.array(label), "balanced")
    expected = compute_class_weight("balanced", classes=np.array([0, 1]), y=label)[label]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert found.mean() == pytest.approx(1.0)
    assert found[np.array(label) == 0].sum() == pytest.approx(found[np.array(label) == 1].sum(), rel=1e-5)
    assert found.dtype == np.float32


def test_without_class_weights_every_patch_weighs_1() -> None:
    assert class_weights(np.array([0, 0, 1]), "none").tolist() == [1.0, 1.0, 1.0]


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=60))
def test_a_patient_weighs_the_root_of_its_patches(patient: list[str]) -> None:
    names = np.array(patient)
    weight = patient_weights(names)
    assert weight.mean() == pytest.approx(1.0, rel=1e-5)
    for name in set(patient):
        total, n = weight[names == name].sum(), (names == name).sum()
        reference = weight[names == patient[0]].sum() / np.sqrt((names == patient[0]).sum())
        assert total / np.sqrt(n) == pytest.approx(reference, rel=1e-4)


PATIENTS = np.array(["a"] * 40 + ["b"] * 5 + ["c"] * 12)


def capped(cap: int, *, epoch: int = 0) -> Batches:
    n = len(PATIENTS)
    return Batches(
        np.arange(n)[:, None],
        np.arange(n),
        np.zeros(n, "float32"),
        np.ones(n, "float32"),
        batch_size=8,
        seed=1,
        epoch=epoch,
        patient=PATIENTS,
        cap=cap,
    )


@given(st.integers(0, 50))
def test_no_patient_has_more_patches_in_an_epoch_than_the_cap(cap: int) -> None:
    drawn = order(capped(cap))
    assert len(set(drawn)) == len(drawn) == epoch_size(PATIENTS, cap)
    for patient, n in (("a", 40), ("b", 5), ("c", 12)):
        assert (PATIENTS[drawn] == patient).sum() == (min(n, cap) if cap else n)


def test_each_epoch_draws_anew_so_that_all_patches_are_seen_in_the_end() -> None:
    seen = {row for epoch in range(40) for row in order(capped(8, epoch=epoch))}
    assert seen == set(range(len(PATIENTS)))
    assert set(order(capped(8))) != set(order(capped(8, epoch=1)))


def test_mixing_keeps_patch_label_and_weight_together() -> None:
    value = np.linspace(0, 250, 64).round()
    inputs = np.broadcast_to(value[:, None, None, None], (64, 4, 4, 3)).astype("uint8")
    patches, label, weight = mixed(
        inputs, (value[:, None] / 250).astype("float32"), value.astype("float32"), alpha=0.3, seed=(1, 2)
    )
    assert (patches.dtype, label.dtype, weight.dtype) == ("uint8", "float32", "float32")
    np.testing.assert_allclose(patches[:, 0, 0, 0] / 250, label[:, 0], atol=0.003)
    np.testing.assert_allclose(label[:, 0] * 250, weight, atol=0.01)
    assert (patches[:, 0, 0, 0] != value).any()


def test_a_mixture_lies_between_the_two_it_is_of_and_comes_again_with_its_seed() -> None:
    inputs = np.random.default_rng(0).integers(0, 256, (32, 5, 5, 3), dtype=np.uint8)
    label, weight = np.zeros((32, 1), "float32"), np.ones(32, "float32")
    first = mixed(inputs, label, weight, alpha=0.3, seed=(1, 0, 0))[0]
    assert (first >= inputs.min(axis=0)).all()
    assert (first <= inputs.max(axis=0)).all()
    np.testing.assert_array_equal(first, mixed(inputs, label, weight, alpha=0.3, seed=(1, 0, 0))[0])
    assert (first != mixed(inputs, label, weight, alpha=0.3, seed=(1, 0, 1))[0]).any()


def test_batches_mix_only_when_asked() -> None:
    plain = make(40, batch_size=40)
    assert (plain[0][0][:, 0] == plain.order).all()


def test_restained_batches_are_drawn_by_seed_and_epoch_and_of_the_patients_own_colours() -> None:
    patches = np.stack([tissue(seed) for seed in range(16)])
    stain = patient_stains(patches, np.arange(16), np.array(["a"] * 16, object))

    def batch(epoch: int, share: float, jpeg: float = 0.0) -> np.ndarray:
        label, weight = np.zeros(16, "float32"), np.ones(16, "float32")
        how = {"restain": share, "stain": stain, "jpeg": jpeg}
        made = Batches(patches, np.arange(16), label, weight, batch_size=16, seed=1, epoch=epoch, **how)
        return made[0][0][np.argsort(made.order)]

    assert np.array_equal(batch(0, 1.0), batch(0, 1.0))
    assert (batch(0, 1.0) != batch(1, 1.0)).any(axis=(1, 2, 3)).all()
    assert np.array_equal(batch(0, 0.0), patches)
    assert (batch(0, 0.0, jpeg=1.0) != patches).any(axis=(1, 2, 3)).all()
