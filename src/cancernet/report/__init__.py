"""Figures and the report of a finished run."""

from cancernet.report.figures import run_figures, save_figures
from cancernet.report.html import write_report
from cancernet.report.results import FLOOR, RunResults

__all__ = ["FLOOR", "RunResults", "run_figures", "save_figures", "write_report"]
