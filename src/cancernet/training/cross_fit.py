"""Cross-fitting: every patient teaches the network, and each is also predicted by one that never saw it.

With few patients, those set apart to choose a threshold are missed in training, and are too few for the
threshold: of 32, one whole section decides it. So the patients of train and val are divided into folds; for each
fold a network is fitted on the others and predicts it; then one is fitted on all of them. Calibration, thresholds
and bands of abstention come from the predictions of patients unseen, the network from all.

Source: cross-fitted calibration with one final model, as in Platt 1999, section 2.1.2, and as scikit-learn's
`CalibratedClassifierCV(ensemble=False)` does it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

from cancernet.common.errors import UserError
from cancernet.common.executor import Executor, InProcess, Processes, WorkerDiedError
from cancernet.common.files import replacing
from cancernet.common.progress import progress
from cancernet.common.threads import available_cpus
from cancernet.data.folds import grouped_folds
from cancernet.data.pack import Pack
from cancernet.model.recipe import Recipe
from cancernet.training.checkpoint import CHECKPOINT, Progress, read_checkpoint
from cancernet.training.engine import Examples, fit, predict_logits
from cancernet.training.options import TrainingOptions
from cancernet.training.quiet import import_quietly
from cancernet.training.start import starting_network

WHOLE = "all"  # the part that is fitted on every patient, and ships
LOGITS = "logits.npy"  # of the patients that a part did not see


@dataclass(frozen=True)
class Part:
    """One of the networks of a cross-fit, as a process is told of it.

    Attributes:
        name: fold1, fold2 and so on, or `all`.
        recipe: how to train.
        examples: what to learn from, and for `val` the patients to predict; `inputs` empty where they are
            in a file.
        file: of the packed array, and its shape; or nothing.
        options: seed and the like.
        fingerprint: names the run.
        folder: for the checkpoint and the log of this part.
    """

    name: str
    recipe: Recipe
    examples: Examples
    file: tuple[str, tuple[int, ...]] | None
    options: TrainingOptions
    fingerprint: str
    folder: Path


@dataclass(frozen=True)
class Held:
    """Predictions of patches whose patients the predicting network never saw.

    Attributes:
        rows: of the pack, int (N,).
        logit: float32 (N,), not calibrated.
        fold: int (N,) from 1.
    """

    rows: np.ndarray
    logit: np.ndarray
    fold: np.ndarray


def cross_fit(
    recipe: Recipe,
    pack: Pack,
    examples: Examples,
    *,
    folder: Path,
    options: TrainingOptions,
    fingerprint: str,
    say: Callable[[str], None],
    executor: Executor | None = None,
) -> tuple[Progress, Held, float]:
    """Fit the networks of all folds and the one of all patients, in as many processes as there are CPUs.

    A run that was stopped continues: each part has a checkpoint of its own.

    Args:
        recipe: with `cross_fit`, the number of folds.
        pack: the patches.
        examples: all patients to learn from, none to validate on.
        folder: of the bundle; parts go to folders in it.
        options: seed and the like.
        fingerprint: names the run.
        say: where lines for the user go.
        executor: where they are fitted, in place of processes of this machine; the packed patches and `folder` are
            files that it reaches.

    Returns:
        What the fit on all patients left (its weights among it), the predictions of the folds, and the seconds
        it took, of all sessions of a run that was resumed.

    Raises:
        UserError: fewer patients than folds, or a process that was killed.
    """
    table = pack.table.iloc[examples.train]
    if table["patient"].nunique() < recipe.cross_fit or not table["patient"].all():
        raise UserError(
            f"recipe {recipe.name} divides known patients into {recipe.cross_fit} folds, and there are "
            f"{table['patient'].nunique()} of them; choose another recipe"
        )
    fold_of = table["patient"].map(grouped_folds(table, recipe.cross_fit, options.seed)).to_numpy()
    name = getattr(examples.inputs, "filename", None)
    file = (str(name), examples.inputs.shape) if name else None
    cpus = options.threads or available_cpus()
    processes = min(cpus, recipe.cross_fit + 1)
    at = executor or _here(processes, max(1, cpus // processes))
    shared = replace(
        options, threads=max(1, cpus // processes) if executor is None else options.threads or at.threads()
    )
    parts = []
    for fold in (None, *range(recipe.cross_fit)):  # the largest first, so that no process idles at the end
        kept = np.ones(len(table), bool) if fold is None else fold_of != fold
        chosen = replace(
            examples,
            inputs=np.empty(0) if file else examples.inputs,
            train=examples.train[kept],
            val=examples.train[~kept],
            weight=examples.weight[kept],
            patient=examples.patient[kept],
            stain=None if examples.stain is None else examples.stain[kept],
        )
        called = WHOLE if fold is None else f"fold{fold + 1}"
        place = (folder if fold is None else folder / "folds" / called).absolute()
        parts.append(Part(called, recipe, chosen, file, shared, fingerprint, place))
    say(f"  {recipe.cross_fit} folds of patients and all of them{'' if executor else f', {processes} at a time'}")
    held = Held(examples.train, np.empty(len(table), "float32"), fold_of + 1)
    whole, seconds = None, 0.0
    with nullcontext() if isinstance(at, InProcess) else watch(parts):  # alone, it shows its own bar
        for number, found in at.each(fit_part, parts):
            if isinstance(found, WorkerDiedError):
                raise UserError(f"{parts[number].name}: {found}; --threads 1 needs the least memory")
            part = parts[number]
            done, logit = read_part(part)
            minutes = sum(row["seconds"] for row in done.history) / 60
            seconds += 60 * minutes / (1 if executor else processes)
            if part.name == WHOLE:
                whole = done
                say(f"  all patients: {minutes:.1f} min")
                continue
            held.logit[np.isin(held.rows, part.examples.val)] = logit
            say(f"  {part.name}: {minutes:.1f} min, {_auc(examples.label[part.examples.val], logit)}")
    assert whole is not None  # of one of the parts
    return whole, held, seconds


def _here(processes: int, threads: int) -> Executor:
    """Return processes of this machine, or this one where one will do."""
    if processes == 1:
        return InProcess()
    quietly = partial(import_quietly, threads)  # or TensorFlow's start-up notes come through
    return Processes(processes, prepare=quietly, tries=1)  # one that memory was too little for has too little again


def fit_part(part: Part) -> str:
    """Fit one part, and write the logits float32 (N,) of the patients it did not see; returns its name."""
    examples = part.examples
    if part.file:
        name, shape = part.file
        examples = replace(examples, inputs=np.memmap(name, np.uint8, "r", shape=shape))
    network, _ = starting_network(part.recipe, Path(), part.options, examples)
    fit(
        network,
        examples,
        part.recipe,
        seed=part.options.seed,
        fingerprint=part.fingerprint,
        checkpoint=part.folder / CHECKPOINT,
        log_dir=part.folder,
        keep="last",
    )
    if len(examples.val):
        with replacing(part.folder / LOGITS) as temporary:
            np.save(temporary, predict_logits(network, examples.inputs, examples.val))
    return part.name


def read_part(part: Part) -> tuple[Progress, np.ndarray]:
    """Return what a part that was fitted left, and the logits float32 (N,) of the patients it did not see.

    Raises:
        UserError: its files are gone.
    """
    found = read_checkpoint(part.folder / CHECKPOINT, part.fingerprint)
    try:
        logit = np.load(part.folder / LOGITS) if len(part.examples.val) else np.empty(0, "float32")
    except (OSError, ValueError) as error:
        raise UserError(f"{part.folder / LOGITS} cannot be read ({error}); give the same command again") from error
    if found is None:
        raise UserError(f"{part.folder / CHECKPOINT} is gone; give the same command again")
    return found[1], logit


@contextmanager
def watch(parts: Sequence[Part], *, every: float = 2.0) -> Iterator[tqdm]:
    """Show how many epochs all parts have done, read from the logs that their processes write.

    Args:
        parts: being fitted elsewhere.
        every: seconds between two looks.
    """
    begun, ended = time.time(), threading.Event()
    total = sum(part.recipe.epochs for part in parts)
    with progress(total=total, what=parts[0].recipe.name, unit=" epochs") as bar:

        def look() -> None:
            while not ended.wait(every):
                bar.update(sum(_epochs(part.folder / "history.csv", begun) for part in parts) - bar.n)

        watcher = threading.Thread(target=look, daemon=True)
        watcher.start()
        try:
            yield bar
        finally:
            ended.set()
            watcher.join()


def _epochs(log: Path, begun: float) -> int:
    """Epochs in a log, none where it is of an earlier run."""
    try:
        fresh = log.stat().st_mtime >= begun
        return max(0, len(log.read_text("utf-8").splitlines()) - 1) if fresh else 0
    except OSError:
        return 0


def _auc(label: np.ndarray, logit: np.ndarray) -> str:
    if len(np.unique(label)) < 2:
        return f"{len(label):,} patches of one class"
    return f"AUC {roc_auc_score(label, logit):.3f} on its {len(label):,} patches"
