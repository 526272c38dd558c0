"""Adapt a model to a laboratory: its calibration and threshold, and what that is worth on patients of its own."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cancernet.common import defaults
from cancernet.common.output import Output
from cancernet.common.provenance import begin, minutes_since
from cancernet.data.layout import Labels
from cancernet.evaluation.adaptation import LEAST, PLAIN, PROVISIONAL, SCALED, Fitted, Rule, Told, check_local, told_on
from cancernet.evaluation.assured import ASSURANCE, RHO
from cancernet.evaluation.bootstrap import interval, replicate
from cancernet.evaluation.closed_forms import likeness
from cancernet.evaluation.ranking import auc, finite
from cancernet.evaluation.refit import refit_errors
from cancernet.experiment.adapted import checked_name, child, in_words
from cancernet.experiment.data import Say, open_pack
from cancernet.experiment.local import Site, check_new, look
from cancernet.model import manifest as facts
from cancernet.model.bundle import GRAPH, write_bundle
from cancernet.model.decide import MALIGNANT, logit, sigmoid
from cancernet.model.graft import need_onnx
from cancernet.model.held_out import read_held_out
from cancernet.model.model import Model, load_model
from cancernet.report.adapt_page import NAMES, write_adaptation

KIND = "adapt"
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


def _rho(parent: Model) -> float:
    """Return how alike the patches of a patient are, as far as the parent's held-out patients tell."""
    table = read_held_out(parent)
    if table is None:
        return RHO
    malignant = table["label"] == 1
    try:
        return likeness(table["patient"][malignant], parent.decide(table["probability"][malignant]) == MALIGNANT)
    except ValueError:
        return RHO


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
    if 0 < len(site.foreign) < site.rows["patient"].nunique():
        found.append(
            f"{len(site.foreign)} patients are stained or scanned unlike what the parent knows, such as "
            f"{site.foreign[0]}, and the others are not: of two stains, adapt to each by itself"
        )
    unsure = float((site.rows["reason"] != "").mean())
    if unsure > 0.1:
        found.append(f"{unsure:.0%} of the patches cannot be judged, and took no part")
    cost = change["specificity"]
    if cost["value"] is not None and cost["high"] is not None and cost["high"] < 0:
        found.append(f"it costs specificity: {cost['a']:.3f} before, {cost['b']:.3f} after")
    return found
