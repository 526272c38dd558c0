"""Can this model be trusted on these patients? Everything that is checked, measured and judged in one go."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from cancernet.common import defaults
from cancernet.common.errors import UserError
from cancernet.data.pack import Pack
from cancernet.data.sampling import limit
from cancernet.evaluation import verdicts
from cancernet.evaluation.compare import paired_difference
from cancernet.evaluation.corruptions import CORRUPTIONS
from cancernet.evaluation.label_shuffle import label_shuffle
from cancernet.evaluation.leakage import audit_leakage
from cancernet.evaluation.per_patient import per_patient
from cancernet.evaluation.results import QUICK, SYNTHETIC, Shown, html_table
from cancernet.evaluation.robustness import robustness
from cancernet.evaluation.scoring import score_floor, score_model
from cancernet.evaluation.verdicts import Check
from cancernet.model.model import Model

FORMAT = 1
SIDES = ("test", "val")  # what can be audited; patches a network was fitted to cannot


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Attributes:
        model: name of the bundle.
        synthetic: the model or the patches were made by a program.
        target_recall: the recall that the threshold was chosen for.
        data: what was audited, plain.
        checks: the judgements, those of the evaluation first, then one a corruption.
        metrics: `evaluate()` of the model and of the colour floor on the patches audited.
        floor_difference: `paired_difference` of the model against the floor.
        shuffle: from `label_shuffle`.
        robustness: from `robustness`.
        predictions: model and floor -> their predictions; not written.
        patients: from `per_patient`, at the operating threshold.
        shortened: what the quick run that trained the model left out, in words; empty for a whole one.
    """

    model: str
    synthetic: bool
    target_recall: float
    data: dict[str, Any]
    checks: list[Check]
    metrics: list[dict[str, Any]]
    floor_difference: dict[str, Any]
    shuffle: dict[str, Any]
    robustness: dict[str, Any]
    predictions: dict[str, pd.DataFrame]
    patients: pd.DataFrame
    shortened: str = ""

    @property
    def warnings(self) -> list[Check]:
        """The checks that warn."""
        return [check for check in self.checks if check.state == verdicts.WARN]

    @property
    def caption(self) -> str:
        """What was counted, for a figure or a table."""
        data = self.data
        share = data["n_malignant"] / max(data["n_patches"], 1)
        whose = f"{data['n_patches']:,} patches of {data['n_patients']} patients ({data['side']})"
        return f"n = {whose}, {share:.0%} malignant"

    @property
    def warning(self) -> str:
        """What every figure must say in red, or nothing."""
        return " · ".join([SYNTHETIC] * self.synthetic + [QUICK] * bool(self.shortened))

    @property
    def tally(self) -> str:
        """How many checks passed, warn, and could not be made."""
        states = [check.state for check in self.checks]
        text = f"{states.count(verdicts.PASS)} checks passed, {states.count(verdicts.WARN)} warn"
        skipped = states.count(verdicts.SKIP)
        return text + (f", {skipped} could not be made" if skipped else "")

    def _repr_html_(self) -> str:
        side = self.data["side"]
        rows = [Shown(entry["model"], side, entry["splits"][side]) for entry in self.metrics]
        warned = ": " + ", ".join(check.name for check in self.warnings) if self.warnings else ""
        return html_table(f"Audit of {self.model}. {self.tally}{warned}. {self.caption}. {self.warning}", rows)

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the predictions as plain JSON."""
        patients = self.patients.astype(object).where(self.patients.notna(), None)
        return {
            "format": FORMAT,
            "model": self.model,
            "synthetic": self.synthetic,
            **({"quick": self.shortened} if self.shortened else {}),
            "target_recall": self.target_recall,
            "data": self.data,
            "checks": [asdict(check) for check in self.checks],
            "metrics": self.metrics,
            "floor_difference": self.floor_difference,
            "label_shuffle": self.shuffle,
            "robustness": self.robustness,
            "per_patient": patients.to_dict("records"),
        }


def audit(
    model: Model,
    pack: Pack,
    side: pd.Series,
    *,
    which: str = "test",
    claimed_new: bool = False,
    max_patches: int = defaults.AUDIT_PATCHES,
    samples: int = defaults.BOOTSTRAP_SAMPLES,
    seed: int = defaults.SEED,
) -> Audit:
    """Audit a model on labelled patches.

    Args:
        model: the model; its threshold is used as it is.
        pack: the patches.
        side: `train`, `val` or `test` for each row of the pack, from `scoring.side_of_model`.
        which: the side to audit, of `SIDES`.
        claimed_new: the user said that patients with the ids of training patients are others.
        max_patches: patches in each corrupted copy, drawn evenly over patients.
        samples: resamples of patients for the drops under corruption.
        seed: of every draw.

    Raises:
        UserError: no patch is on that side, or `which` is none.
    """
    if which not in SIDES:
        raise UserError(f"side {which!r} cannot be audited; there are {', '.join(SIDES)}")
    audited = side == which
    if not audited.any():
        raise UserError(f"no patch of this folder is of a {which} patient of {model.name}; audit another folder")
    only = side.where(audited, "")
    scored, floor = score_model(model, pack, only), score_floor(model, pack, only)
    rows = scored.predictions
    seen = ~audited & side.isin(["train", "val"])
    leakage = audit_leakage(pack.images, pack.table, only.mask(seen, "seen"))
    against_floor = paired_difference(
        floor.predictions, rows, model.manifest.floor.thresholds.to_dict(), model.thresholds, seed=seed
    )
    drawn = limit(rows, max_patches, seed)  # here already, so that the other patches stay on disk
    shaken = robustness(
        model.predict,
        pack.images[np.flatnonzero(audited)[drawn]],
        rows["label"].iloc[drawn],
        rows["patient"].iloc[drawn],
        model.threshold,
        max_patches=max_patches,
        samples=samples,
        seed=seed,
    )
    patients = per_patient(rows, model.threshold)
    shuffle = label_shuffle(rows["label"], rows["probability"], seed=seed)
    numbers = scored.metrics["splits"][which]
    checks = [
        _patients(model, pack.table, audited, claimed_new=claimed_new),
        verdicts.judge_copies(leakage, int(seen.sum())),
        verdicts.judge_answers(numbers["unsure"], len(rows), len(scored.alarms), numbers["n_patients"]),
        verdicts.judge_shuffle(shuffle),
        verdicts.judge_floor(against_floor["auc"]),
        verdicts.judge_threshold(
            numbers["operating_points"]["target_recall"]["recall"],
            model.manifest.target_recall,
            chosen_here=which == "val",
        ),
        verdicts.judge_calibration(numbers["ece"]),
        verdicts.judge_spread(patients),
        *(verdicts.judge_corruption(name, shaken["corruptions"][name]) for name in CORRUPTIONS),
    ]
    return Audit(
        model=model.name,
        synthetic=pack.synthetic or model.synthetic,
        target_recall=model.manifest.target_recall,
        data=_data(pack, rows, which, seen),
        checks=checks,
        metrics=[scored.metrics, floor.metrics],
        floor_difference=against_floor,
        shuffle=shuffle,
        robustness=shaken,
        predictions={model.name: rows, floor.metrics["model"]: floor.predictions},
        patients=patients,
        shortened=model.shortened,
    )


def _patients(model: Model, table: pd.DataFrame, audited: pd.Series, *, claimed_new: bool) -> Check:
    ours = {name for name in table["patient"].unique() if model.side_of(name) in ("train", "val")}
    return verdicts.judge_patients(
        shared=len(ours),
        left_out=len(ours - set(table.loc[audited, "patient"])),
        unknown=int((table.loc[audited, "patient"] == "").sum()),
        patient_safe=model.manifest.split.patient_safe,
        claimed_new=claimed_new,
    )


def _data(pack: Pack, rows: pd.DataFrame, which: str, seen: pd.Series) -> dict[str, Any]:
    return {
        "folder": pack.root.name,
        "data_hash": pack.data_hash,
        "side": which,
        "n_patches": len(rows),
        "n_patients": int(rows.loc[rows["patient"] != "", "patient"].nunique()),
        "n_malignant": int(rows["label"].sum()),
        "n_seen_left_out": int(seen.sum()),
    }
