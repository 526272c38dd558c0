"""The table of a slide's patches: patches.csv for any program, and on request Parquet and AnnData.

Its columns are those of WSInfer, and what the decision rests on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cancernet.common.defaults import PATCH_SIZE
from cancernet.common.errors import UserError
from cancernet.common.files import CsvWriter
from cancernet.common.output import Output
from cancernet.context.smooth import Contextual
from cancernet.model.decide import words
from cancernet.slide.extra import need
from cancernet.slide.geometry import number, on_slide
from cancernet.slide.section import Section

PATCHES = "patches.csv"
FORMATS = {"parquet": ("patches.parquet", "pyarrow"), "h5ad": ("patches.h5ad", "anndata")}  # file, and what writes it
# the first six as WSInfer 0.6 writes them (its readers take any column that begins with prob_)
COLUMNS = (
    *("minx", "miny", "width", "height", "prob_benign", "prob_malignant"),
    *("context_prob_malignant", "threshold", "decision", "reason"),
)
DECIMALS = 3  # of a full-resolution px


def check_formats(formats: Sequence[str]) -> None:
    """Refuse formats that there are not, or whose library is not installed.

    Raises:
        UserError: says which, and what to do.
    """
    for name in formats:
        if name not in FORMATS:
            raise UserError(f"--table {name}: give one of {', '.join(FORMATS)}")
        library = FORMATS[name][1]
        need(library, extra="anndata" if library == "anndata" else "tables")


def patch_table(
    section: Section,
    x: NDArray[Any],
    y: NDArray[Any],
    probability: NDArray[Any],
    context: Contextual,
    reasons: NDArray[Any],
) -> pd.DataFrame:
    """Return a row a patch, with COLUMNS; places in full-resolution px of the slide's plane.

    Args:
        section: of the slide.
        x: int (N,), left px of the patches in the section.
        y: int (N,), top px.
        probability: (N,), of malignant, of the patch alone.
        context: with its surroundings, which the decision rests on; the same where there are too few patches.
        reasons: str (N,), why a patch is unsure.
    """
    left, top = on_slide(section, x, y, of_slide=True)
    right, bottom = on_slide(section, x + PATCH_SIZE, y + PATCH_SIZE, of_slide=True)
    alone = np.asarray(probability, np.float64)
    columns = (
        *(np.round(side, DECIMALS) for side in (left, top, right - left, bottom - top)),
        *(1 - alone, alone, context.probability, np.full(len(x), context.threshold)),
        *(words(context.decision), reasons),
    )
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))


def write_patches(out: Output, table: pd.DataFrame) -> None:
    """Write patches.csv from `patch_table`."""
    with out.writing(PATCHES) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = CsvWriter(file)
        writer.writerow(COLUMNS)
        for *box, benign, malignant, among, threshold, decision, reason in table.itertuples(index=False):
            shares = (f"{value:.6g}" for value in (benign, malignant, among, threshold))
            writer.writerow([*(number(value) for value in box), *shares, decision, reason])


def write_parquet(out: Output, table: pd.DataFrame) -> None:
    """Write patches.parquet: the rows of patches.csv, numbers in full."""
    with out.writing(FORMATS["parquet"][0]) as temporary:
        table.astype({"decision": "str", "reason": "str"}).to_parquet(temporary, engine="pyarrow", index=False)


def write_anndata(out: Output, table: pd.DataFrame, embedding: NDArray[np.float32], about: dict[str, Any]) -> None:
    """Write patches.h5ad, as squidpy and scanpy read it.

    Args:
        out: folder of the slide's results.
        table: from `patch_table`; it is `obs`.
        embedding: float32 (N, D), what the network makes of each patch, on disk or in memory; it is `X`.
        about: texts and numbers, for `uns["cancernet"]`.
    """
    anndata = need("anndata", extra="anndata")
    middle = table[["minx", "miny"]].to_numpy() + table[["width", "height"]].to_numpy() / 2
    rows = table.astype({"decision": "category", "reason": "category"})
    rows.index = rows.index.map(str)
    made = anndata.AnnData(X=embedding, obs=rows, obsm={"spatial": middle}, uns={"cancernet": about})
    with out.writing(FORMATS["h5ad"][0]) as temporary:
        made.write_h5ad(temporary)
