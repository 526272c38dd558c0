"""A first answer in minutes on a set that takes most of an hour: fewer patches of every patient, fewer epochs.

What comes out is no result. Everything that a quick run writes says so: the words of `shorten` go into the manifest of
its models and with them into every page, table and `metrics.json`, of later commands too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import msgspec
import numpy as np

from cancernet.data.pack import Pack, hash_table
from cancernet.data.sampling import stratified
from cancernet.model.recipe import Recipe

QUICK_PATCHES = 20_000  # of a set; five recipes then take some ten minutes on two cores. 150 MB, held in memory
EPOCHS_SHARE = 0.5  # of a recipe's epochs, rounded up; with fewer the CNNs stay below the colour floor


def shorten(pack: Pack, seed: int, *, epochs: int = 0) -> tuple[Pack, str]:
    """Return a share of the patches, of each class of each patient alike, and in words what a quick run leaves out.

    Args:
        pack: the patches. The share has a hash of its own, and its images are in memory.
        seed: which ones.
        epochs: the most epochs that the user asks for, in place of half of each recipe's; 0 for none.
    """
    trained = f"at most {epochs} epochs" if epochs else "half of the epochs"
    if len(pack.table) <= QUICK_PATCHES:
        return pack, f"all {len(pack.table):,} patches, {trained}"
    rows = stratified(pack.table, QUICK_PATCHES, seed)
    table = pack.table.iloc[rows].reset_index(drop=True)
    share = replace(pack, images=np.array(pack.images[rows]), table=table, data_hash=hash_table(table))
    return share, f"{len(rows):,} of {len(pack.table):,} patches, a share of each patient, {trained}"


def hasten(recipes: Iterable[Recipe]) -> list[Recipe]:
    """Return recipes with fewer epochs."""
    return [msgspec.structs.replace(recipe, epochs=int(np.ceil(recipe.epochs * EPOCHS_SHARE))) for recipe in recipes]
