"""The log of a run: each epoch once, however often the run was stopped."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from cancernet.training.log import TrainingLog

pytestmark = pytest.mark.train


def row(epoch: int) -> dict[str, float]:
    return {"epoch": epoch, "loss": 1 / epoch, "val_auc": 0.5 + epoch / 100}


def test_each_epoch_is_a_row_as_soon_as_it_ends(tmp_path: Path) -> None:
    log = TrainingLog(tmp_path, [])
    for epoch in (1, 2):
        log.add(row(epoch))
        assert pd.read_csv(tmp_path / "history.csv")["epoch"].tolist() == list(range(1, epoch + 1))
    log.close()
    assert pd.read_csv(tmp_path / "history.csv").to_dict("records") == [row(1), row(2)]


def test_a_resumed_run_keeps_its_rows_and_doubles_none(tmp_path: Path) -> None:
    (tmp_path / "history.csv").write_text("of,another\nrun,1\n")
    log = TrainingLog(tmp_path, [row(1), row(2)])
    log.add(row(3))
    log.close()
    assert pd.read_csv(tmp_path / "history.csv")["epoch"].tolist() == [1, 2, 3]


def test_a_run_stopped_after_its_last_checkpoint_has_its_last_row_all_the_same(tmp_path: Path) -> None:
    TrainingLog(tmp_path, [row(1), row(2)]).close()
    assert pd.read_csv(tmp_path / "history.csv")["epoch"].tolist() == [1, 2]


def test_a_new_run_writes_nothing_before_its_first_epoch_ends(tmp_path: Path) -> None:
    TrainingLog(tmp_path, []).close()
    assert not (tmp_path / "history.csv").exists()


def test_tensorboard_can_read_it(tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    log = TrainingLog(tmp_path, [])
    log.add(row(1))
    log.add(row(2))
    log.close()
    events = accumulator.EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert set(events.Tags()["tensors"]) == {"loss", "val_auc"}
    assert [event.step for event in events.Tensors("loss")] == [1, 2]
