"""From patches to answers: patches a second, the first answer, memory."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from cancernet.common.provenance import ONEDNN
from cancernet.data.pack import pack
from cancernet.model.inference import BATCH
from cancernet.model.model import load_model
from speed.timing import Row, Setup, alternate, cancernet, in_process, median, ratio, seconds_of

PATCHES = 4096  # of a measurement of patches a second


def rows(setup: Setup) -> list[Row]:
    """Measure patches a second and the first answer."""
    return [rate_row(setup), cold_row(setup)]


def rate_row(setup: Setup) -> Row:
    """The shipped model from the packed array, against Keras and against the bare runtime."""
    found = in_process(
        "inference:rates",
        env={ONEDNN: None},
        data=str(setup.data),
        packs=str(setup.work / "cache"),
        rounds=setup.rounds,
    )
    gain, share, rate = found["gain"], found["share"], found["rate"]
    return Row(
        "Inference with the shipped model, from the packed array",
        "`keras.Model.predict` of the same network; limit: the bare runtime on one fixed batch",
        "3x predict, 0.9 of the limit, 1,000 patches/s",
        f"{gain:.1f}x predict, {share:.2f} of the limit, {rate:,.0f} patches/s",
        gain >= 3 and share >= 0.9 and rate >= 1000,
        found,
    )


def rates(data: str, packs: str, rounds: int) -> dict[str, Any]:
    """Measure Keras, the bare runtime and ours on the same patches."""
    from cancernet.training.quiet import import_quietly

    import_quietly()
    from cancernet.networks import with_probability
    from cancernet.training.start import load_network

    shipped = load_model()
    images = pack(data, cache_dir=Path(packs)).images
    rows = np.resize(np.random.default_rng(1).permutation(len(images)), PATCHES)
    memory = images[rows]
    session, model = shipped.session, with_probability(load_network(shipped), **shipped.calibration.to_dict())
    fixed = {session.get_inputs()[0].name: memory[:BATCH]}
    answers: dict[str, np.ndarray] = {}

    def keras_predict() -> None:
        answers["keras"] = model.predict(memory, batch_size=128, verbose=0)[:, 0]

    def ours() -> None:
        answers["ours"] = shipped.predict(images, rows)

    def runtime() -> None:
        for _ in range(0, PATCHES, BATCH):
            session.run(None, fixed)

    seconds = alternate({"keras": keras_predict, "ours": ours, "runtime": runtime}, rounds)
    return {
        "seconds": seconds,
        "gain": ratio(seconds["keras"], seconds["ours"]),
        "share": ratio(seconds["runtime"], seconds["ours"]),
        "rate": PATCHES / median(seconds["ours"]),
        "largest_difference": float(np.abs(answers["keras"] - answers["ours"]).max()),
    }


def cold_row(setup: Setup) -> Row:
    """One patch from the shell, in a process that has loaded nothing."""
    patch = str(next(iter(sorted(setup.data.rglob("*.png")))))
    ways = {
        "predict": [cancernet(), "predict", patch],
        "help": [cancernet(), "--help"],
        "imports": [sys.executable, "-c", "import cancernet.cli.predict, cancernet.prediction.predict"],
        "nothing": [sys.executable, "-c", "pass"],
    }
    seconds = alternate({name: lambda c=command: seconds_of(c) for name, command in ways.items()}, setup.rounds)
    imports = median(seconds["imports"]) - median(seconds["nothing"])
    whole, helped = median(seconds["predict"]), median(seconds["help"])
    return Row(
        "One patch, cold, from the shell",
        "-",
        "under 1.5 s, of which imports under 0.7 s; `cancernet --help` under 0.3 s",
        f"{whole:.2f} s, imports {imports:.2f} s; help {helped:.2f} s",
        whole < 1.5 and imports < 0.7 and helped < 0.3,
        {"seconds": seconds},
    )
