"""The trained model: one object that answers, says what it cannot answer, and decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime as ort
from numpy.typing import ArrayLike, NDArray

from cancernet.common.errors import UserError
from cancernet.model import decide, inference
from cancernet.model.bundle import GRAPH, read_file, read_manifest, shipped
from cancernet.model.colours import Colours, colours_of_floor
from cancernet.model.judge import Judge, Stain
from cancernet.model.manifest import Band, Calibration, Context, Manifest

RANKS = (2, 3, 2)  # of the graph's outputs, the patches' axis included


class Explained(NamedTuple):
    """What a model makes of some patches, all in the same order.

    `evidence` is in calibrated log odds. Its mean over h and w is the logit of the probability, so a cell of
    evidence e is one that would make a patch of nothing but such cells malignant with probability sigmoid(e).
    """

    probability: np.ndarray  # float32 (N,), of malignant
    evidence: np.ndarray  # float32 (N, h, w)
    embedding: np.ndarray  # float32 (N, D)


@dataclass(frozen=True)
class Model:
    """A trained model, from `load_model`.

    Attributes:
        folder: where its bundle lies.
        manifest: all that decides, typed.
        threads: CPU threads it runs on; those this process may use by default.

    Example:
        >>> import numpy as np
        >>> from cancernet import load_model
        >>> model = load_model()
        >>> patch = np.full((1, 50, 50, 3), (200, 120, 180), "uint8")
        >>> model.decide(model.predict(patch)).shape
        (1,)
    """

    folder: Path
    manifest: Manifest
    threads: int | None = None

    def __repr__(self) -> str:
        return f"<Model {self.name}: malignant from {self.threshold:.3f} on, {self.folder}>"

    def _repr_html_(self) -> str:
        from html import escape

        data, training = self.manifest.data, self.manifest.training
        learned = f"{training.n_patches:,} patches of " if training and training.n_patches is not None else ""
        patients = sum(side == "train" for side in self.manifest.split.patients.values())
        facts = {
            "input": f"{self.size_px} px at {self.mpp:g} µm/px",
            "malignant from": f"{self.threshold:.3f} (chosen for {self.manifest.target_recall:.0%} recall)",
            "learned from": f"{learned}{patients} patients, of {data.n_patches:,} of {data.n_patients} at hand"
            + (", SYNTHETIC: its answers mean nothing" if self.synthetic else ""),
            "created": self.manifest.created,
            "folder": str(self.folder),
        }
        rows = "".join(f"<tr><th>{name}</th><td>{escape(value)}</td></tr>" for name, value in facts.items())
        return f"<table><caption>CancerNet model {escape(self.name)}, research use only</caption>{rows}</table>"

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.manifest.name

    @property
    def shortened(self) -> str:
        """What a quick run left out when this model was trained, in words; empty where it was trained in full."""
        return self.manifest.training.shortened if self.manifest.training else ""

    @property
    def synthetic(self) -> bool:
        """Whether it was trained on patches that a program drew: then its answers mean nothing."""
        return self.manifest.data.synthetic

    @property
    def size_px(self) -> int:
        """Side of the patches it takes, px."""
        return self.manifest.input.size_px

    @property
    def mpp(self) -> float:
        """um/px of the patches it takes."""
        return self.manifest.input.mpp

    @property
    def threshold(self) -> float:
        """The operating threshold: malignant where the probability is at least this."""
        return self.manifest.thresholds.target_recall

    @property
    def thresholds(self) -> dict[str, float]:
        """Thresholds by operating point, chosen on patients the network did not learn from."""
        return self.manifest.thresholds.to_dict()

    @property
    def bands(self) -> tuple[Band, ...]:
        """Bands of abstention; none in a bundle made before there were any."""
        return self.manifest.selective

    @property
    def calibration(self) -> Calibration:
        """Scale and offset of the calibrated logit; 1 and 0 where there is none."""
        return self.manifest.calibration or Calibration()

    @property
    def context(self) -> Context | None:
        """How surroundings are taken in; nothing where there were too few patients to learn it from."""
        found = self.manifest.context
        return found if found is not None and found.method == "surroundings" else None

    @property
    def graph_sha256(self) -> str:
        """SHA-256 (hex) of the graph, which tells this model from any other."""
        return self.manifest.files[GRAPH].sha256

    @cached_property
    def session(self) -> ort.InferenceSession:
        """The open graph.

        Raises:
            UserError: the file is missing, changed, or no graph that answers patches with probabilities.
        """
        return inference.open_model(self.read(GRAPH), self.size_px, threads=self.threads)

    @cached_property
    def can_explain(self) -> bool:
        """Whether the graph has the outputs that explaining wants."""
        found = {each.name: len(each.shape) for each in self.session.get_outputs()}
        return all(found.get(name) == rank for name, rank in zip(inference.OUTPUTS, RANKS, strict=True))

    def read(self, name: str) -> bytes:
        """Return a file of the bundle after checking its size and SHA-256; raises UserError as `read_file`."""
        return read_file(self.folder, self.manifest, name)

    def predict(self, images: NDArray[np.uint8], rows: ArrayLike | None = None) -> NDArray[np.float32]:
        """Return the probability of malignant, float32 (M,): finite, in [0, 1], one a patch.

        Args:
            images: uint8 RGB (N, size_px, size_px, 3), in memory or memory-mapped.
            rows: int (M,), which of them; all by default.

        Raises:
            ValueError: patches of another shape or dtype.
            UserError: the graph cannot be run, or answers otherwise than with probabilities.
        """
        check_patches(images, self.size_px)
        return inference.predict(self.session, images, None if rows is None else np.asarray(rows))

    def embed(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the probability that `predict` gives, float32 (N,), and the embedding, float32 (N, D), of patches.

        Raises:
            ValueError: patches of another shape or dtype.
            UserError: the model was made before there were embeddings, or its graph answers nonsense.
        """
        check_patches(images, self.size_px)
        if not self.can_explain:
            raise UserError(f"{self.folder}: this model was made before CancerNet had embeddings; train it again")
        return inference.embed(self.session, images)

    def explain(self, images: NDArray[np.uint8]) -> Explained:
        """Return probability, evidence by cell and embedding of patches, as `predict` takes them.

        Raises:
            ValueError: patches of another shape or dtype.
            UserError: the model was made before there was evidence, or its graph answers nonsense.
        """
        check_patches(images, self.size_px)
        if not self.can_explain:
            again = f"train it again (cancernet train --recipe {self.manifest.recipe.name})"
            raise UserError(f"{self.folder}: this model was made before CancerNet explained answers; {again}")
        return Explained(*inference.explain(self.session, images))

    @cached_property
    def colours(self) -> Colours:
        """The colours of the patches that it learned from."""
        return self.manifest.colours or colours_of_floor(self.manifest.floor.model)

    def judge(self, images: NDArray[np.uint8], groups: Sequence[str] | None = None) -> NDArray[np.object_]:
        """Say of each patch why it cannot be answered, or "" where it can: str (N,); see `model.judge`.

        Args:
            images: as `predict` takes them.
            groups: (N,) patient or folder of each, whose stain is looked at; all of one by default.

        Raises:
            ValueError: patches of another shape or dtype.
        """
        check_patches(images, self.size_px)
        judge = Judge(self.colours)
        return np.array(judge.settle(judge.see(images, groups), groups), dtype=object)

    def stain(self, images: NDArray[np.uint8]) -> Stain:
        """Say how far the colours of a patient's or folder's patches, as `predict` takes them, lie from those known.

        Raises:
            ValueError: patches of another shape or dtype.
        """
        check_patches(images, self.size_px)
        judge = Judge(self.colours)
        judge.see(images)
        return judge.stain()

    def decide(
        self,
        probability: ArrayLike,
        *,
        abstain: float | None = None,
        reasons: Sequence[str] | NDArray[np.object_] | None = None,
    ) -> decide.Decisions:
        """Turn probabilities into decisions: the one place where one meets the model's threshold.

        Args:
            probability: (N,) of malignant.
            abstain: share of the patches to leave unsure, those nearest the threshold; one that a band was fitted for.
            reasons: (N,) from `judge`; where one is given the patch is unsure.

        Returns:
            int8 (N,): 1 malignant, 0 benign, -1 unsure; `model.decide.words` names them.

        Raises:
            UserError: no band was fitted for that share.
        """
        width = 0.0 if abstain is None else self.band(abstain).width
        made = decide.decide(probability, self.threshold, width=width)
        if reasons is not None:
            made[np.asarray(reasons) != ""] = decide.UNSURE
        return made

    def band(self, share: float) -> Band:
        """Return the band fitted to abstain on this share of patches.

        Raises:
            UserError: none was fitted for that share.
        """
        for band in self.bands:
            if abs(band.target - share) < 1e-9:
                return band
        fitted = ", ".join(f"{band.target:g}" for band in self.bands) or "none"
        raise UserError(f"{self.name} has no band to abstain on {share:g} of the patches; fitted are: {fitted}")

    def side_of(self, patient: str) -> str:
        """Return the side a patient was on in training: train, val, test, or "" for one it does not know."""
        return self.manifest.side_of(patient)

    def describe(self) -> dict[str, object]:
        """Return what tells this model and its settings from others, plain."""
        near = self.context
        return {
            "name": self.name,
            "graph_sha256": self.graph_sha256,
            "threshold": self.threshold,
            "context": [near.sigma_px, near.prior, near.offset, *near.weights] if near else None,
            "colours": list(self.colours.mean),
            "mpp": self.mpp,
        }


def load_model(path: Path | str | None = None, *, threads: int | None = None) -> Model:
    """Load a trained model; nothing of its files is run as code.

    Args:
        path: folder of its bundle; by default the model that ships with the package.
        threads: CPU threads it runs on; those this process may use by default.

    Raises:
        UserError: there is no model there, or its manifest cannot be read or trusted.
    """
    folder = shipped() if path is None else Path(path).expanduser()
    return Model(folder, read_manifest(folder), threads)


def check_patches(images: NDArray[np.uint8], side: int) -> None:
    """Refuse what is no stack of patches.

    Raises:
        ValueError: not uint8 (N, side, side, 3).
    """
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != (side, side, 3):
        raise ValueError(f"patches must be uint8 (N, {side}, {side}, 3) RGB, not {images.dtype} {images.shape}")
