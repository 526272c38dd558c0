"""The state of a training run as one file: written whole or not at all, read back without running code."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from cancernet.common.errors import UserError
from cancernet.common.files import replacing

CHECKPOINT = "checkpoint.safetensors"
FORMAT = "2"  # of the groups of arrays; a checkpoint of another is started over


@dataclass
class Progress:
    """Where a run stands after some epochs.

    Attributes:
        fingerprint: hash of all that decides the weights; another one means another run.
        epoch: epochs done.
        history: a row an epoch.
        best_epoch: epoch (from 1) of the best validation average precision so far; 0 for none.
        best: the weights of that epoch, by name.
        done: whether training has ended.
    """

    fingerprint: str
    epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    best: dict[str, np.ndarray] = field(default_factory=dict)
    done: bool = False


def weights_of(model: keras.Model) -> dict[str, np.ndarray]:
    """Return the weights of a model by index and path (paths alone may repeat in nested models)."""
    return {f"{i:04d}/{v.path}": np.array(v) for i, v in enumerate(model.weights)}


def load_weights(model: keras.Model, weights: dict[str, np.ndarray]) -> None:
    """Put weights from `weights_of` into a model of the same network.

    Raises:
        UserError: the weights are of another network (count or shape).
    """
    names = sorted(weights)
    if len(names) != len(model.weights):
        raise UserError(f"these weights are of another network: {len(names)} arrays, not {len(model.weights)}")
    for name, variable in zip(names, model.weights, strict=True):
        if tuple(weights[name].shape) != tuple(variable.shape):
            raise UserError(f"these weights are of another network: {name} has shape {weights[name].shape}")
        variable.assign(weights[name])


def save_checkpoint(path: Path, state: dict[str, list[np.ndarray]], progress: Progress) -> None:
    """Write the arrays of a run (by group, in order) and its progress to one file, atomically."""
    tensors = {f"{group}/{i:04d}": a for group, arrays in state.items() for i, a in enumerate(arrays)}
    tensors |= {f"best/{name}": array for name, array in progress.best.items()}
    plain = {key: value for key, value in vars(progress).items() if key != "best"}
    with replacing(path) as temporary:
        save_file(
            {k: np.array(v, order="C") for k, v in tensors.items()},
            temporary,
            {"progress": json.dumps(plain), "format": FORMAT},
        )


def read_checkpoint(path: Path, fingerprint: str) -> tuple[dict[str, list[np.ndarray]], Progress] | None:
    """Read a checkpoint of the same run, or return nothing where there is none to continue from.

    Args:
        path: the file.
        fingerprint: of the run that wants to continue; a checkpoint of another run is not used.

    Raises:
        UserError: the file is there but is not a checkpoint.
    """
    if not path.exists():
        return None
    try:
        with safe_open(path, "numpy") as file:
            about = file.metadata() or {}
        plain: dict[str, Any] = json.loads(about["progress"])
        progress = Progress(**plain)
        tensors = load_file(path)
    except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
        raise UserError(f"cannot read the checkpoint {path} ({error}); delete it to start over") from error
    if progress.fingerprint != fingerprint or about.get("format") != FORMAT:
        return None
    state: dict[str, list[np.ndarray]] = {}
    for name in sorted(tensors):
        group, _, rest = name.partition("/")
        if group == "best":
            progress.best[rest] = tensors[name]
        else:
            state.setdefault(group, []).append(tensors[name])
    return state, progress
