"""The bundle of an adapted model: its parent's network, under log odds, thresholds and colours of its own."""

from __future__ import annotations

from pathlib import Path

import msgspec

from cancernet.common import defaults
from cancernet.common.errors import UserError
from cancernet.data.pack import Pack
from cancernet.evaluation.adaptation import ASSURED, GUARANTEED, PROVISIONAL, Fitted, Rule, Told, fit
from cancernet.evaluation.operating_points import best_f1_threshold
from cancernet.evaluation.ranking import auc, average_precision
from cancernet.evaluation.selective import fit_selective
from cancernet.experiment.local import Site
from cancernet.model import manifest as facts
from cancernet.model.bundle import GRAPH, list_files
from cancernet.model.decide import sigmoid
from cancernet.model.graft import graft
from cancernet.model.held_out import FILE as HELD_OUT
from cancernet.model.held_out import held_out_file
from cancernet.model.model import Model


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


def _unscaled(floor: Fitted) -> Fitted:
    """The floor's own log odds are left as they are; with surroundings they meet the threshold."""
    shift = floor.chosen.at - floor.among.at if floor.among else 0.0
    return Fitted(floor.chosen.at, 1.0, 0.0, floor.chosen, 1.0, shift, floor.among)
