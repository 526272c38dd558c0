"""The headline model's most confident errors, with pictures and evidence, for the report."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cancernet.data.pack import Pack
from cancernet.evaluation.confident import confident_errors
from cancernet.evaluation.results import Mistakes, RunResults, chosen, reported_rows
from cancernet.model.model import Model

SHOWN_ERRORS = 6  # most confident errors of each kind in a report
SHOWN_ERRORS_PER_PATIENT = 2  # of them, of one patient: one odd section would fill the row


def find_mistakes(results: RunResults, models: Sequence[Model], pack: Pack) -> Mistakes | None:
    """Return the most confident errors of the headline's model on the reported patches; nothing where there is none.

    Args:
        results: of these models.
        models: the models.
        pack: the patches they were scored on.
    """
    entry, _ = chosen(results)
    rows = reported_rows(results, entry)
    if rows is None:
        return None
    threshold = entry.headline["threshold"]
    table = confident_errors(rows, threshold, n=SHOWN_ERRORS, per_patient=SHOWN_ERRORS_PER_PATIENT)
    if table.empty:
        return None
    at = dict(zip(pack.table["path"], range(len(pack.table)), strict=True))
    images = np.array(pack.images[[at[path] for path in table["path"]]])
    model = next(each for each in models if each.name == entry.model)
    evidence = model.explain(images).evidence if model.can_explain else None
    return Mistakes(entry.model, threshold, table, images, evidence)
