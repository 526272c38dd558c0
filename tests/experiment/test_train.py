"""Training from a folder: TensorFlow is asked for in one line, and started only when all else is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from cancernet.common.errors import UserError
from cancernet.experiment import train


def test_training_without_tensorflow_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cancernet.experiment.train.find_spec", lambda name: None if name == "tensorflow" else object())
    with pytest.raises(UserError, match=r"needs tensorflow, which is not installed; pip install 'cancernet\[train\]'"):
        train.start_training(1, print)


def test_kernels_are_chosen_before_tensorflow_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    monkeypatch.setattr("cancernet.experiment.train.find_spec", lambda name: object())
    monkeypatch.setattr("cancernet.training.kernels.choose_kernels", lambda *_, **__: order.append("kernels"))
    monkeypatch.setattr("cancernet.training.quiet.import_quietly", lambda _: order.append("tensorflow"))
    train.start_training(1, print)
    assert order == ["kernels", "tensorflow"]


def test_a_folder_that_tensorflow_cannot_write_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="its name is not valid UTF-8"):
        train.train(tmp_path, models=tmp_path / "caf\udce9")
