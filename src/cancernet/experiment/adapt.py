"""Adapt a model to a laboratory: its calibration and threshold, and what that is worth on patients of its own."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from cancernet.common import defaults
from cancernet.common.errors import UserError
from cancernet.common.output import Output
from cancernet.common.progress import progress
from cancernet.common.provenance import begin, minutes_since
from cancernet.context.smooth import by_patient
from cancernet.data.layout import Labels
from cancernet.data.pack import Pack
from cancernet.evaluation.adaptation import (
    ASSURED,
    GUARANTEED,
    LEAST,
    PLAIN,
    PROVISIONAL,
    SCALED,
    Fitted,
    Rule,
    Told,
    check_local,
    fit,
    told_on,
)
from cancernet.evaluation.assured import ASSURANCE, RHO
from cancernet.evaluation.bootstrap import interval, replicate
from cancernet.evaluation.closed_forms import likeness
from cancernet.evaluation.operating_points import best_f1_threshold
from cancernet.evaluation.ranking import auc, average_precision, finite
from cancernet.evaluation.refit import refit_errors
from cancernet.evaluation.scoring import groups_of, known_side, places
from cancernet.evaluation.selective import fit_selective
from cancernet.experiment.data import Say, open_pack
from cancernet.model import manifest as facts
from cancernet.model.bundle import GRAPH, list_files, write_bundle
from cancernet.model.colours import Colours, colour_statistics, fit_colours
from cancernet.model.decide import logit, sigmoid
from cancernet.model.examples import read_index
from cancernet.model.graft import graft, need_onnx
from cancernet.model.held_out import FILE as HELD_OUT
from cancernet.model.held_out import held_out_file, read_held_out
from cancernet.model.judge import Judge
from cancernet.model.model import Model, load_model
from cancernet.report.adapt_page import NAMES, write_adaptation

KIND = "adapt"
CHUNK = 4096  # patches between two steps of the progress bar
SHOWN = 5  # patients named in an error
POINT = "own"
METRICS = ("auc", "recall@own", "specificity@own", "balanced_accuracy@own", "brier", "ece")
NO_HELP = (
    "no threshold can help here: on these patients the model does not rank patches better than their colours alone do "
    "(AUC {:.3f}, colour floor {:.3f})"
)


@dataclass(frozen=True)
class Adapted:
    """What came of adapting.

    Attributes:
        model: the child.
        parent: whose network it has.
        page: adaptation.html.
        fitted: calibration and threshold.
        change: metric -> {"a": before, "b": after, "value", "low", "high"}.
        told_on: on which patients that is.
        warnings: what a user has to know.
    """

    model: Model
    parent: Model
    page: Path
    fitted: Fitted
    change: dict[str, dict[str, float | None]]
    told_on: str
    warnings: tuple[str, ...]


def adapt(
    data: Path | str,
    model: Model | None = None,
    *,
    out: Path | str,
    labels: Labels | None = None,
    target_recall: float | None = None,
    assurance: float = ASSURANCE,
    guarantee: float | None = None,
    scanner: str = "",
    new_patients: bool = False,
    cache: Path | None = None,
    seed: int = defaults.SEED,
    say: Say = print,
) -> Adapted:
    """Make a model a laboratory's own with labelled patches of its patients. Needs no TensorFlow.

    The network stays; calibration, threshold, bands and, from `PROVISIONAL` patients on, the colours that are known are
    fitted to these patients. The new bundle is a model like any other.

    Args:
        data: folder or zip of labelled patches.
        model: the parent, from `load_model`; by default the one that ships.
        out: folder of the new bundle, whose name becomes the model's.
        labels: what is to be said of classes and patients; see `Labels`.
        target_recall: that the threshold is to hold; the parent's by default.
        assurance: share of samples of patients in which it is to hold.
        guarantee: mean miss rate a patient that is held in place of that (conformal risk control).
        scanner: free text, kept with the bundle.
        new_patients: all patients are new to the parent, even those whose ids its training patients have too.
        cache: folder for packed patches; by default the user's cache.
        seed: of the draw of patients that are held out.
        say: where lines for the user go.

    Raises:
        UserError: too few patients, patients unknown or known to the parent, one class alone, scores that say nothing,
            or a place that cannot be written.
    """
    started = begin()
    need_onnx()  # its lack is told before the work
    parent, data, out = model or load_model(), Path(data), Path(out).expanduser()
    name = checked_name(out)
    with Output(out, KIND, inputs=[data, parent.folder], names=(*NAMES, "manifest.json", GRAPH)) as output:
        packed = open_pack(data, cache, say, labels)
        check_new(parent, packed, new_patients=new_patients)
        site = look(parent, packed)
        check_local(site.answered)
        rule = Rule(target_recall or parent.manifest.target_recall, assurance, _rho(parent), guarantee)
        told = told_on(site.answered, rule, seed=seed)
        fitted, of = told.fitted, told.of
        change = changes(told, rule, parent.threshold, seed)
        warnings = _warnings(site, fitted, change)
        adaptation = facts.Adaptation(
            parent=parent.name,
            parent_graph_sha256=parent.graph_sha256,
            made=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            patients=site.n_patients,
            with_tumour=int(site.answered.groupby("patient")["label"].max().sum()),
            patches=len(site.answered),
            data_hash=packed.data_hash,
            scanner=scanner,
            scale=fitted.scale,
            offset=fitted.offset,
            rule=in_words(fitted, rule),
            provisional=site.n_patients < PROVISIONAL,
            told_on=of,
            change=change,
            warnings=tuple(warnings),
        )
        manifest, files = child(parent, name, packed, site, told, rule, adaptation, seed)
        facts_of_run = {**started, "minutes": minutes_since(started["started"]), "seed": seed, "data": str(data)}
        page = write_adaptation(output, manifest, told.shown, parent.threshold, facts_of_run)
        made = load_model(write_bundle(output, manifest, files), threads=parent.threads)
    for line in warnings:
        say(f"WARNING: {line}")
    return Adapted(made, parent, page, fitted, change, of, tuple(warnings))


@dataclass(frozen=True)
class Site:
    """What the parent makes of the local patches.

    Attributes:
        rows: a row a patch: path, patient, x, y, label, `alone` and `among` (log odds), `floor_alone` and `floor`
            (likewise, of the colour floor), reason (why it cannot be judged by the colours that the child knows).
        unsure_before: share that the parent cannot judge.
        colours: that the child knows.
        learned: whether these are of the local patients.
    """

    rows: pd.DataFrame
    unsure_before: float
    colours: Colours
    learned: bool

    @property
    def answered(self) -> pd.DataFrame:
        """The patches that can be judged."""
        return self.rows[self.rows["reason"] == ""]

    @property
    def n_patients(self) -> int:
        """Of whom a patch can be judged."""
        return int(self.answered["patient"].nunique())


def look(parent: Model, packed: Pack) -> Site:
    """Score all patches as the parent and its colour floor do, and say which can be judged."""
    table = packed.table
    probability = np.empty(len(table), "float32")
    statistics = np.empty((len(table), 9), np.float32)
    with progress(total=len(table), what=f"predict with {parent.name}") as bar:
        for start in range(0, len(table), CHUNK):
            images = packed.images[np.arange(start, min(start + CHUNK, len(table)))]
            probability[start : start + CHUNK] = parent.predict(images)
            statistics[start : start + CHUNK] = colour_statistics(images)
            bar.update(len(images))
    floor = parent.manifest.floor
    floor_alone = floor.model.predict(packed.images, np.arange(len(table)))
    colours, learned = parent.colours, table["patient"].nunique() >= PROVISIONAL
    before = _reasons(colours, packed)
    reasons = before
    if learned:
        seen = np.array([reason == "" or "colours" in reason or "unlike" in reason for reason in before])
        colours = fit_colours(statistics[seen], table["patient"].to_numpy(object)[seen]) if seen.any() else colours
        reasons = _reasons(colours, packed)
    among, _ = by_patient(parent.context, *places(table), probability, reasons)
    floor_among, _ = by_patient(floor.context, *places(table), floor_alone)
    rows = table[["path", "patient", "x", "y", "label"]].assign(
        alone=logit(probability),
        among=logit(among),
        floor_alone=logit(floor_alone),
        floor=logit(floor_among),
        reason=reasons,
    )
    unsure = float(np.mean([reason != "" for reason in before])) if len(before) else 0.0
    return Site(rows.reset_index(drop=True), unsure, colours, learned)


def check_new(parent: Model, packed: Pack, *, new_patients: bool) -> None:
    """Refuse patients, or patches, that the parent learned from: they would flatter it.

    Raises:
        UserError: names some of them.
    """
    if not new_patients:
        known = known_side(parent, packed.table).isin(["train", "val"])
        names = sorted(packed.table.loc[known, "patient"].unique())
        if names:
            shown = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
            raise UserError(
                f"{len(names)} patients trained {parent.name} or chose its threshold: {shown}; leave them out, or say "
                "--new-patients where they are others of the same ids"
            )
    index = read_index(parent)
    same = packed.table["hash"].isin(set(index.table["hash"])) if index is not None else np.zeros(0, bool)
    if same.any():
        raise UserError(
            f"{int(same.sum())} patches are ones that {parent.name} learned from, such as "
            f"{packed.table.loc[same, 'path'].iloc[0]}; adapt on patients of your own"
        )


def changes(
    told: Told, rule: Rule, threshold: float, seed: int, *, samples: int = defaults.BOOTSTRAP_SAMPLES
) -> dict[str, dict[str, float | None]]:
    """Return before, after and their difference, with an interval over patients, of each of METRICS.

    Args:
        told: from `told_on`.
        rule: how the threshold was chosen.
        threshold: of the parent.
        seed: of the resampling.
        samples: resamples of the patients.
    """
    shown = told.shown
    rows = shown[["path", "patient", "label"]]
    draw: dict[str, Any] = {"samples": samples, "seed": seed}
    before = replicate(rows.assign(probability=sigmoid(shown["among"].to_numpy())), {POINT: threshold}, **draw)
    # Each fold has its own threshold: decisions are of the log odds over it, probabilities are not moved.
    called = replicate(rows.assign(probability=sigmoid(shown["over"].to_numpy())), {POINT: 0.5}, **draw)
    stated = replicate(rows.assign(probability=sigmoid(shown["after"].to_numpy())), {}, **draw)
    refitted = None if told.held_out else refit_errors(told.rows, rule, float(logit(threshold)), **draw)
    found = {}
    for name in METRICS:
        after, plain = called if "@" in name else stated, name.partition("@")[0]
        gap = interval(
            after.value[name] - before.value[name], after.resampled[name] - before.resampled[name], before.n_units
        )
        own = interval(after.value[name], after.resampled[name], after.n_units, corrected=name != "ece")
        if refitted is not None and "@" in name:
            own, gap = refitted.of_rate(plain, own.value), refitted.of_change(plain, gap.value)
        found[plain] = {
            "a": finite(before.value[name]),
            "b": finite(after.value[name]),
            "b_low": finite(own.low),
            "b_high": finite(own.high),
            **gap.to_dict(),
        }
    return found


def child(
    parent: Model, name: str, packed: Pack, site: Site, told: Told, rule: Rule, adaptation: facts.Adaptation, seed: int
) -> tuple[facts.Manifest, dict[str, bytes]]:
    """Return the manifest and the files of the adapted model."""
    old, rows, fitted = parent.manifest, told.rows, told.fitted
    label = rows["label"].to_numpy()
    threshold = float(sigmoid(fitted.threshold))
    alone = sigmoid(fitted.alone(rows["alone"].to_numpy()))
    among = sigmoid(fitted.with_surroundings(rows["among"].to_numpy()))
    floor = fit(rows.assign(alone=rows["floor_alone"], among=rows["floor"]), rule)
    predictions = rows[["path", "patient", "label"]].assign(probability=among)
    many = site.n_patients >= PROVISIONAL
    bands = [fit_selective(predictions, threshold, abstain_share=share) for share in defaults.ABSTAIN_SHARES]
    files = {each: parent.read(each) for each in old.files if each not in (GRAPH, HELD_OUT)}
    files[GRAPH] = graft(parent.read(GRAPH), scale=fitted.scale, offset=fitted.offset)
    own_floor = sigmoid(rows["floor"].to_numpy())
    files |= held_out_file(rows["patient"], label, alone, among, own_floor, seed=seed)
    own = parent.calibration
    manifest = msgspec.structs.replace(
        old,
        name=name,
        created=adaptation.made,
        calibration=facts.Calibration(
            method="platt", temperature=own.temperature / fitted.scale, offset=fitted.scale * own.offset + fitted.offset
        ),
        target_recall=rule.target,
        thresholds=facts.Thresholds(threshold, 0.5, best_f1_threshold(label, alone)),
        selective=tuple(bands) if many else (),
        context=moved(parent.context, fitted),
        floor=facts.FloorPart(
            model=old.floor.model,
            thresholds=facts.Thresholds(
                float(sigmoid(floor.chosen.at)), 0.5, best_f1_threshold(label, sigmoid(rows["floor_alone"].to_numpy()))
            ),
            context=moved(old.floor.context, _unscaled(floor)),
        ),
        colours=site.colours,
        data=msgspec.structs.replace(old.data, synthetic=old.data.synthetic or packed.synthetic),
        split=msgspec.structs.replace(
            old.split,
            patients=old.split.patients
            | dict.fromkeys(told.shown["patient"].unique().tolist(), "test")
            | dict.fromkeys(rows["patient"].unique().tolist(), "val"),
        ),
        validation=facts.Validation(
            of="local patients, on whom calibration and threshold were fitted",
            n_patches=len(rows),
            n_patients=int(rows["patient"].nunique()),
            auc=float(auc(label, among)),
            average_precision=float(average_precision(label, among)),
            floor_auc=float(auc(label, own_floor)),
        ),
        adaptation=adaptation,
        files=list_files(files),
    )
    return manifest, files


def moved(context: facts.Context | None, fitted: Fitted) -> facts.Context | None:
    """Return how surroundings are taken in after the graph's log odds were moved; nothing where none were seen.

    Its inputs are the moved log odds, s L + o; its output has to be what `Fitted.with_surroundings` makes of the old.
    """
    if context is None or fitted.among is None:
        return None
    weights = tuple(fitted.among_scale / fitted.scale * weight for weight in context.weights)
    offset = fitted.among_scale * context.offset + fitted.among_offset - fitted.offset * sum(weights)
    return facts.Context(
        method=context.method,
        sigma_px=context.sigma_px,
        offset=float(offset),
        weights=(weights[0], weights[1], weights[2]),
        prior=fitted.scale * context.prior + fitted.offset,
        fitted_on=context.fitted_on,
    )


def in_words(fitted: Fitted, rule: Rule) -> str:
    """Say how the threshold was chosen."""
    chosen = fitted.among or fitted.chosen
    if chosen.how == ASSURED:
        return (
            f"recall of {rule.target:g} on patients to come with assurance {rule.assurance:g} (lower bound here "
            f"{chosen.lower:.3f})"
        )
    if chosen.how == GUARANTEED:
        return f"mean miss rate a patient of at most {rule.alpha:g} (conformal risk control; {chosen.lower:.3f} here)"
    return f"recall of {rule.target:g} on these patients, on others half of the time: {chosen.why}"


def checked_name(out: Path) -> str:
    """Return the name that a bundle in a folder gets.

    Raises:
        UserError: it cannot be a model's.
    """
    name = out.resolve().name
    try:
        return msgspec.convert(name, facts.Name)
    except msgspec.ValidationError:
        raise UserError(
            f"--out {out}: its name becomes the model's; take letters, digits, dots, - and _, 64 at most"
        ) from None


def _reasons(colours: Colours, packed: Pack) -> list[str]:
    judge, groups, said = Judge(colours), groups_of(packed.table), list[str]()
    for start in range(0, len(packed.table), CHUNK):
        part = np.arange(start, min(start + CHUNK, len(packed.table)))
        said += judge.see(packed.images[part], groups[start : start + CHUNK])
    return judge.settle(said, groups)


def _rho(parent: Model) -> float:
    """Return how alike the patches of a patient are, as far as the parent's held-out patients tell."""
    table = read_held_out(parent)
    if table is None:
        return RHO
    malignant = table["label"] == 1
    try:
        return likeness(table["patient"][malignant], table["probability"][malignant] >= parent.threshold)
    except ValueError:
        return RHO


