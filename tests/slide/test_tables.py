"""patches.csv in WSInfer's columns, and the same rows in Parquet and AnnData."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cancernet.common.errors import UserError
from cancernet.common.output import Output
from cancernet.context.smooth import Contextual
from cancernet.slide.section import Section
from cancernet.slide.tables import (
    COLUMNS,
    PATCHES,
    check_formats,
    patch_table,
    write_anndata,
    write_parquet,
    write_patches,
)

CONTEXT = Contextual(np.array([0.5, 0.7, 0.9]), 0.6, np.array([True, False, True]), np.array([0, 1, -1], np.int8))


def table_of(origin: tuple[int, int] = (0, 0), factor: float = 16.0) -> pd.DataFrame:
    section = Section(Path("none"), 120, 100, factor, factor, origin, 0)
    x, y = np.array([0, 50, 100]), np.array([0, 0, 50])
    reasons = np.array(["", "", "no tissue: why, where"])
    return patch_table(section, x, y, np.array([0.25, 1e-7, 0.999999]), CONTEXT, reasons)


def rows_of(out: Output, *, origin: tuple[int, int] = (0, 0), factor: float = 16.0) -> pd.DataFrame:
    write_patches(out, table_of(origin, factor))
    return pd.read_csv(out.folder / PATCHES, keep_default_na=False)


def test_columns_are_those_of_wsinfer_and_more(output: Output) -> None:
    assert tuple(rows_of(output).columns) == COLUMNS
    assert COLUMNS[:6] == ("minx", "miny", "width", "height", "prob_benign", "prob_malignant")


def test_coordinates_are_full_resolution_px_and_end_at_the_edge(output: Output) -> None:
    rows = rows_of(output)
    assert rows["minx"].tolist() == [0, 800, 1600]
    assert rows["miny"].tolist() == [0, 0, 800]
    assert rows["width"].tolist() == [800, 800, 320]  # 20 px of the section are left
    assert rows["height"].tolist() == [800, 800, 800]


def test_a_fractional_factor_is_kept(output: Output) -> None:
    rows = rows_of(output, factor=15.8731)
    assert rows["minx"][1] == pytest.approx(50 * 15.8731, abs=1e-3)


def test_a_scanned_area_is_placed_on_the_slide(output: Output) -> None:
    assert rows_of(output, origin=(3000, 70))[["minx", "miny"]].iloc[0].tolist() == [3000, 70]


def test_small_probabilities_survive_and_classes_add_up(output: Output) -> None:
    rows = rows_of(output)
    assert rows["prob_malignant"][1] == pytest.approx(1e-7)
    assert np.allclose(rows["prob_benign"] + rows["prob_malignant"], 1, atol=1e-6)
    assert rows["context_prob_malignant"].tolist() == [0.5, 0.7, 0.9]


def test_the_call_can_be_made_again_from_the_row_unless_a_reason_says_it_is_none(output: Output) -> None:
    rows = rows_of(output)
    assert rows["decision"].tolist() == ["benign", "malignant", "unsure"]
    assert rows["reason"].tolist() == ["", "", "no tissue: why, where"]
    again = rows["context_prob_malignant"] >= rows["threshold"]
    assert again[:2].tolist() == (rows["decision"] == "malignant")[:2].tolist()


def test_no_third_class_is_seen_by_readers_of_prob_columns(output: Output) -> None:
    names = [name for name in rows_of(output).columns if name.startswith("prob_")]
    assert names == ["prob_benign", "prob_malignant"]


def test_parquet_has_the_rows_of_the_csv(output: Output) -> None:
    pytest.importorskip("pyarrow")
    write_parquet(output, table_of(origin=(3000, 70), factor=15.8731))
    found = pd.read_parquet(output.folder / "patches.parquet")
    said = rows_of(output, origin=(3000, 70), factor=15.8731)
    assert tuple(found.columns) == COLUMNS
    assert {str(found[name].dtype) for name in COLUMNS[:8]} == {"float64"}
    pd.testing.assert_frame_equal(found[list(COLUMNS[:8])], said[list(COLUMNS[:8])], check_dtype=False, atol=1e-6)
    assert found[["decision", "reason"]].to_numpy().tolist() == said[["decision", "reason"]].to_numpy().tolist()


def test_anndata_has_embeddings_places_and_what_they_are_of(output: Output) -> None:
    anndata = pytest.importorskip("anndata")
    embedding = np.arange(12, dtype=np.float32).reshape(3, 4)
    write_anndata(output, table_of(), embedding, {"model": "m", "threshold": 0.6})
    found = anndata.read_h5ad(output.folder / "patches.h5ad")
    np.testing.assert_array_equal(found.X, embedding)
    assert found.obsm["spatial"].tolist() == [[400, 400], [1200, 400], [1760, 1200]]
    assert found.obs["decision"].tolist() == ["benign", "malignant", "unsure"]
    assert dict(found.uns["cancernet"]) == {"model": "m", "threshold": 0.6}


def test_a_format_that_there_is_not_or_that_lacks_its_library_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="--table xlsx: give one of parquet, h5ad"):
        check_formats(["xlsx"])
    monkeypatch.setitem(sys.modules, "anndata", None)
    with pytest.raises(UserError, match=r"AnnData needs anndata.*pip install 'cancernet\[anndata\]'"):
        check_formats(["h5ad"])
