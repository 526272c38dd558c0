"""What calls are worth, in words and rows: net benefit, predictive values, another prevalence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cancernet.common.defaults import CLASS_NAMES
from cancernet.report.tables import interval


def benefit(curve: Mapping[str, Any] | None) -> str:
    """Say at which thresholds acting on the calls is better than calling all or none; "" without a curve."""
    if not curve:
        return ""
    if not curve["better"]:
        return (
            "At no threshold is acting on its calls shown to be better than calling all patches malignant, or none, "
            "by more than chance."
        )
    spans = " and ".join(f"{low:.0%} to {high:.0%}" if high > low else f"{low:.0%}" for low, high in curve["better"])
    return (
        f"At thresholds of {spans} acting on its calls is better than calling all patches malignant and than calling "
        "none, by more than chance; at the others that is not shown."
    )


def predictive(rows: Sequence[Mapping[str, Any]], here: float) -> list[dict[str, Any]]:
    """Return a row a prevalence: its name, cells of PPV and NPV, and whether it is that of the patches at hand."""
    return [
        {
            "prevalence": f"{100 * row['prevalence']:.3g} %",
            "cells": [interval(row["ppv"]), interval(row["npv"])],
            "here": row["prevalence"] == here,
        }
        for row in rows
    ]


def quantiles(found: Mapping[str, Any] | None) -> list[tuple[str, ...]]:
    """Return a row a class: name, number of patches, and quantiles of its probabilities."""
    if not found:
        return []
    return [
        (
            name,
            f"{found[name]['n']:,}",
            *("n/a" if value is None else f"{value:.3f}" for value in found[name]["quantiles"].values()),
        )
        for name in CLASS_NAMES
    ]


def restated(found: Mapping[str, Any] | None, point: str, threshold: float) -> dict[str, Any] | None:
    """Return what a report says of another prevalence; nothing where none was asked for.

    Args:
        found: the part `restated` of `evaluate()`.
        point: the operating point that is read first.
        threshold: its threshold, as it is.
    """
    if not found:
        return None
    return {
        "prevalence": f"{100 * found['prevalence']:.3g} %",
        "stated_for": f"{100 * found['stated_for']:.3g} %",
        "threshold": f"{threshold:.3g}",
        "moved": f"{found['thresholds'][point]:.3g}",
        "cells": [interval(found["ppv"]), interval(found["npv"])],
        "benefit": benefit(found["decision_curve"]),
    }