def _unscaled(floor: Fitted) -> Fitted:
    """The floor's own log odds are left as they are; with surroundings they meet the threshold."""
    shift = floor.chosen.at - floor.among.at if floor.among else 0.0
    return Fitted(floor.chosen.at, 1.0, 0.0, floor.chosen, 1.0, shift, floor.among)


def _warnings(site: Site, fitted: Fitted, change: dict[str, dict[str, float | None]]) -> list[str]:
    rows = site.answered
    label = rows["label"]
    own, floor = (auc(label, sigmoid(rows[name].to_numpy())) for name in ("among", "floor"))
    found = []
    if own <= floor:
        found.append(NO_HELP.format(own, floor))
    if site.n_patients < PROVISIONAL:
        found.append(f"PROVISIONAL: {site.n_patients} patients; from {PROVISIONAL} on figures begin to hold")
    chosen = fitted.among or fitted.chosen
    if chosen.how == PLAIN:
        found.append(f"the threshold comes without assurance: {chosen.why}")
    if site.n_patients < SCALED:
        found.append(f"below {SCALED} patients the offset of the log odds was fitted alone, and not their scale")
    benign = int(rows.loc[label == 0, "patient"].nunique())
    if benign < LEAST:
        found.append(f"specificity is of {benign} patients with benign patches, and says little")
    unsure = float((site.rows["reason"] != "").mean())
    if unsure > 0.1:
        found.append(f"{unsure:.0%} of the patches cannot be judged, and took no part")
    cost = change["specificity"]
    if cost["value"] is not None and cost["high"] is not None and cost["high"] < 0:
        found.append(f"it costs specificity: {cost['a']:.3f} before, {cost['b']:.3f} after")
    return found
