"""A recipe: one approach to training, as data. The manifest of a model holds the one it was made by."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from cancernet.common.defaults import PATCH_SIZE

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]  # it becomes a folder
Count = Annotated[int, Meta(ge=1, le=10_000)]


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """One approach. Every field but the first three has a plain default.

    Attributes:
        name: what the command line and the results call it.
        summary: one line for people.
        network: a name in `cancernet.networks.NETWORKS`.
        input_size: side in px that the network sees; larger than 50 is upsampled in the graph.
        pretrained: whether the backbone starts from ImageNet weights.
        start_from: the recipe whose trained weights it continues from, or nothing.
        train: `all`, `head`, or the backbone layer to train from.
        class_weight: `none`, or `balanced` (each class weighs as much in the loss).
        patient_weight: `none`, or `sqrt`: a patient with n patches weighs sqrt(n) in all, so that a few whole
            sections do not drown the rest.
        patient_cap: most patches of a patient in one epoch, drawn anew in each; 0 takes all. Whole sections
            then neither drown the rest nor cost what their many like patches would.
        augmentation: names in `cancernet.training.recipes.AUGMENTATIONS`, applied in this order, in training only.
        restain: share of the patches that are moved, anew in each epoch, from their patient's colours to those of
            another laboratory and scanner (see `cancernet.training.restain`), before anything else is done to them.
        jpeg: share of the patches that are then saved as JPEG and read again (see `cancernet.training.compress`).
        epochs: the most passes over the training patches.
        patience: epochs without a better validation average precision before stopping.
        batch_size: patches a step.
        learning_rate: the highest rate of the schedule.
        schedule: `constant`, or `one_cycle` (warm-up over a tenth, then cosine to zero).
        weight_decay: decoupled (AdamW); 0 is plain Adam.
        label_smoothing: 0 to 0.5; moves targets towards one half.
        mixup: parameter of the Beta distribution by which patches are mixed in pairs; 0 mixes none.
        ema: momentum of the moving average of weights that is kept; 0 keeps the weights themselves.
        dropout: share of the last embedding dropped in training.
        mixed_precision: train in 16 bits where the machine is faster for it; what is saved is float32.
        cross_fit: folds of patients whose predictions by networks that never saw them choose the thresholds,
            while the network that ships learns from train and val patients alike; 0 lets val patients choose.
        in_run: whether `cancernet run` trains it unless told which to train.
        keras_file: file beside the bundles to save the model to for plain Keras; empty for none.
    """

    name: str
    summary: str = ""
    network: str = ""
    input_size: Annotated[int, Meta(ge=32, le=512)] = PATCH_SIZE
    pretrained: bool = False
    start_from: str = ""
    train: str = "all"
    class_weight: Literal["none", "balanced"] = "none"
    patient_weight: Literal["none", "sqrt"] = "none"
    patient_cap: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    augmentation: tuple[str, ...] = ()
    restain: Annotated[float, Meta(ge=0, le=1)] = 0.0
    jpeg: Annotated[float, Meta(ge=0, le=1)] = 0.0
    epochs: Count = 10
    patience: Count = 4
    batch_size: Annotated[int, Meta(ge=1, le=65_536)] = 64
    learning_rate: Annotated[float, Meta(ge=1e-9, le=10)] = 1e-3
    schedule: Literal["constant", "one_cycle"] = "constant"
    weight_decay: Annotated[float, Meta(ge=0, le=1)] = 0.0
    label_smoothing: Annotated[float, Meta(ge=0, le=0.5)] = 0.0
    mixup: Annotated[float, Meta(ge=0, le=10)] = 0.0
    ema: Annotated[float, Meta(ge=0, le=0.99999)] = 0.0
    dropout: Annotated[float, Meta(ge=0, le=0.95)] = 0.5
    mixed_precision: bool = False
    cross_fit: Annotated[int, Meta(ge=0, le=100)] = 0
    in_run: bool = True
    keras_file: Annotated[str, Meta(pattern=r"^([A-Za-z0-9][A-Za-z0-9_.-]{0,59}\.h5)?$")] = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as plain JSON data."""
        return msgspec.to_builtins(self)
