"""Figures and the report of a finished run."""

from cancernet.report.figures import draw, run_figures, save_pictures
from cancernet.report.html import write_report
from cancernet.report.results import FLOOR, RunResults

__all__ = ["FLOOR", "RunResults", "draw", "run_figures", "save_pictures", "write_report"]
