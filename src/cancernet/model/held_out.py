"""What a model said of patients it did not learn from: the scores its threshold was chosen on. Read as untrusted input.

NAME/held_out.safetensors   `names` uint8 (bytes), patients' names in UTF-8, a line each; then, a row a patch (M,):
                            `patient` uint16, its number among the names; `label` uint8; `logit`, `among` and `floor`
                            float32

They tell what thresholds and sample sizes cost before a single local patch is there, and stay with the bundle they are
of. Patches of a patient lie together; nothing says which patch a row is.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from cancernet.common.errors import UserError
from cancernet.model.decide import logit, sigmoid
from cancernet.model.model import Model

FILE = "held_out.safetensors"
MOST = 100_000  # patches, 1.5 MB; the means by patient of the public set's 277,524 hardly move by leaving some out
MOST_PATIENTS = 65_535  # what uint16 counts
MAX_BYTES = 16_000_000  # of a file that is read
ODDS = ("logit", "among", "floor")
DTYPES = {"names": np.uint8, "patient": np.uint16, "label": np.uint8, **dict.fromkeys(ODDS, np.float32)}


def held_out_file(
    patient: ArrayLike, label: ArrayLike, probability: ArrayLike, among: ArrayLike, floor: ArrayLike, *, seed: int
) -> dict[str, bytes]:
    """Return name and content of the file that keeps scores of patients held out; nothing where no patient is known.

    Of more than `MOST` patches some are left out, as large a share of each patient's and class's.

    Args:
        patient: (N,) names; rows of an unknown one, "", are left out.
        label: (N,) of 0 and 1.
        probability: (N,), calibrated, of each patch by itself.
        among: (N,), the same with its surroundings taken in, as the model's commands do.
        floor: (N,), what the colour floor says, with its surroundings taken in.
        seed: which are left out.
    """
    table = pd.DataFrame(
        {
            "patient": np.asarray(patient, object),
            "label": np.asarray(label, np.uint8),
            "logit": logit(probability).astype("float32"),
            "among": logit(among).astype("float32"),
            "floor": logit(floor).astype("float32"),
        }
    )
    table = _thinned(table[table["patient"] != ""], seed).sort_values("patient", kind="stable")
    names, code = np.unique(table["patient"].to_numpy(str), return_inverse=True)
    if not 0 < len(names) <= MOST_PATIENTS or any("\n" in name for name in names):
        return {}
    arrays = {name: np.ascontiguousarray(table[name]) for name in ("label", *ODDS)}
    arrays["patient"] = code.astype(np.uint16)
    arrays["names"] = np.frombuffer("\n".join(names).encode(), np.uint8)
    return {FILE: save(arrays)}


def read_held_out(model: Model) -> pd.DataFrame | None:
    """Return what a model said of patients it did not learn from; nothing where its bundle does not keep it.

    Returns:
        A row a patch: patient (str), label (int, 0 or 1), and calibrated log odds, finite float64: `logit` of the patch
        by itself, `among` with its surroundings taken in, `floor` of the colour floor likewise; the first two as
        probabilities too: `alone` and `probability`.

    Raises:
        UserError: the file is missing, damaged, too large, or its arrays do not fit each other.
    """
    if FILE not in model.manifest.files:
        return None
    path = model.folder / FILE
    if model.manifest.files[FILE].bytes > MAX_BYTES:
        raise UserError(f"{path}: too large for scores of patients held out")
    content = model.read(FILE)
    try:
        return _checked(load(content))
    except (SafetensorError, ValueError, KeyError) as error:
        raise UserError(f"{path}: no scores of patients held out ({error}); copy the bundle again") from error


def _thinned(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Leave out as large a share of every patient's patches of either class, at least one of each staying."""
    if len(table) <= MOST:
        return table
    chance = np.random.default_rng(seed).permutation(len(table))
    groups = table.assign(chance=chance).groupby(["patient", "label"])["chance"]
    wanted = np.maximum(1, (groups.transform("size") * (MOST / len(table))).astype(int))
    return table[(groups.rank() <= wanted).to_numpy()]


def _checked(arrays: dict[str, NDArray]) -> pd.DataFrame:
    """Return the table, or raise ValueError or KeyError with what is wrong."""
    for name, dtype in DTYPES.items():
        if arrays[name].dtype != dtype or arrays[name].ndim != 1 or not arrays[name].size:
            raise ValueError(f"{name} is {arrays[name].dtype} {arrays[name].shape}, not {np.dtype(dtype)} (M,)")
    names = np.array(arrays["names"].tobytes().decode().split("\n"), object)
    rows = {name: arrays[name] for name in DTYPES if name != "names"}
    if len({len(column) for column in rows.values()}) > 1:
        raise ValueError("its columns are of different lengths")
    if rows["patient"].max() >= len(names) or len(set(names)) < len(names) or "" in names:
        raise ValueError("its patients are not those it names")
    if rows["label"].max() > 1 or not all(np.isfinite(rows[name]).all() for name in ODDS):
        raise ValueError("a label other than 0 and 1, or log odds that are not finite")
    odds = {name: rows[name].astype(np.float64) for name in ODDS}
    return pd.DataFrame(
        {
            "patient": names[rows["patient"]],
            "label": rows["label"].astype(np.int64),
            **odds,
            "alone": sigmoid(odds["logit"]),
            "probability": sigmoid(odds["among"]),
        }
    )
