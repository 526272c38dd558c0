"""Measuring a model with the help of other processes: their files are kept while they are needed, and not after."""

from __future__ import annotations

from pathlib import Path

import pytest

from cancernet.common.errors import UserError
from cancernet.common.executor import InProcess
from cancernet.evaluation.score_parts import WORK
from cancernet.experiment import evaluate as module
from cancernet.experiment.evaluate import evaluate
from cancernet.model.model import Model, load_model

pytestmark = pytest.mark.usefixtures("no_figures")


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model(threads=1)


def quiet(_: str) -> None:
    pass


def test_a_run_that_ends_before_its_report_leaves_the_parts_to_the_next(
    model: Model, sample: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as while_it_lasts:
        while_it_lasts.setattr(module, "write_results", killed)
        with pytest.raises(KeyboardInterrupt):
            evaluate(sample, model, out=out, cache=cache, executor=InProcess(), say=quiet)
    assert len(list((out / WORK).glob("*.npz"))) == 1
    monkeypatch.setattr(Model, "predict", lambda *_: pytest.fail("was looked at again"))
    monkeypatch.setattr("cancernet.experiment.run.find_mistakes", lambda *_: None)  # asks the model as well
    evaluate(sample, model, out=out, cache=cache, executor=InProcess(), say=quiet)
    assert (out / "metrics.json").exists()


def test_parts_that_one_process_has_no_use_for_are_removed(
    model: Model, sample: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    with monkeypatch.context() as while_it_lasts:
        while_it_lasts.setattr(module.Output, "remove", lambda *_: None)
        evaluate(sample, model, out=out, cache=cache, executor=InProcess(), say=quiet)
    assert (out / WORK).is_dir()
    evaluate(sample, model, out=out, cache=cache, say=quiet)
    assert not (out / WORK).exists()


def test_a_folder_of_the_users_is_not_taken_for_parts(model: Model, sample: Path, cache: Path, tmp_path: Path) -> None:
    mine = tmp_path / "out" / WORK / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with pytest.raises(UserError, match=r"\.work is not ours"):
        evaluate(sample, model, out=tmp_path / "out", cache=cache, executor=InProcess(), say=quiet)
    evaluate(sample, model, out=tmp_path / "out", cache=cache, say=quiet)
    assert mine.read_text() == "mine"


def test_other_processes_need_a_folder(model: Model, sample: Path) -> None:
    with pytest.raises(UserError, match="name a folder for the results"):
        evaluate(sample, model, executor=InProcess(), say=quiet)
