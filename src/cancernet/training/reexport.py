"""Give a bundle the graph and the remembered patches of this version, from its own weights.

    python -m cancernet.training.reexport FOLDER --data DIR [--held out_of_fold.csv]

What was trained, chosen and measured stays: the weights, the calibration, the thresholds. The data must be the
patches it was trained with.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from cancernet.common.errors import UserError
from cancernet.common.files import write_bytes
from cancernet.data.pack import Pack, pack
from cancernet.data.sampling import cap_per_patient, limit
from cancernet.evaluation.scoring import known_side
from cancernet.model.bundle import GRAPH, MANIFEST, WEIGHTS, encode_manifest, list_files
from cancernet.model.examples import embed, index_files
from cancernet.model.inference import OUTPUTS, open_session, predict
from cancernet.model.model import Model, load_model
from cancernet.training.fit_context import fit_context

SAME = 1e-5  # of a probability; the arithmetic may round otherwise, and nothing else may change
CHECKED = 4096  # patches compared
HELD_TYPES = {"patient": "str", "x": "Int64", "y": "Int64"}
HELD_EMPTY = {"x": [""], "y": [""]}  # a patient may be called NA


def reexport(model: Model, data: Pack, held: pd.DataFrame | None = None) -> tuple[Model, float]:
    """Write a model's graph and remembered patches anew.

    Args:
        model: to change where it lies.
        data: what it was trained with.
        held: predictions of patients unseen, as its cross-fit left them; its step for neighbours is fitted anew.

    Returns:
        The model, and the largest difference of a probability on up to 4,096 of the patches.

    Raises:
        UserError: the data is other than it was trained with, or too few whole specimens among `held`.
        RuntimeError: the new graph answers otherwise; nothing was written then.
    """
    from cancernet.networks import with_evidence
    from cancernet.training.export import to_onnx
    from cancernet.training.start import load_network

    manifest = model.manifest
    if data.data_hash != manifest.data.hash:
        raise UserError(f"{data.root} is not the data that {model.name} was trained with; give that")
    graph = to_onnx(with_evidence(load_network(model), **model.calibration.to_dict()), outputs=OUTPUTS)
    session = open_session(graph)
    rows = np.random.default_rng(0).permutation(len(data.table))[:CHECKED]
    before, after = (predict(each, data.images, rows) for each in (model.session, session))
    difference = float(np.abs(before - after).max())
    if difference > SAME:
        raise RuntimeError(f"{model.name}: the new graph's probabilities differ by {difference:.2g}")
    files = {GRAPH: graph, WEIGHTS: model.read(WEIGHTS)}
    files |= index_files(
        lambda images: embed(session, images), data, learned_from(model, data), manifest.seed
    )
    if held is not None:
        context = fit_context(held, target_recall=manifest.target_recall)
        if context is None:
            raise UserError(
                f"those predictions hold too few whole specimens; leave --held out for {model.name}"
            )
        manifest = msgspec.structs.replace(manifest, context=context)
    manifest = msgspec.structs.replace(manifest, files=list_files(files))
    for name, content in files.items():
        write_bytes(model.folder / name, content)
    write_bytes(model.folder / MANIFEST, encode_manifest(manifest))
    return load_model(model.folder), difference


def learned_from(model: Model, data: Pack) -> np.ndarray:
    """Return the rows that a model learned from, int (N,): of its train patients, as capped then.

    Raises:
        UserError: it was not split by patient, so its rows are not known.
    """
    manifest = model.manifest
    if not manifest.split.patient_safe or manifest.training is None:
        raise UserError(f"{model.name} was not split by patient; train it again")
    rows = np.flatnonzero(known_side(model, data.table) == "train")
    if manifest.training.max_per_patient:
        rows = rows[cap_per_patient(data.table.iloc[rows], manifest.training.max_per_patient, manifest.seed)]
    if manifest.training.limit:
        rows = rows[limit(data.table.iloc[rows], manifest.training.limit, manifest.seed)]
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Write a bundle anew and say what changed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, help="of the bundle")
    parser.add_argument("--data", type=Path, required=True, help="folder or zip it was trained with")
    parser.add_argument("--held", type=Path, help="out_of_fold.csv of its training")
    options = parser.parse_args(arguments)
    how: dict[str, Any] = {"dtype": HELD_TYPES, "keep_default_na": False, "na_values": HELD_EMPTY}
    held = None if options.held is None else pd.DataFrame(pd.read_csv(options.held, **how))
    model, difference = reexport(load_model(options.folder), pack(options.data), held)
    sizes = ", ".join(f"{name} {each.bytes:,} bytes" for name, each in model.manifest.files.items())
    print(f"{model.folder}: {sizes}; largest difference of a probability {difference:.2g}")


if __name__ == "__main__":
    from cancernet.training.quiet import import_quietly

    import_quietly()
    main()
