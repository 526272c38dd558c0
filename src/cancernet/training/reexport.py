"""Give a bundle the graph and the remembered patches of this version, from its own weights.

    python -m cancernet.training.reexport FOLDER --data DIR [--held out_of_fold.csv]

What was trained, chosen and measured stays: the weights, the calibration, the thresholds. The data must be the
patches it was trained with.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cancernet.common.errors import UserError
from cancernet.context.fit import fit_context
from cancernet.data.pack import Pack, pack
from cancernet.data.sampling import cap_per_patient, limit
from cancernet.evaluation.scoring import known_side
from cancernet.model.bundle import GRAPH, WEIGHTS, Bundle, read_bundle, write_bundle
from cancernet.model.inference import OUTPUTS, open_session, predict
from cancernet.model.neighbours import index_files

SAME = 1e-5  # of a probability; the arithmetic may round otherwise, and nothing else may change
CHECKED = 4096  # patches compared
HELD_TYPES = {"patient": "str", "x": "Int64", "y": "Int64"}


def reexport(bundle: Bundle, data: Pack, held: pd.DataFrame | None = None) -> tuple[Bundle, float]:
    """Write a bundle's graph and remembered patches anew.

    Args:
        bundle: to change where it lies.
        data: what it was trained with.
        held: predictions of patients unseen, as its cross-fit left them; its step for neighbours is fitted anew.

    Returns:
        The bundle, and the largest difference of a probability on up to 4,096 of the patches.

    Raises:
        UserError: the data is other than it was trained with, or too few whole specimens among `held`.
        RuntimeError: the new graph answers otherwise; nothing was written then.
    """
    from cancernet.networks import with_evidence
    from cancernet.training.export import to_onnx
    from cancernet.training.start import load_network

    if data.data_hash != bundle.manifest["data"]["hash"]:
        raise UserError(f"{data.root} is not the data that {bundle.name} was trained with; give that")
    graph = to_onnx(with_evidence(load_network(bundle), **bundle.calibration), outputs=OUTPUTS)
    session = open_session(graph)
    rows = np.random.default_rng(0).permutation(len(data.table))[:CHECKED]
    before, after = (predict(each, data.images, rows) for each in (bundle.session(), session))
    difference = float(np.abs(before - after).max())
    if difference > SAME:
        raise RuntimeError(f"{bundle.name}: the new graph's probabilities differ by {difference:.2g}")
    files = {GRAPH: graph, WEIGHTS: bundle.read(WEIGHTS)}
    files |= index_files(session, data, learned_from(bundle, data), bundle.manifest["seed"])
    manifest = {key: value for key, value in bundle.manifest.items() if key not in ("format", "files")}
    if held is not None:
        manifest["context"] = fit_context(held, target_recall=manifest["target_recall"])
        if manifest["context"] is None:
            raise UserError(
                f"those predictions hold too few whole specimens; leave --held out for {bundle.name}"
            )
    return write_bundle(bundle.folder, manifest, files), difference


def learned_from(bundle: Bundle, data: Pack) -> np.ndarray:
    """Return the rows that a bundle learned from, int (N,): of its train patients, as capped then.

    Raises:
        UserError: it was not split by patient, so its rows are not known.
    """
    if not bundle.manifest["split"]["patient_safe"]:
        raise UserError(f"{bundle.name} was not split by patient; train it again")
    rows = np.flatnonzero(known_side(bundle, data.table) == "train")
    facts, seed = bundle.manifest["training"], bundle.manifest["seed"]
    if facts.get("max_per_patient"):
        rows = rows[cap_per_patient(data.table.iloc[rows], facts["max_per_patient"], seed)]
    if facts.get("limit"):
        rows = rows[limit(data.table.iloc[rows], facts["limit"], seed)]
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Write a bundle anew and say what changed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, help="of the bundle")
    parser.add_argument("--data", type=Path, required=True, help="folder or zip it was trained with")
    parser.add_argument("--held", type=Path, help="out_of_fold.csv of its training")
    options = parser.parse_args(arguments)
    held = None if options.held is None else pd.read_csv(options.held, dtype=HELD_TYPES)
    bundle, difference = reexport(read_bundle(options.folder), pack(options.data), held)
    sizes = ", ".join(f"{name} {each['bytes']:,} bytes" for name, each in bundle.manifest["files"].items())
    print(f"{bundle.folder}: {sizes}; largest difference of a probability {difference:.2g}")


if __name__ == "__main__":
    from cancernet.training.quiet import import_quietly

    import_quietly()
    main()
