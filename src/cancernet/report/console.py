"""The table that a run prints at its end."""

from __future__ import annotations

from cancernet.evaluation.results import FLOOR, RunResults, Shown, shown
from cancernet.report.tables import joined


def table(results: RunResults) -> str:
    """Return one line a model: AUC, and recall and specificity at the target-recall threshold.

    Each value is followed by its 95 % interval over patients. Models under the colour floor are marked.
    """
    entries = shown(results)
    first = entries[0]
    lines = [
        f"{first.split} patches {first.numbers['n_patches']:,}, patients {first.numbers['n_patients']}, "
        f"{first.numbers['prevalence']:.1%} malignant; threshold chosen on validation patients for the target recall",
        "",
        f"{'model':<16} {'AUC':<22} {'recall':<22} {'specificity':<22} {'F1 malignant':<22} {'minutes':>7}",
    ]
    lines += [_line(entry, results) for entry in entries]
    if results.below_floor:
        lines += ["", f"* not above the colour floor: {', '.join(results.below_floor)}"]
    if results.synthetic:
        lines += ["", "SYNTHETIC patches: not evidence of anything."]
    if results.shortened:
        lines += ["", f"QUICK run ({results.shortened}): a first look, not a result."]
    if not results.patient_safe:
        lines += ["", "NOT SPLIT BY PATIENT: every score above is too high."]
    lines += ["", *[f"NOTE: {note}" for note in results.notes]] if results.notes else []
    return "\n".join(lines)


def _line(entry: Shown, results: RunResults) -> str:
    marked = entry.model + (" *" if entry.model in results.below_floor else "")
    point = entry.headline
    values = [entry.numbers["auc"], point["recall"], point["specificity"], point["f1"]]
    minutes = "" if entry.model == FLOOR else f"{results.minutes.get(entry.model, float('nan')):7.1f}"
    return f"{marked:<16} " + " ".join(f"{joined(value).replace('–', '-'):<22}" for value in values) + f" {minutes:>7}"
