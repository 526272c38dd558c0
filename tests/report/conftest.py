"""A small invented run: patients, predictions, numbers, histories."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cancernet.evaluation import choose_thresholds, evaluate
from cancernet.evaluation.results import FLOOR, RunResults
from cancernet.evaluation.selective import fit_selective
from cancernet.model.bundle import read_manifest
from cancernet.report.figures import Pictures
from cancernet.report.style import figure, picture

SKILL = {"baseline": 1.4, "class_weighted": 1.5, "augmented": 2.0, "transfer": 1.7, "fine_tuned": 2.3}
FLOOR_SKILL = 1.6


def predictions_of(skill, *, patients=12, patches=30, seed=0):
    """Scores of a model: the log odds of a malignant patch lie `skill` above those of a benign one."""
    rng, truth = np.random.default_rng(seed), np.random.default_rng(99)  # one truth, whatever the model
    rows = []
    for number in range(patients):
        split = ("test", "val", "train")[number % 3]
        share = 0.0 if number == 9 else truth.uniform(0.1, 0.6)
        label = (truth.random(patches) < share).astype(int)
        odds = skill * (label - 0.5) * 1.6 - 0.6 + rng.normal(0, 0.5) + rng.normal(0, 1, patches)
        rows += [
            (
                f"P{number:03d}/{c}/{number}_{k}.png",
                f"P{number:03d}",
                1 + 50 * k,
                1,
                int(c),
                1 / (1 + np.exp(-o)),
                split,
            )
            for k, (c, o) in enumerate(zip(label, odds, strict=True))
        ]
    return pd.DataFrame(rows, columns=["path", "patient", "x", "y", "label", "probability", "split"])


def history_of(skill, epochs=8):
    epoch = np.arange(1, epochs + 1)
    gain = 1 - np.exp(-epoch * skill / 6)
    return pd.DataFrame(
        {
            "epoch": epoch,
            "loss": 0.7 - 0.5 * gain,
            "val_loss": 0.72 - 0.35 * gain + 0.01 * epoch,
            "accuracy": 0.6 + 0.3 * gain,
            "val_accuracy": 0.58 + 0.25 * gain,
            "val_average_precision": 0.5 + 0.35 * gain - 0.002 * (epoch - 5) ** 2,
        }
    )


def make_results(names=tuple(SKILL), *, with_floor=True, patients=12, patches=30, **changes):
    skills = {name: SKILL[name] for name in names} | ({FLOOR: FLOOR_SKILL} if with_floor else {})
    predictions = {
        name: predictions_of(skill, patients=patients, patches=patches, seed=i)
        for i, (name, skill) in enumerate(skills.items())
    }
    metrics, bands = [], {}
    for name, rows in predictions.items():
        validation = rows[rows["split"] == "val"]
        thresholds = choose_thresholds(validation["label"], validation["probability"])
        if name != FLOOR:
            bands[name] = [
                fit_selective(validation, thresholds["target_recall"], abstain_share=share) for share in (0.1, 0.3)
            ]
        tested = rows[rows["split"] != "train"]
        metrics.append(evaluate(tested, thresholds, model=name, bands=bands.get(name, ()), samples=100))
    plain = {
        "title": "CancerNet: main run",
        "metrics": metrics,
        "predictions": predictions,
        "histories": {name: history_of(SKILL[name]) for name in names},
        "minutes": {name: 3.2 + i for i, name in enumerate(names)},
        "data": {
            "path": "data/idc",
            "layout": "patient/class",
            "n_patches": patients * patches,
            "n_patients": patients,
            "data_hash": "9f" * 32,
            "quarantined": pd.DataFrame(
                {
                    "path": ["a/0/x.png", "a/0/y.png", "b/1/<z>.png"],
                    "reason": ["truncated", "truncated", "exact duplicate of q.png"],
                }
            ),
            "split": {
                "name": "grouped",
                "hash": "ab" * 32,
                "seed": 1,
                "notes": ["2 listed cases are absent"],
                "sizes": {
                    "train": {"patients": 4, "patches": 120, "malignant": 41},
                    "test": {"patients": 4, "patches": 120, "malignant": 38},
                },
            },
            "leakage": {"patients on two sides": 0, "near duplicates across sides": 3},
        },
        "run": {"command": "cancernet run data", "seed": 1, "versions": {"keras": "3.15.0", "numpy": "2.4.0"}},
        "weights": {"transfer": "imagenet"},
        "below_floor": ["baseline"],
        "bands": bands,
        "calibrations": {name: {"scale": 0.8, "offset": -0.1} for name in names},
    }
    return RunResults(**{**plain, **changes})


@pytest.fixture
def manifest():
    return read_manifest(Path(__file__).parents[1] / "fixtures" / "bundle_v1")


@pytest.fixture
def undrawn(monkeypatch):
    """Leave the figures out: drawing takes a second a page, and few tests look at it."""
    drawn = {"approaches": picture(figure(1, 1))}
    for module in ("html", "folder"):
        monkeypatch.setattr(
            f"cancernet.report.{module}.draw", lambda found: Pictures(drawn, {name: {} for name in found.minutes})
        )


@pytest.fixture(scope="session")
def five():
    return make_results()


@pytest.fixture(scope="session")
def single():
    return make_results(("baseline",), with_floor=False)


@pytest.fixture(scope="session")
def make():
    return make_results
