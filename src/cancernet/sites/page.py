"""site.html, site.json and patients.csv: what was found of a site, to read, to process and to sort."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from cancernet.common.files import write_rows
from cancernet.common.output import Output
from cancernet.evaluation.verdicts import WARN
from cancernet.model.judge import kind_of
from cancernet.report import tables
from cancernet.report.page import fill
from cancernet.sites import charts, drift
from cancernet.sites.checks import FAIL
from cancernet.sites.compare import Compared
from cancernet.sites.measures import MEASURES, Group
from cancernet.sites.result import Site

PAGE, DATA, TABLE = "site.html", "site.json", "patients.csv"
FILES = (PAGE, DATA, TABLE, drift.NAME)
COLUMNS = (
    *("name", "patches", "patches_with_tissue", "patches_unsure", "stain_distance", "stain_limit"),
    *("brightness", "sharpness", "stained_share", "mean_log_odds", "stands_out"),
)
LISTED = 50  # patients that stand out, on the page; the table has all
MEANING = {
    "PASS": "Nothing here is unlike what the model learned from, as far as these measures tell.",
    "WARN": "Look at what is marked before the model is relied on here.",
    "FAIL": "Do not use the model here as it is.",
}


def write(output: Output, found: Site, run: Mapping[str, Any]) -> Site:
    """Write the three files, and return what was found with the path of the page.

    Args:
        output: the folder.
        found: what is written.
        run: command, time, versions and the like.
    """
    why = {odd.name: "; ".join(odd.reasons) for odd in found.odd}
    write_rows(output.path(TABLE), [COLUMNS, *(row(group, why.get(group.name, "")) for group in found.groups)])
    output.write_json(DATA, {**to_dict(found), "run": dict(run)})
    return replace(found, page=output.write_text(PAGE, render(found, run)))


def row(group: Group, why: str) -> tuple[object, ...]:
    """Return the cells of COLUMNS of a patient or slide; empty where there is nothing to say."""
    numbers = (
        group.stain.distance,
        group.stain.limit,
        *(group.means[name] for name in ("brightness", "sharpness", "tissue")),
        float(group.odds.mean()) if len(group.odds) else np.nan,
    )
    shown = (f"{each:.6g}" if np.isfinite(each) else "" for each in numbers)
    return (group.name, group.n, group.n_tissue, sum(group.reasons.values()), *shown, why)


def to_dict(found: Site) -> dict[str, Any]:
    """Return a site as plain data."""
    before = found.against_reference
    return {
        "verdict": found.verdict,
        "provisional": found.provisional,
        "drift": found.drift or None,
        "model": found.model,
        "what": found.what,
        "n": len(found.groups),
        "n_patches": sum(group.n for group in found.groups),
        "synthetic": found.synthetic,
        "checks": [asdict(check) for check in found.against_model.checks],
        "drift_checks": [asdict(check) for check in before.checks] if before else None,
        "reasons": dict(_reasons(found)),
        "standing_out": [asdict(odd) for odd in found.odd],
        "measures": {each.name: each.title for each in MEASURES},
        "not_used": len(found.failed),
        "notes": list(found.notes),
    }


def render(found: Site, run: Mapping[str, Any]) -> str:
    """Return the page; every name in it is escaped."""
    listed = found.odd[:LISTED]
    context = {
        "synthetic": found.synthetic,
        "verdict": found.verdict,
        "provisional": found.provisional,
        "meaning": MEANING[found.verdict],
        "what": found.what,
        "n": len(found.groups),
        "n_patches": sum(group.n for group in found.groups),
        "model": found.model,
        "against": _section(found, found.against_model),
        "before": _section(found, found.against_reference) if found.against_reference else None,
        "drift": found.drift,
        "runs": charts.runs(found.history) if found.history else [],
        "odd": listed,
        "more_odd": len(found.odd) - len(listed),
        "reasons": [(reason, f"{count:,}") for reason, count in _reasons(found)],
        "failed": len(found.failed),
        "notes": found.notes,
        "table": TABLE,
        "wide": charts.WIDE,
        "high": charts.HIGH,
        "tall": charts.TALL,
        "run": tables.facts(run),
    }
    return fill("site.html", context)


def console(found: Site) -> str:
    """Return the checks as lines for the screen."""
    lines = _lines(found.against_model)
    if found.against_reference:
        lines += [f"against {found.against_reference.reference.of}:", *_lines(found.against_reference)]
    return "\n".join(lines)


def _lines(compared: Compared) -> list[str]:
    lines = []
    for check in compared.checks:
        limit = f" (limit: {check.limit})" if check.state in (WARN, FAIL) and check.limit else ""
        lines.append(f"{check.state:<5} {check.name:<11} {check.found}{limit}")
    return lines


def _section(found: Site, compared: Compared) -> dict[str, Any]:
    strips = [charts.strip(found.groups, name, compared.reference) for name in charts.STRIPS]
    return {
        "of": compared.reference.of,
        "n": compared.reference.n,
        "checks": compared.checks,
        "strips": [each for each in strips if each is not None],
        "scores": charts.cumulative(compared.scores) if compared.scores else None,
    }


def _reasons(found: Site) -> list[tuple[str, int]]:
    """Return why how many patches cannot be judged, the commonest first."""
    counts: Counter[str] = Counter()
    for group in found.groups:
        for reason, count in group.reasons.items():
            counts[kind_of(reason)] += count
    return counts.most_common()
