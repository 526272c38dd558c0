"""What a bundle says of itself: `manifest.json`, typed and checked as it is read.

JSON that is cut short, nested without end, or holds a number that is none (NaN, 1e999) does not get through.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from cancernet.model.colours import Colours
from cancernet.model.floor import Floor
from cancernet.model.recipe import Name, Recipe

FORMAT = 1

Share = Annotated[float, Meta(ge=0, le=1)]
Amount = Annotated[float, Meta(ge=0)]
Count = Annotated[int, Meta(ge=0)]
Weight = Annotated[float, Meta(ge=-1e3, le=1e3)]  # of log odds, or some of them; what is fitted has a few
Side = Literal["train", "val", "test"]


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """A part of the manifest; fields that are not known are passed over."""


class Input(Part, frozen=True, omit_defaults=False):
    """What the graph takes: uint8 RGB patches (N, size_px, size_px, 3) at `mpp` um/px."""

    size_px: Annotated[int, Meta(ge=8, le=4096)]
    mpp: Annotated[float, Meta(gt=0, le=1000)]
    dtype: Literal["uint8"] = "uint8"
    channels: Literal["RGB"] = "RGB"
    layout: Literal["NHWC"] = "NHWC"


class Thresholds(Part, frozen=True):
    """Thresholds by operating point, chosen on patients the network did not learn from."""

    target_recall: Share
    default: Share
    best_f1: Share

    def to_dict(self) -> dict[str, float]:
        """Return operating point -> threshold, the headline first."""
        return msgspec.to_builtins(self)


class Calibration(Part, frozen=True):
    """Calibrated logit = logit / temperature + offset; the graph has it built in."""

    method: Literal["temperature", "platt"] = "temperature"
    temperature: Annotated[float, Meta(ge=1e-3, le=1e3)] = 1.0  # the fit ends at 0.05 and 20
    offset: float = 0.0
    validation_ece_before: Amount | None = None
    validation_ece_after: Amount | None = None

    @property
    def scale(self) -> float:
        """What the logit is multiplied by."""
        return 1 / self.temperature

    def to_dict(self) -> dict[str, float]:
        """Return scale and offset."""
        return {"scale": self.scale, "offset": self.offset}


class Band(Part, frozen=True):
    """A band of abstention: unsure within `width` log odds of the operating threshold, for `target` of the patches."""

    threshold: Share
    width: Amount
    target: Annotated[float, Meta(ge=0, lt=1)]
    method: str = ""
    low: Share | None = None
    high: Share | None = None
    loss: str = ""
    n_units: Count = 0
    abstained: Share | None = None
    error: Amount | None = None


class Context(Part, frozen=True):
    """How a patch's surroundings are taken in.

    Its log odds become offset + weights . (its own, the mean of its neighbours', the mean of its section's). The method
    "gaussian" is that of bundles of before, whose neighbours are no longer taken in.
    """

    method: Literal["surroundings", "gaussian"]
    sigma_px: Annotated[float, Meta(gt=0, le=10_000)]  # of the Gaussian over distance that weighs neighbours
    offset: Weight = 0.0
    weights: tuple[Weight, Weight, Weight] = (1.0, 0.0, 0.0)
    prior: Weight = 0.0  # mean log odds of a section
    fitted_on: dict[str, Any] = {}


class FloorPart(Part, frozen=True):
    """The colour floor that was fitted with the model, its thresholds, and how it takes surroundings in."""

    model: Floor
    thresholds: Thresholds
    context: Context | None = None


class Data(Part, frozen=True, omit_defaults=False):
    """The patches it was trained on and measured with."""

    hash: str
    layout: str
    n_patches: Count
    n_patients: Count
    synthetic: bool


class Split(Part, frozen=True, omit_defaults=False):
    """Which patient was on which side; of patients in `train` and `val` nothing honest can be measured."""

    name: str
    hash: str
    patient_safe: bool
    patients: dict[str, Side]


class Validation(Part, frozen=True, kw_only=True):
    """How the model did on the patients that chose its thresholds."""

    of: str = "val patients"
    n_patches: Count = 0
    n_malignant: Count = 0
    n_patients: Count = 0
    auc: Share
    average_precision: Share
    floor_auc: Share


class Training(Part, frozen=True):
    """How the training went.

    `n_choosing` is how many val patches chose the epoch, a share of each patient; 0 where all did. `shortened` says
    what a quick run left out; empty where it was whole.
    """

    minutes: Amount
    fingerprint: str = ""
    n_patches: Count | None = None
    n_malignant: Count | None = None
    max_per_patient: Count = 0
    limit: Count = 0
    epochs: Count = 0
    best_epoch: Count = 0
    n_choosing: Count = 0
    shortened: str = ""


class Adaptation(Part, frozen=True, kw_only=True):
    """What a model was adapted to, and from which; its network is its parent's, its log odds and threshold are not.

    `change` maps a metric to {"a": before, "b": after, "value", "low", "high"}, on the patients that `told_on` names.
    """

    parent: str
    parent_graph_sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
    made: str
    patients: Count
    with_tumour: Count
    patches: Count
    data_hash: str
    scanner: str = ""
    scale: float
    offset: float
    rule: str
    provisional: bool
    told_on: str
    change: dict[str, dict[str, float | None]] = {}
    warnings: tuple[str, ...] = ()


class File(Part, frozen=True):
    """Size and hash of a file of the bundle."""

    bytes: Annotated[int, Meta(ge=1, le=1_000_000_000)]
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]


class Manifest(Part, frozen=True, kw_only=True):
    """All that decides, and how it came about."""

    format: Literal[1]
    name: Name
    cancernet: str
    created: str
    recipe: Recipe
    input: Input
    classes: tuple[Literal["benign"], Literal["malignant"]]
    parameters: Count | None = None
    weights_from: str
    seed: int
    versions: dict[str, str]
    data: Data
    split: Split
    calibration: Calibration | None = None
    target_recall: Annotated[float, Meta(gt=0, le=1)]
    thresholds: Thresholds
    selective: tuple[Band, ...] = ()
    context: Context | None = None
    floor: FloorPart
    colours: Colours | None = None
    validation: Validation | None = None
    training: Training | None = None
    adaptation: Adaptation | None = None
    files: dict[Name, File]

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        for name in ("model.onnx", "weights.safetensors"):
            if name not in self.files:
                raise ValueError(f"it lists no {name}")
        for band in self.selective:
            if abs(band.threshold - self.thresholds.target_recall) > 1e-9:
                raise ValueError(
                    f"a band of abstention lies about {band.threshold:g}, and the threshold is "
                    f"{self.thresholds.target_recall:g}"
                )

    def side_of(self, patient: str) -> str:
        """Return the side a patient was on in training; empty for one that the model does not know."""
        return self.split.patients.get(patient, "")
