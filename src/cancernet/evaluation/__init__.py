"""Honest evaluation: metrics, intervals over patients, thresholds, calibration and the colour floor."""

from cancernet.evaluation.bootstrap import Interval, patient_bootstrap
from cancernet.evaluation.calibration import apply_platt, fit_platt, reliability
from cancernet.evaluation.compare import paired_difference
from cancernet.evaluation.evaluate import evaluate, join_labels
from cancernet.evaluation.floor import fit_floor
from cancernet.evaluation.operating_points import OPERATING_POINTS, choose_thresholds
from cancernet.evaluation.per_patient import per_patient
from cancernet.evaluation.selective import fit_selective, risk_coverage

__all__ = [
    "OPERATING_POINTS",
    "Interval",
    "apply_platt",
    "choose_thresholds",
    "evaluate",
    "fit_floor",
    "fit_platt",
    "fit_selective",
    "join_labels",
    "paired_difference",
    "patient_bootstrap",
    "per_patient",
    "reliability",
    "risk_coverage",
]
