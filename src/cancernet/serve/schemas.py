"""The answers of the API, as its schema shows them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Decision = Literal["malignant", "benign", "unsure"]
STAMP: dict[str, Any] = {
    "name": "cancernet",
    "graph_sha256": "9f2c…",
    "threshold": 0.104,
    "synthetic": False,
    "research_only": True,
}
PATCH: dict[str, Any] = {
    "path": "8867_idx5_x1001_y1001_class1.png",
    "patient": "8867",
    "x": 1001,
    "y": 1001,
    "probability": 0.838,
    "decision": "malignant",
    "reason": "",
    "alone": 0.838,
    "stated": "malignant",
}
STAIN: dict[str, Any] = {"group": "8867", "patches": 1, "distance": 0.6, "limit": 4.0, "alarm": ""}


class Closed(BaseModel):
    """An object with these members and no others."""

    model_config = ConfigDict(extra="forbid")


class Stamp(Closed):
    """Which model answered."""

    name: str
    graph_sha256: str = Field(description="SHA-256 of the graph, which tells this model from any other")
    threshold: float = Field(description="malignant from this probability on")
    synthetic: bool = Field(description="whether it learned from drawn patches: then its answers mean nothing")
    research_only: Literal[True]


class Refused(Closed):
    """A file that could not be used."""

    path: str
    reason: str


class Stain(Closed):
    """How the stain of a patient or folder is."""

    group: str = Field(description="patient, or the folder that the patches lie in")
    patches: int = Field(description="with tissue, by which it was told")
    distance: float = Field(description="of its mean colours from those of training, standard deviations")
    limit: float = Field(description="from which on it is foreign; it depends on how many patches there are")
    alarm: str = Field(description="empty where it is known")


class Patch(Closed):
    """The answer on a patch, in the columns of predictions.csv."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": PATCH})
    path: str
    patient: str
    x: int | None = Field(description="px, as the name says")
    y: int | None
    probability: float = Field(ge=0, le=1, description="of malignant, its surroundings taken in where they are known")
    decision: Decision
    reason: str = Field(description="why it cannot be judged; empty where it can")
    alone: float = Field(ge=0, le=1, description="of the patch by itself")
    stated: Literal["benign", "malignant"] | None = Field(description="the class that its name states")


class Prediction(Closed):
    """The answers on patches."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"model": STAMP, "patches": [PATCH], "errors": [], "stains": [STAIN], "notes": []}
        },
    )
    model: Stamp
    patches: list[Patch]
    errors: list[Refused]
    stains: list[Stain]
    notes: list[str]


class Near(Closed):
    """A training patch; the model holds no picture of it."""

    path: str
    patient: str
    label: Literal["benign", "malignant"]
    similarity: float = Field(description="cosine of what the model sees in both")


class Explained(Closed):
    """The answer on a patch by itself, and why."""

    path: str
    patient: str
    probability: float = Field(ge=0, le=1)
    decision: Decision
    reason: str
    evidence: list[list[float]] = Field(description="log odds by cell; their mean is that of the probability")
    nearest: list[Near]
    known: str = Field(description="train or val, where the patient taught the model or chose its threshold")


class Explanation(Closed):
    """The answers on patches, and why."""

    model: Stamp
    patches: list[Explained]
    errors: list[Refused]
    stains: list[Stain]
    notes: list[str]


class FieldPatch(Closed):
    """A patch of a field."""

    x: float = Field(description="px of the field, its left edge")
    y: float
    width: float
    height: float
    probability: float
    alone: float
    threshold: float = Field(description="malignant from it on; it moves where surroundings are taken in")
    decision: Decision
    reason: str


class FieldAnswer(Closed):
    """A field under its map."""

    model: Stamp
    name: str
    summary: dict[str, object] = Field(description="areas in mm2, scale, warnings: of summary.json of cancernet slide")
    patches: list[FieldPatch]
    overlay: str = Field(description="the map over the field, PNG as a data address")


class Band(Closed):
    """A band of abstention."""

    target: float = Field(description="share of the patches left unsure")
    width: float = Field(description="log odds about the threshold")


class About(Closed):
    """The model that answers, and what is known of it."""

    model: Stamp
    version: str
    size_px: int
    mpp: float = Field(description="um a pixel of the patches that it takes")
    target_recall: float
    thresholds: dict[str, float]
    bands: list[Band]
    context: bool = Field(description="whether a patch is judged with those around it")
    created: str
    patients: int
    patches: int
    card: str = Field(description="where its model card is")
    limits: dict[str, float]
    slides: bool = Field(description="whether this server has slides to map")


class ProblemDetails(BaseModel):
    """An error, as RFC 9457 has it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "urn:cancernet:problem:invalid",
                "title": "Cannot be used",
                "status": 422,
                "detail": "no image could be used of 1 files: x.png: empty",
            }
        }
    )
    type: str
    title: str
    status: int
    detail: str
