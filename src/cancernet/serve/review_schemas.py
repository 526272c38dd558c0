"""Judgements of readers, as the schema of the API shows them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from cancernet.serve.schemas import Closed, Decision

REVIEW: dict[str, Any] = {
    "hash": "3b1f6c0de2a94877a1c05d9e8b7f4421",
    "path": "8867_idx5_x1001_y1001_class1.png",
    "patient": "8867",
    "reader": "A. Reader",
    "verdict": "malignant",
    "note": "",
    "stated": "malignant",
    "probability": 0.838,
    "decision": "malignant",
    "reason": "",
    "model": "9f2c…",
    "made": "2026-01-31T12:00:00+00:00",
}
NUMBERS: dict[str, Any] = {
    "patches": 240,
    "patients": 12,
    "unsure": 9,
    "agreement": 0.91,
    "kappa": 0.79,
    "low": 0.68,
    "high": 0.88,
    "reason": "",
}


class Review(Closed):
    """What a reader says of a patch, and what the model said of it by itself."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": REVIEW})
    hash: str = Field(description="of its decoded pixels; it stands for the patch, whatever its file is called")
    path: str
    patient: str = Field(description="as the name says; empty where it does not")
    reader: str
    verdict: Decision
    note: str
    stated: Literal["benign", "malignant"] | None = Field(description="the class that its name states")
    probability: float = Field(ge=0, le=1, description="of malignant, by the model, of the patch by itself")
    decision: Decision = Field(description="of the model")
    reason: str = Field(description="why the model cannot judge it; empty where it can")
    model: str = Field(description="SHA-256 of the model's graph")
    made: str = Field(description="when, ISO 8601")


class ReviewPage(Closed):
    """Some judgements, the oldest first."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"reviews": [REVIEW], "next": "120"}})
    reviews: list[Review]
    next: str | None = Field(description="`after` of the next page; null on the last")


class Agreed(Closed):
    """How far two agree beyond chance."""

    patches: int = Field(description="that both call benign or malignant")
    patients: int = Field(description="of these, as far as they are known")
    unsure: int = Field(description="patches left out, since one of them or both leave them unsure")
    agreement: float | None = Field(description="share of the patches on which they say the same")
    kappa: float | None = Field(description="Cohen's; null where there are too few, or it is not defined")
    low: float | None = Field(description="of its 95 % interval, which resamples patients")
    high: float | None
    reason: str = Field(description="why kappa is not given; empty where it is")


class WithModel(Agreed):
    """A reader and the model."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"reader": "A. Reader", **NUMBERS}})
    reader: str


class Between(Agreed):
    """Two readers."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"first": "A. Reader", "second": "B. Reader", **NUMBERS}}
    )
    first: str
    second: str


class Agreement(Closed):
    """How readers agree with the model and with each other."""

    readers: list[str]
    with_model: list[WithModel]
    between: list[Between]
    note: str = Field(description="what is compared, and how")
