"""The page of all explanations: one HTML file that holds its own pictures."""

from __future__ import annotations

from collections.abc import Sequence

from cancernet.common.defaults import CLASS_NAMES
from cancernet.explanation.draw import Explanation
from cancernet.model.model import Model
from cancernet.report.html import embed, fill
from cancernet.report.style import Picture


def render(
    model: Model,
    shown: Sequence[Explanation],
    drawn: Sequence[Picture],
    *,
    explained: int,
    errors: Sequence[tuple[str, str]],
) -> str:
    """Return the page as HTML; every name and path in it is escaped.

    Args:
        model: the model.
        shown: the patches that were drawn.
        drawn: their pictures, in the same order.
        explained: how many patches the table beside the page has.
        errors: path and reason of the files that could not be used.
    """
    return fill(
        "explain.html",
        {
            "model": model.name,
            "threshold": f"{model.threshold:.3f}",
            "synthetic": model.synthetic,
            "explained": explained,
            "patches": [_patch(*each) for each in zip(shown, drawn, strict=True)],
            "errors": errors,
        },
    )


def _patch(shown: Explanation, drawn: Picture) -> dict[str, object]:
    said = f"{shown.call}, probability of malignant {shown.probability:.3f}"
    alt = f"{said}: the patch, its evidence, training patches like it"
    near = [
        (each.path, each.patient, CLASS_NAMES[each.label], f"{each.similarity:.3f}")
        for each in shown.neighbours
    ]
    return {"name": shown.name, "figure": embed(shown.name, drawn, alt=alt), "near": near}
