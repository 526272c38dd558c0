"""From trained weights to a bundle: export, thresholds on validation patients, manifest."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import keras
import numpy as np
from onnxruntime import InferenceSession
from safetensors.numpy import save

from cancernet.common import defaults
from cancernet.common.defaults import MPP, PATCH_SIZE
from cancernet.common.outlook import followed
from cancernet.common.output import Output
from cancernet.common.provenance import versions
from cancernet.common.version import __version__
from cancernet.context.smooth import by_patient
from cancernet.data.pack import Pack
from cancernet.data.sides import Split, count_patients
from cancernet.evaluation.calibration import apply_platt, fit_platt
from cancernet.evaluation.floor import fit_floor_features
from cancernet.evaluation.metrics import expected_calibration_error
from cancernet.evaluation.operating_points import choose_thresholds
from cancernet.evaluation.ranking import auc, average_precision
from cancernet.evaluation.scoring import places
from cancernet.evaluation.selective import fit_selective
from cancernet.model import manifest as facts
from cancernet.model.bundle import GRAPH, WEIGHTS, list_files, write_bundle
from cancernet.model.colours import IN_FLOOR, Colours, fit_colours
from cancernet.model.decide import sigmoid
from cancernet.model.examples import embed, index_files
from cancernet.model.floor import Floor
from cancernet.model.held_out import held_out_file
from cancernet.model.inference import MOST_GAP, OUTPUTS, open_session, predict
from cancernet.model.judge import unseen_rows
from cancernet.model.model import Model, load_model
from cancernet.model.recipe import Recipe
from cancernet.networks import build_network, with_evidence, with_probability
from cancernet.training.checkpoint import Progress, load_weights, weights_of
from cancernet.training.costs import COLOURS, RECIPE
from cancernet.training.cross_fit import Held
from cancernet.training.engine import Examples
from cancernet.training.export import save_h5, to_onnx
from cancernet.training.features import kept_colours
from cancernet.training.fit_context import fit_context
from cancernet.training.held import keep_held
from cancernet.training.options import TrainingOptions

HELD = "out_of_fold.csv"  # predictions of a cross-fit, beside the bundle's files
CHECKED = 500  # patches on which a graph is held against the network it was made of


def finish(
    network: keras.Model,
    recipe: Recipe,
    pack: Pack,
    split: Split,
    examples: Examples,
    progress: Progress,
    held: Held,
    *,
    weights_from: str,
    models: Output,
    cache: Path,
    options: TrainingOptions,
    seconds: float,
) -> Model:
    """Export a trained network and write its bundle to `models / recipe.name`.

    The graph also answers with its evidence and embedding, and the bundle remembers some of the patches it learned
    from. Calibration, thresholds, bands of abstention and the colour floor are fitted here, on train and val patients
    only. They rest on patients the network did not learn from: those of val, predicted by the very graph that
    ships, or all of them, predicted by the networks of a cross-fit. Of a val side so large that a share of it chose the
    epoch, the training network's own predictions are taken, and the graph is held against them on some: running it on
    all again would cost as much as an epoch.

    Args:
        network: trained.
        recipe: how.
        pack: the patches.
        split: who was on which side.
        examples: what it learned from.
        progress: what the fit left.
        held: logits of patients it did not learn from: those of val, or all of them, each of its fold.
        weights_from: how the results name what it started from.
        models: folder of bundles, open for writing.
        cache: folder for colour statistics.
        options: seed and the like.
        seconds: that training took.
    """
    folder = models.child(recipe.name, owner=recipe.name, exact=True)
    weights = weights_of(network)
    plain = build_network(recipe.network, input_size=recipe.input_size, dropout=recipe.dropout)  # float32
    load_weights(plain, weights)
    crossed, large = bool(recipe.cross_fit), examples.choose is not None
    label = examples.label[held.rows]
    uncalibrated = sigmoid(held.logit)
    scale, offset = fit_platt(label, uncalibrated)
    graph = to_onnx(with_evidence(plain, scale=scale, offset=offset), outputs=OUTPUTS)
    session = open_session(graph)
    if crossed or large:
        probability = apply_platt(uncalibrated, scale, offset)
    else:
        probability = predict(session, pack.images, held.rows)
    if large:
        _check_graph(session, pack, held.rows, probability)
        keep_held(cache, progress.fingerprint, probability)
    found = pack.table.iloc[held.rows][["path", "patient", "x", "y"]].assign(label=label, probability=probability)
    thresholds = choose_thresholds(label, probability, target_recall=options.target_recall)
    operating = thresholds["target_recall"]
    context = fit_context(found, threshold=operating, target_recall=options.target_recall)
    among = found.assign(probability=by_patient(context, *places(found), probability)[0])
    bands = [fit_selective(among, operating, abstain_share=share) for share in defaults.ABSTAIN_SHARES]
    floor, floor_probability, colours = _floor(pack, examples, held, cache, options)
    floor_thresholds = choose_thresholds(label, floor_probability, target_recall=options.target_recall)
    floor_context = fit_context(
        found.assign(probability=floor_probability),
        threshold=floor_thresholds["target_recall"],
        target_recall=options.target_recall,
    )
    if crossed:
        folder.write_csv(HELD, found.assign(floor=floor_probability, fold=held.fold))
    files = {GRAPH: graph, WEIGHTS: save(weights)}
    files |= index_files(lambda images: embed(session, images), pack, examples.train, options.seed)
    if split.patient_safe:
        patient = found["patient"].fillna("")
        said = by_patient(floor_context, *places(found), floor_probability)[0]
        files |= held_out_file(patient, label, probability, among["probability"], said, seed=options.seed)
    manifest = facts.Manifest(
        format=1,
        name=recipe.name,
        cancernet=__version__,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        recipe=recipe,
        input=facts.Input(size_px=PATCH_SIZE, mpp=MPP),
        classes=("benign", "malignant"),
        parameters=network.count_params(),
        weights_from=weights_from,
        seed=options.seed,
        versions=versions(),
        data=facts.Data(
            hash=pack.data_hash,
            layout=pack.layout,
            n_patches=len(pack.table),
            n_patients=count_patients(pack.table),
            synthetic=pack.synthetic,
        ),
        split=_split_facts(split, crossed=crossed),
        calibration=facts.Calibration(
            method="platt",
            temperature=1 / scale,
            offset=offset,
            validation_ece_before=float(expected_calibration_error(label, uncalibrated)),
            validation_ece_after=float(expected_calibration_error(label, probability)),
        ),
        target_recall=options.target_recall,
        thresholds=facts.Thresholds(**thresholds),
        selective=tuple(bands),
        context=context,
        floor=facts.FloorPart(model=floor, thresholds=facts.Thresholds(**floor_thresholds), context=floor_context),
        colours=colours,
        validation=facts.Validation(
            of=f"{recipe.cross_fit} folds of train and val patients" if crossed else "val patients",
            n_patches=len(label),
            n_malignant=int(label.sum()),
            n_patients=count_patients(found),
            auc=float(auc(label, probability)),
            average_precision=float(average_precision(label, probability)),
            floor_auc=float(auc(label, floor_probability)),
        ),
        training=facts.Training(
            minutes=round(seconds / 60, 3),
            fingerprint=progress.fingerprint,
            n_patches=len(examples.train),
            n_malignant=int(np.sum(examples.label[examples.train])),
            max_per_patient=options.max_per_patient,
            limit=options.limit,
            epochs=progress.epoch,
            best_epoch=progress.best_epoch,
            n_choosing=0 if examples.choose is None else len(examples.choose),
            shortened=options.shortened,
        ),
        files=list_files(files),
    )
    if recipe.keras_file:  # before the bundle, whose manifest says that all is there
        save_h5(with_probability(plain, scale=scale, offset=offset), models.path(recipe.keras_file))
    if (outlook := followed()) is not None:
        outlook.spend(RECIPE)
    return load_model(write_bundle(folder, manifest, files))


def _check_graph(session: InferenceSession, pack: Pack, rows: np.ndarray, probability: np.ndarray) -> None:
    """Hold the graph that ships against what the training network said of patches.

    Raises:
        RuntimeError: they differ by more than rounding does.
    """
    some = np.unique(np.linspace(0, len(rows) - 1, CHECKED).astype(int))
    gap = float(np.abs(predict(session, pack.images, rows[some]) - probability[some]).max())
    if not gap <= MOST_GAP:
        raise RuntimeError(f"the exported graph differs from the network it was made of by {gap:g} in a probability")


def _floor(
    pack: Pack, examples: Examples, held: Held, cache: Path, options: TrainingOptions
) -> tuple[Floor, np.ndarray, Colours]:
    """Return the colour floor that goes with the model, its probabilities of the patients held out, and the colours.

    It is fitted as the network was: in a cross-fit on each fold's other patients, then on all. The colours are those of
    the patches the network learned from, as far as there is something to see on them.
    """

    def fit(rows: np.ndarray) -> Floor:
        return fit_floor_features(features[at[rows]], examples.label[rows], seed=options.seed, patient=patient[rows])

    patient = pack.table["patient"].to_numpy()
    needed = np.union1d(examples.train, held.rows)
    features = np.array(kept_colours(pack.images, needed, content=pack.data_hash, cache=cache, cost=COLOURS))
    at = np.zeros(len(pack.table), int)
    at[needed] = np.arange(len(needed))
    whole = fit(examples.train)
    probability = np.empty(len(held.rows))
    for fold in np.unique(held.fold):
        out = held.fold == fold
        floor = fit(held.rows[~out]) if fold else whole
        probability[out] = floor.predict_features(features[at[held.rows[out]]])
    seen = examples.train[unseen_rows(pack.images, examples.train) == ""]
    colours = fit_colours(features[at[seen]][:, IN_FLOOR], patient[seen])
    return whole, probability, colours


def _split_facts(split: Split, *, crossed: bool) -> facts.Split:
    patients: dict[str, Any] = dict(sorted(split.assignment.items())) if split.patient_safe else {}
    if crossed:  # val patients taught it too
        patients = {name: "train" if side == "val" else side for name, side in patients.items()}
    return facts.Split(name=split.name, hash=split.hash, patient_safe=split.patient_safe, patients=patients)
