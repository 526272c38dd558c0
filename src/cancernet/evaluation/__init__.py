"""Honest evaluation: metrics, intervals over patients, thresholds, calibration and the colour floor."""

from cancernet.evaluation.bootstrap import Interval, patient_bootstrap
from cancernet.evaluation.calibration import reliability
from cancernet.evaluation.evaluate import evaluate, join_labels
from cancernet.evaluation.floor import Floor, colour_features, fit_floor
from cancernet.evaluation.operating_points import OPERATING_POINTS, choose_thresholds
from cancernet.evaluation.per_patient import per_patient

__all__ = [
    "OPERATING_POINTS",
    "Floor",
    "Interval",
    "choose_thresholds",
    "colour_features",
    "evaluate",
    "fit_floor",
    "join_labels",
    "patient_bootstrap",
    "per_patient",
    "reliability",
]
