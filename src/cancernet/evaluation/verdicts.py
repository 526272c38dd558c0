"""The audit's judgements: what was measured against a limit, PASS or WARN, and why that is the limit.

A warning is no error: it says what to look at before the model is relied on. SKIP is said where the data
cannot answer, because a check that was not made has not been passed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from cancernet.common import defaults
from cancernet.evaluation.leakage import Leakage

AUC_DROP = 0.05  # at AUDIT_SEVERITY; more is the gap between a network and the colour floor
RECALL_DROP = 0.05  # of malignant patches, at the frozen threshold: from 95 % found to 90 %
SPECIFICITY_DROP = 0.10  # false alarms cost a second look, missed cancer more: twice the above
ECE = 0.03  # expected calibration error up to which a stated probability can be read as one
SHUFFLE_OFF = 0.01  # from 0.5; the mean AUC of 1,000 shuffles strays by less than 0.001
SHUFFLE_DISTANCE = 5  # standard deviations of the shuffles; chance is beyond 5 once in 3 million
UNSURE = 0.03  # share of patches that cannot be judged; on the public set it is under 0.011
LOW_RECALL = 0.80  # a patient below it has one malignant patch in five missed
LOW_SHARE = 0.10  # of patients that may lie below it
MIN_MALIGNANT = 10  # malignant patches a patient needs to be judged; with fewer, one patch decides

PASS, WARN, SKIP = "PASS", "WARN", "SKIP"
LIMITS = {"auc": AUC_DROP, "recall": RECALL_DROP, "specificity": SPECIFICITY_DROP}  # what a corruption may take away
WORDS = {"auc": "AUC", "recall": "recall", "specificity": "specificity"}
Entry = Mapping[str, float | None]


@dataclass(frozen=True)
class Check:
    """One judgement: `state` (PASS, WARN, SKIP), its name, what was found, the limit, why it is the limit."""

    state: str
    name: str
    found: str
    limit: str
    why: str


def judge_patients(*, shared: int, left_out: int, unknown: int, patient_safe: bool, claimed_new: bool) -> Check:
    """Judge whether the patients audited are new to the model.

    Args:
        shared: patients of the folder whose ids trained the model or chose its threshold.
        left_out: how many of those were left out.
        unknown: patches of unknown patients.
        patient_safe: whether the model was trained with a split by patient.
        claimed_new: the user says that equal ids are other people.
    """
    limit = "no patient audited is known to the model, and all have a name"
    why = "a model scores too high on patients it has seen"
    if not patient_safe:
        found = "the model was not trained with a split by patient: it cannot tell which patients it has seen"
        return Check(WARN, "patients", found, limit, why)
    if unknown:
        found = f"{unknown:,} patches are of unknown patients, who may have trained the model"
        return Check(WARN, "patients", found, limit, why)
    if claimed_new and shared:
        found = f"{shared} ids are those of patients that trained the model; audited as others, as was asked"
        return Check(WARN, "patients", found, limit, why)
    found = "no patient of this folder trained the model"
    if shared:
        found = f"{shared} patients of this folder are known to the model; {left_out} are left out here"
        if left_out < shared:
            found += f", {shared - left_out} chose its threshold and are audited, as was asked"
            return Check(WARN, "patients", found, limit, why)
    return Check(PASS, "patients", found, limit, why)


def judge_copies(leakage: Leakage, n_seen: int) -> Check:
    """Judge whether patches audited are copies of patches the model has seen.

    Args:
        leakage: between the patches seen and those audited.
        n_seen: patches in this folder that the model has seen.
    """
    limit, why = "no equal or nearly equal patch", "a patch seen in training is remembered, not recognised"
    if not n_seen:
        return Check(SKIP, "copies", "no patch of the training patients is in this folder", limit, why)
    found = (
        f"{len(leakage.exact)} equal and {len(leakage.near)} nearly equal pairs between {n_seen:,} patches seen "
        f"and those audited ({leakage.n_checked:,} have enough contrast to compare)"
    )
    clean = leakage.exact.empty and leakage.near.empty
    return Check(PASS if clean else WARN, "copies", found, limit, why)


def judge_answers(unsure: Mapping[str, Any], n: int, foreign: int, n_patients: int) -> Check:
    """Judge how much the model cannot answer.

    Args:
        unsure: of `evaluate()`.
        n: patches.
        foreign: patients or folders whose stain is foreign to the model.
        n_patients: patients.
    """
    limit = f"at most {UNSURE:.0%} of the patches, and of no patient the stain"
    why = "what cannot be judged is unsure, and foreign colours make every other number a guess"
    found = f"{unsure['n']:,} of {n:,} patches cannot be judged"
    if foreign:
        found += f"; {foreign} patients, of {n_patients}, are stained or scanned unlike the training patches"
    fine = unsure["n"] <= UNSURE * n and not foreign
    return Check(PASS if fine else WARN, "answers", found, limit, why)


def judge_shuffle(shuffle: Mapping[str, Any]) -> Check:
    """Judge the scoring by `label_shuffle`."""
    limit = f"shuffled mean within {SHUFFLE_OFF:g} of 0.5, model {SHUFFLE_DISTANCE:g} standard deviations above"
    why = "else labels and scores do not belong together, or the model knows nothing"
    if shuffle["distance"] is None:
        return Check(SKIP, "label shuffle", "needs patches of both classes and differing scores", limit, why)
    found = (
        f"{shuffle['samples']:,} shuffles: AUC {shuffle['low']:.3f} to {shuffle['high']:.3f}, "
        f"mean {shuffle['mean']:.3f}; "
        f"model {shuffle['auc']:.3f}, {shuffle['distance']:.0f} standard deviations above"
    )
    fine = abs(shuffle["mean"] - 0.5) <= SHUFFLE_OFF and shuffle["distance"] >= SHUFFLE_DISTANCE
    return Check(PASS if fine else WARN, "label shuffle", found, limit, why)


def judge_floor(difference: Entry) -> Check:
    """Judge the paired difference in AUC, model minus colour floor."""
    limit, why = "the whole interval above 0", "colour alone does as well as a model that does not clear it"
    if difference["value"] is None or difference["low"] is None:
        return Check(SKIP, "colour floor", "needs patches of both classes, of two patients", limit, why)
    found = f"AUC {difference['b']:.3f} against the floor's {difference['a']:.3f}: {signed(difference)}"
    return Check(PASS if difference["low"] > 0 else WARN, "colour floor", found, limit, why)


def judge_threshold(recall: Entry, target: float, *, chosen_here: bool) -> Check:
    """Judge the recall at the frozen threshold against the recall that it was chosen for."""
    limit, why = f"{target:.0%} inside or below the interval", "the threshold promises that recall"
    if recall["value"] is None or recall["high"] is None:
        return Check(SKIP, "threshold", "needs malignant patches of two patients", limit, why)
    found = f"recall {recall['value']:.3f} ({recall['low']:.3f} to {recall['high']:.3f})"
    if chosen_here:
        return Check(SKIP, "threshold", f"{found}, on the patients it was chosen on", limit, why)
    return Check(PASS if recall["high"] >= target else WARN, "threshold", found, limit, why)


def judge_calibration(ece: Entry) -> Check:
    """Judge the expected calibration error."""
    limit = f"at most {ECE:g}"
    why = f"a probability should be wrong by no more than {100 * ECE:g} points on average"
    if ece["value"] is None:
        return Check(SKIP, "calibration", "undefined here", limit, why)
    between = f" ({ece['low']:.3f} to {ece['high']:.3f})" if ece["low"] is not None else ""
    found = f"expected calibration error {ece['value']:.3f}{between}"
    return Check(PASS if ece["value"] <= ECE else WARN, "calibration", found, limit, why)


def judge_spread(patients: pd.DataFrame) -> Check:
    """Judge how many patients are badly served; `patients` is from `per_patient`."""
    least = MIN_MALIGNANT
    limit = f"at most {LOW_SHARE:.0%} of patients with a recall below {LOW_RECALL:.0%}"
    why = f"an average hides the patient that is missed; with under {least} malignant patches one decides"
    judged = patients[patients["n_malignant"] >= least]
    if judged.empty:
        return Check(SKIP, "patient spread", f"no patient has {least} malignant patches", limit, why)
    low = judged[judged["recall"] < LOW_RECALL]
    lowest = judged.sort_values(["recall", "patient"]).iloc[0]
    found = (
        f"{len(low)} of {len(judged)} patients; lowest {lowest['recall']:.0%} (patient {lowest['patient']}), "
        f"median {judged['recall'].median():.0%}"
    )
    fine = len(low) <= LOW_SHARE * len(judged)
    return Check(PASS if fine else WARN, "patient spread", found, limit, why)


def judge_corruption(name: str, corruption: Mapping[str, Any]) -> Check:
    """Judge one corruption, an entry of `robustness`, at `defaults.AUDIT_SEVERITY`."""
    severity = defaults.AUDIT_SEVERITY
    limit = "drop of at most " + ", ".join(f"{WORDS[key]} {most:g}" for key, most in LIMITS.items())
    why = f"at severity {severity} of 5; {corruption['says']}"
    level = next((each for each in corruption["levels"] if each["severity"] == severity), None)
    changes = {key: level[key] for key in LIMITS if level and level[key]["change"] is not None}
    if not changes:
        return Check(SKIP, name, f"not measured at severity {severity}", limit, why)
    over = [WORDS[key] for key, entry in changes.items() if -entry["change"] > LIMITS[key]]
    found = "; ".join(f"{WORDS[key]} {signed(entry)}" for key, entry in changes.items())
    if over:
        found += f". Too much: {', '.join(over)}"
    return Check(WARN if over else PASS, name, found, limit, why)


def signed(entry: Entry) -> str:
    """Return a change and its interval as text, "-0.031 (-0.052 to -0.011)"."""
    value = entry.get("change", entry.get("value"))
    if value is None:
        return "n/a"
    if entry["low"] is None or entry["high"] is None:
        return _sign(value)
    return f"{_sign(value)} ({_sign(entry['low'])} to {_sign(entry['high'])})"


def _sign(value: float) -> str:
    return f"{round(value, 3) + 0.0:+.3f}"  # the 0 keeps a rounded trifle from being written -0.000
