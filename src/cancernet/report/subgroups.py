"""Subgroups of patients in a report: tables, a figure, and rows for a CSV."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from cancernet.common import defaults
from cancernet.report.bars import draw_interval, widen
from cancernet.report.style import COLOURS, MUTED, figure, sign, tidy
from cancernet.report.tables import COLUMNS, interval

PANELS = (("auc", "AUC"), ("recall", "recall"), ("specificity", "specificity"))
STYLE = {"color": COLOURS[0], "marker": "o"}
TOO_FEW = "too few patients"
MOST_CHARACTERS = 30  # of a name in a figure; the tables have all of it


def by_group(found: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return a table a column: its groups with cells by `tables.COLUMNS`, and the largest gaps.

    Args:
        found: from `evaluation.subgroups.subgroups`, or nothing.
    """
    return [
        {
            "column": column,
            "least": each["least_patients"],
            "without": each["without"],
            "groups": [
                {
                    "name": group["group"],
                    "counts": [f"{group[key]:,}" for key in ("n_patients", "n_patches", "n_malignant")],
                    "too_few": group["too_few"],
                    "cells": [interval(group["metrics"].get(key)) for key, *_ in COLUMNS],
                }
                for group in each["groups"]
            ],
            "gaps": [
                {
                    "name": name,
                    "cell": interval(gap),
                    "between": f"{gap['highest']} over {gap['lowest']}",
                    "by_chance": f"{100 * gap['by_chance']:.2g} %",
                }
                for key, name, *_ in COLUMNS
                if (gap := each["gaps"].get(key))
            ],
        }
        for column, each in (found or {}).items()
    ]


def rows(found: Mapping[str, Any]) -> pd.DataFrame:
    """Return all numbers as a long table, a row a metric of a group, then of each metric the largest gap.

    Its columns: column, group, n_patients, n_patches, n_malignant, metric, value, low, high, by_chance, note.
    """
    listed: list[dict[str, Any]] = []
    for column, each in found.items():
        for group in each["groups"]:
            own = {"column": column} | {key: group[key] for key in ("group", "n_patients", "n_patches", "n_malignant")}
            listed += [own | {"metric": metric} | value for metric, value in group["metrics"].items()]
            if group["too_few"]:
                listed.append(own | {"note": f"{TOO_FEW}: fewer than {each['least_patients']}"})
        for metric, gap in each["gaps"].items():
            listed.append(
                {"column": column, "group": f"{gap['highest']} over {gap['lowest']}", "metric": metric}
                | {key: gap[key] for key in ("value", "low", "high", "by_chance")}
                | {"note": "largest gap"}
            )
    names = ("column", "group", "n_patients", "n_patches", "n_malignant", "metric", "value", "low", "high")
    table = pd.DataFrame(listed, columns=[*names, "by_chance", "note"])
    counts = [name for name in names if name.startswith("n_")]
    return table.astype(dict.fromkeys(counts, "Int64"))


def subgroup_figure(found: Mapping[str, Any], *, model: str, caption: str, warning: str = "") -> Figure:
    """Draw AUC, recall and specificity of each group with their intervals, the columns below each other.

    Args:
        found: from `evaluation.subgroups.subgroups`.
        model: whose numbers these are.
        caption: what was counted.
        warning: printed in red.
    """
    sizes = [len(each["groups"]) for each in found.values()]
    made = figure(9.2, 0.42 * sum(sizes) + 0.75 * len(found) + 0.9)
    grid = made.subplots(len(found), len(PANELS), squeeze=False, height_ratios=[size + 0.8 for size in sizes])
    for line, (column, each) in zip(grid, found.items(), strict=True):
        for axes, (key, name) in zip(line, PANELS, strict=True):
            tidy(axes).grid(axis="y", visible=False)
            for row, group in enumerate(each["groups"]):
                if group["too_few"]:
                    place = {"transform": axes.get_yaxis_transform(), "ha": "center", "va": "center"}
                    axes.text(0.5, row, TOO_FEW, fontsize=8, color=MUTED, **place)
                else:
                    draw_interval(axes, row, group["metrics"][key], STYLE)
            axes.margins(x=0.12)
            widen(axes)
            axes.set_ylim(len(each["groups"]) - 0.4, -0.6)
            axes.set_yticks(range(len(each["groups"])), [])
            if axes in grid[-1]:
                axes.set_xlabel(name)
        names = [f"{_short(group['group'])} (n = {group['n_patients']})" for group in each["groups"]]
        line[0].set_yticks(range(len(names)), names, parse_math=False)
        line[0].set_title(_short(column), loc="left", fontsize=9.5, parse_math=False)
    least = next(iter(found.values()))["least_patients"]
    says = f"{caption}; n: patients; bars: {defaults.CONFIDENCE:.0%} intervals; fewer than {least} patients: too few"
    return sign(made, f"By group of patients: {model}", says, warning)


def _short(name: str) -> str:
    return name if len(name) <= MOST_CHARACTERS else f"{name[: MOST_CHARACTERS - 1]}…"
