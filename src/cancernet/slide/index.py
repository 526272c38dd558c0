"""index.html: all slides of a folder of results on one page, those of earlier runs among them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from cancernet import __version__
from cancernet.common.files import write_text
from cancernet.report.html import fill
from cancernet.slide import geojson, pictures, table
from cancernet.slide import summary as summaries
from cancernet.slide.folders import owner_of

NAME = "index.html"


def write_index(out: Path, failed: list[tuple[str, str]]) -> None:
    """Write index.html over all finished slides below `out` and what failed (path, reason) in this run."""
    folders = sorted(folder for folder in out.iterdir() if owner_of(folder) is not None)
    found = [(folder, summaries.read_summary(folder)) for folder in folders]
    slides = [_slide(folder.name, summary) for folder, summary in found if summary is not None]
    context = {
        "slides": slides,
        "failed": [{"path": path, "reason": reason} for path, reason in failed],
        "synthetic": any(slide["synthetic"] for slide in slides),
        "version": __version__,
    }
    write_text(out / NAME, fill("slides.html", context))


def _model(summary: dict[str, Any]) -> str:
    near = summary["model"]["threshold_in_context"]
    text = f"{summary['model']['name']}, malignant from {summary['threshold']:.3f} on"
    return text if near is None else f"{text}, with neighbours from {near:.3f} on"


def _slide(folder: str, summary: dict[str, Any]) -> dict[str, Any]:
    share = summary["malignant_share"]
    names = (pictures.THUMBNAIL, pictures.OVERLAY, table.NAME, geojson.TILES, geojson.REGIONS, summaries.NAME)
    return {
        "name": summary["slide"],
        "folder": folder,
        "links": {Path(name).stem: quote(f"{folder}/{name}") for name in names},
        "facts": [
            ("tissue", f"{summary['tissue_mm2']:.2f} mm²"),
            ("analysed", f"{summary['analysed_mm2']:.2f} mm²"),
            ("called malignant", f"{summary['malignant_mm2']:.2f} mm²"),
            ("of the analysed", "-" if share is None else f"{share:.1%}"),
            (
                "malignant regions",
                f"{summary['malignant_regions']:,}, the largest {summary['largest_region_mm2']:.2f} mm² with its glass",
            ),
            ("patches", f"{summary['patches']:,}, every {summary['stride_px']} px"),
            ("scale", f"{summary['mpp']['x']:.4g} µm/px ({summary['mpp']['from']})"),
            ("model", _model(summary)),
        ],
        "alarms": summary["alarms"],
        "warnings": [warning for warning in summary["warnings"] if warning not in summary["alarms"]],
        "synthetic": summary["synthetic"],
    }
