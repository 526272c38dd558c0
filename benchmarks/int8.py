"""What 8-bit arithmetic would gain and cost: the shipped model, quantised, against itself.

    PYTHONPATH=benchmarks python benchmarks/int8.py --data DIR

Calibration patches are of patients that taught the model; scores are of patients that it never saw. Nothing is
written: the quantised graph does not ship.
"""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from sklearn.metrics import roc_auc_score

from cancernet.data.pack import default_cache_dir, pack
from cancernet.evaluation.scoring import side_of_model
from cancernet.model.bundle import GRAPH
from cancernet.model.decide import MALIGNANT
from cancernet.model.inference import open_session, predict
from cancernet.model.model import load_model
from speed.timing import alternate, median, ratio

CALIBRATION, BATCH, TIMED, ROUNDS = 512, 32, 4096, 5


class Patches(CalibrationDataReader):
    """Batches of patches to find the ranges of activations with."""

    def __init__(self, name: str, images: np.ndarray) -> None:
        self.batches: Iterator[dict[str, np.ndarray]] = iter(
            [{name: images[start : start + BATCH]} for start in range(0, len(images), BATCH)]
        )

    def get_next(self) -> dict[str, np.ndarray] | None:
        """Return the next batch, nothing at the end."""
        return next(self.batches, None)


def quantise(graph: bytes, name: str, images: np.ndarray) -> bytes:
    """Return a graph with 8-bit convolutions: weights by channel, in 7 bits, as processors without VNNI want."""
    with tempfile.TemporaryDirectory() as folder:
        plain, prepared, small = (str(Path(folder) / each) for each in ("plain", "prepared", "small"))
        Path(plain).write_bytes(graph)
        quant_pre_process(plain, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            small,
            Patches(name, images),
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return Path(small).read_bytes()


def main() -> None:
    """Measure speed, AUC and recall of both graphs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    options = parser.parse_args()
    logging.getLogger().setLevel(logging.ERROR)
    model = load_model()
    data = pack(options.data, cache_dir=default_cache_dir())
    side = side_of_model(model, data.table).to_numpy()
    rng = np.random.default_rng(1)
    taught = rng.choice(np.flatnonzero(side == "train"), CALIBRATION, replace=False)
    unseen = np.flatnonzero(side == "test")
    graph = model.read(GRAPH)
    plain = open_session(graph)
    small = open_session(quantise(graph, plain.get_inputs()[0].name, data.images[taught]))
    timed = np.resize(unseen, TIMED)
    seconds = alternate(
        {"float32": lambda: predict(plain, data.images, timed), "int8": lambda: predict(small, data.images, timed)},
        ROUNDS,
    )
    label = data.table["label"].to_numpy()[unseen]
    found = {}
    for name, session in (("float32", plain), ("int8", small)):
        probability = predict(session, data.images, unseen)
        malignant = model.decide(probability) == MALIGNANT
        found[name] = {
            "patches_per_second": TIMED / median(seconds[name]),
            "auc": float(roc_auc_score(label, probability)),
            "recall": float(malignant[label == 1].mean()),
            "specificity": float(1 - malignant[label == 0].mean()),
        }
    found["times as fast"] = ratio(seconds["float32"], seconds["int8"])
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
