"""Which patches a run learns from and which choose its epoch."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from cancernet.common.defaults import CLASS_NAMES
from cancernet.common.errors import UserError
from cancernet.data.pack import Pack
from cancernet.data.sampling import cap_per_patient, limit, stratified
from cancernet.data.sides import Split, assign
from cancernet.model.recipe import Recipe
from cancernet.training.batches import class_weights, patient_weights
from cancernet.training.engine import Examples
from cancernet.training.features import frozen_features
from cancernet.training.options import MOST_CHOOSING, MOST_FOR_HEAD, TrainingOptions
from cancernet.training.restain import patient_stains


def choose_examples(recipe: Recipe, pack: Pack, split: Split, options: TrainingOptions) -> Examples:
    """Choose the rows to learn from, to validate on, and of a large val those that choose the epoch.

    Of more than `MOST_FOR_HEAD` training patches a recipe that learns a head alone takes so many, evenly over patients.

    Raises:
        UserError: train or val is empty or of one class only.
    """
    side = assign(split, pack.table).to_numpy()
    label = pack.table["label"].to_numpy().astype(int)
    for name in ("train", "val"):
        present = np.unique(label[side == name])
        if len(present) < 2:
            held = f"only {CLASS_NAMES[present[0]]} patches" if len(present) else "no patches"
            raise UserError(f"the {name} side of split {split.name} holds {held}; use another split or seed")
    val = np.flatnonzero(side == "val")
    train = np.flatnonzero(side == "train")
    if recipe.cross_fit:  # all learn, and the folds of the cross-fit take the place of val
        train, val = np.union1d(train, val), np.empty(0, int)
    if options.max_per_patient:
        train = train[cap_per_patient(pack.table.iloc[train], options.max_per_patient, options.seed)]
    if options.limit:
        train = train[limit(pack.table.iloc[train], options.limit, options.seed)]
    if recipe.train == "head" and len(train) > MOST_FOR_HEAD:
        train = train[limit(pack.table.iloc[train], MOST_FOR_HEAD, options.seed)]
    choose = None
    if len(val) > MOST_CHOOSING:
        choose = val[stratified(pack.table.iloc[val], MOST_CHOOSING, options.seed)]
    patient = pack.table["patient"].to_numpy()[train]
    weight = class_weights(label[train], recipe.class_weight)
    if recipe.patient_weight == "sqrt":
        weight = weight * patient_weights(patient)
    stain = patient_stains(pack.images, train, patient) if recipe.restain else None
    return Examples(pack.images, train, val, label, weight, patient, stain, choose)


def with_features(
    network: keras.Model, examples: Examples, data_hash: str, cache: Path, *, cost: float = 0.0
) -> Examples:
    """Return the same examples with the output of the frozen part for inputs, computed once.

    Args:
        network: its part up to the layer `embedding` is frozen.
        examples: of patches.
        data_hash: content of the patches; names the cached file with the weights.
        cache: folder of cached features.
        cost: of a patch, as a run foretells it.
    """
    part = keras.Model(network.input, network.get_layer("embedding").output, name=network.name)
    rows = np.concatenate([examples.train, examples.val])
    features = frozen_features(part, examples.inputs, rows, content=data_hash, cache=cache, cost=cost)
    n_train = len(examples.train)
    choose = examples.choose
    return Examples(
        features,
        np.arange(n_train),
        np.arange(n_train, len(rows)),
        examples.label[rows],
        examples.weight,
        examples.patient,
        choose=None if choose is None else n_train + np.searchsorted(examples.val, choose),
    )
