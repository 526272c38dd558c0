"""Figures and the report of a finished run."""

from cancernet.evaluation.results import FLOOR, RunResults
from cancernet.report.figures import draw, run_figures, save_pictures
from cancernet.report.html import write_report

__all__ = ["FLOOR", "RunResults", "draw", "run_figures", "save_pictures", "write_report"]
