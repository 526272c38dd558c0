"""Honest evaluation: metrics, intervals over patients, thresholds, calibration and the colour floor."""

from cancernet.evaluation.bootstrap import Interval, patient_bootstrap
from cancernet.evaluation.calibration import apply_platt, fit_platt
from cancernet.evaluation.compare import paired_difference
from cancernet.evaluation.evaluate import evaluate
from cancernet.evaluation.operating_points import choose_thresholds

__all__ = [
    "Interval",
    "apply_platt",
    "choose_thresholds",
    "evaluate",
    "fit_platt",
    "paired_difference",
    "patient_bootstrap",
]
