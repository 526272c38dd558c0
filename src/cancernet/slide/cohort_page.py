"""cohort.html: all slides of a cohort on one page, to sort and to filter, in one file.

The rows stand in the page as data, and its script puts only those into the document that are seen, so ten thousand are
as quick as ten. The distributions are drawn here, as SVG, and need no script.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cancernet.common.output import Output
from cancernet.report.page import fill
from cancernet.slide.cohort_row import BETWEEN, MAPPED, STATUSES, Row
from cancernet.slide.standing_out import (
    BINS,
    FEWEST,
    LIMIT,
    MEASURES,
    Histogram,
    Measure,
    Odd,
    histogram,
    several_models,
    standing_out,
)

WIDE, HIGH, FOOT = 320, 96, 18  # of a histogram, units of its SVG; FOOT is below the axis
FIELDS = (  # what the script is told of a slide, in this order
    *("slide", "patient", "folder", "status", "reason", "tissue_mm2", "analysed_mm2", "malignant_mm2"),
    *("malignant_share", "patches", "patches_malignant", "patches_benign", "patches_unsure", "unsure_share"),
    *("stain_distance", "stain_limit", "mean_log_odds", "mpp", "mpp_from", "seconds", "model", "graph_sha256", "path"),
)
DRAWN = ("malignant_share", "mean_log_odds", "stain_distance")  # of MEASURES
LISTED = 50  # slides that stand out, above the table; all of them are marked in it


def write_page(output: Output, name: str, rows: Sequence[Row], *, table: str) -> None:
    """Write the page.

    Args:
        output: the folder of the cohort; links lead from it to the folders of the slides.
        name: of the page.
        rows: in the order in which they are shown at first.
        table: name of the table beside it.
    """
    odd = standing_out(rows)
    why: dict[int, list[str]] = {}
    for each in odd:
        why.setdefault(each.row, []).append(reason_of(each))
    listed = list(why.items())[:LISTED]
    context = {
        "data": page_data(rows, why),
        "counts": {status: sum(row.status == status for row in rows) for status in STATUSES},
        "total": len(rows),
        "synthetic": any(row.synthetic for row in rows),
        "several_models": several_models(rows),
        "histograms": [drawn(made) for each in MEASURES if each.name in DRAWN and (made := histogram(rows, each))],
        "odd": [{"slide": rows[i].slide, "row": i, "reasons": reasons} for i, reasons in listed],
        "more_odd": len(why) - len(listed),
        "enough": sum(row.status == MAPPED for row in rows) >= FEWEST,
        "fewest": FEWEST,
        "limit": LIMIT,
        "size": (WIDE, HIGH, FOOT),
        "table": table,
    }
    output.write_text(name, fill("cohort.html", context))


def page_data(rows: Sequence[Row], why: dict[int, list[str]]) -> dict[str, Any]:
    """Return what the script is told: names of columns and their values, warnings by number, why a slide stands out.

    Many slides have the same warnings, so each stands there once.
    """
    warnings: dict[str, int] = {}
    told = [[warnings.setdefault(each, len(warnings)) for each in row.warnings.split(BETWEEN) if each] for row in rows]
    return {
        "fields": FIELDS,
        "rows": [[getattr(row, field) for field in FIELDS] for row in rows],
        "told": told,
        "warnings": list(warnings),
        "odd": {str(row): "; ".join(reasons) for row, reasons in why.items()},
    }


def reason_of(odd: Odd) -> str:
    """Say why a slide stands out."""
    side = "above" if odd.z > 0 else "below"
    value, median = (shown(number, odd.measure) for number in (odd.value, odd.median))
    return f"{odd.measure.title}: {value}, the median is {median} ({abs(odd.z):.1f} robust deviations {side})"


def shown(value: float, measure: Measure) -> str:
    """Return a value as it is read."""
    times = 100 if measure.unit == "%" else 1
    return f"{value * times:.{measure.digits}f}{' ' if measure.unit else ''}{measure.unit}"


def drawn(made: Histogram) -> dict[str, Any]:
    """Return a histogram as the template draws it: bars as left, top, width, height, and what each says."""
    most = max(made.counts)
    width = (made.high - made.low) / BINS
    bars = []
    for i, count in enumerate(made.counts):
        if not count:
            continue
        high = max(1.5, HIGH * count / most)
        ends = (shown(made.low + side * width, made.measure) for side in (i, i + 1))
        bars.append(
            {
                "x": round(i * WIDE / BINS, 2),
                "y": round(HIGH - high, 2),
                "width": round(WIDE / BINS - 1, 2),
                "height": round(high, 2),
                "says": f"{' to '.join(ends)}: {count:,}",
            }
        )
    share = (made.median - made.low) / (made.high - made.low)
    return {
        "title": made.measure.title,
        "bars": bars,
        "low": shown(made.low, made.measure),
        "high": shown(made.high, made.measure),
        "median": shown(made.median, made.measure),
        "median_x": round(share * WIDE, 2),
        "n": sum(made.counts),
        "most": most,
    }
