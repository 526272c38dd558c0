"""A trained model on disk: a manifest, weights and an ONNX graph. Read as untrusted input.

    NAME/manifest.json         what it is, how it was made, its thresholds, sizes and SHA-256 of the rest
    NAME/model.onnx            raw uint8 RGB in; probability of malignant out, then evidence by cell, embedding
    NAME/weights.safetensors   arrays for the network of the same recipe, built by this package
    NAME/examples.*            some of its training patches as the network sees them (`explain.neighbours`)

Nothing in a bundle is code, and nothing is used before its size and hash agree with the manifest.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import onnxruntime as ort

from cancernet.atomic import replacing, write_text
from cancernet.errors import UserError

FORMAT = 1
SHIPPED = "cancernet"  # the model that is used where none is named
MANIFEST = "manifest.json"
GRAPH = "model.onnx"
WEIGHTS = "weights.safetensors"
MAX_MANIFEST_BYTES = 16_000_000  # a patient list of the full data set takes 10 kB


@dataclass(frozen=True)
class Bundle:
    """A model read from disk.

    Attributes:
        folder: where it lies.
        manifest: checked against the schema.
    """

    folder: Path
    manifest: dict[str, Any]

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.manifest["name"]

    @property
    def thresholds(self) -> dict[str, float]:
        """Thresholds by operating point, chosen on validation patients."""
        return self.manifest["thresholds"]

    @property
    def threshold(self) -> float:
        """The operating threshold: malignant where the probability is at least this."""
        return self.thresholds["target_recall"]

    @property
    def calibration(self) -> dict[str, float]:
        """`scale` and `offset` of the calibrated logit, scale * logit + offset; 1 and 0 where there is none."""
        found = self.manifest.get("calibration", {"temperature": 1.0})
        return {"scale": 1 / found["temperature"], "offset": found.get("offset", 0.0)}

    @property
    def bands(self) -> list[dict[str, Any]]:
        """Bands of abstention, fitted on validation patients; none in a bundle made before there were any."""
        return self.manifest.get("selective", [])

    def band(self, share: float) -> dict[str, Any]:
        """Return the band fitted to abstain on this share of patches.

        Raises:
            UserError: none was fitted for that share.
        """
        for band in self.bands:
            if abs(band["target"] - share) < 1e-9:
                return band
        fitted = ", ".join(f"{band['target']:g}" for band in self.bands) or "none"
        raise UserError(
            f"{self.name} has no band to abstain on {share:g} of the patches; fitted are: {fitted}"
        )

    def read(self, name: str) -> bytes:
        """Return a file of the bundle after checking its size and SHA-256.

        Raises:
            UserError: it is missing, cut short, or not the file the manifest was written for.
        """
        if name not in self.manifest["files"]:
            raise UserError(f"{self.folder}: the manifest lists no file {name}")
        stated = self.manifest["files"][name]
        path = self.folder / name
        try:
            if path.stat().st_size != stated["bytes"]:
                raise UserError(
                    f"{path}: {path.stat().st_size} bytes, not {stated['bytes']}; copy the bundle again"
                )
            content = path.read_bytes()
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror}") from error
        if hashlib.sha256(content).hexdigest() != stated["sha256"]:
            raise UserError(f"{path}: its content was changed (SHA-256 differs); copy the bundle again")
        return content

    def session(self, *, threads: int | None = None) -> ort.InferenceSession:
        """Open the graph for `cancernet.inference.predict`."""
        from cancernet.inference import open_session

        return open_session(self.read(GRAPH), threads=threads)


def shipped() -> Path:
    """Return the folder of the model that ships with the package."""
    return Path(str(resources.files("cancernet").joinpath("models", SHIPPED)))


def read_bundle(folder: Path) -> Bundle:
    """Read and check the manifest of a bundle.

    Raises:
        UserError: there is none, it is not JSON, of another format, or breaks the schema; says where.
    """
    path = folder / MANIFEST
    try:
        if path.stat().st_size > MAX_MANIFEST_BYTES:
            raise UserError(f"{path}: too large to be a manifest")
        manifest = json.loads(path.read_text("utf-8"), parse_constant=_refuse)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UserError(
            f"{folder} is no model: it has no {MANIFEST}; name the folder that holds one"
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"cannot read {path}: {error}") from error
    _check(manifest, path)
    return Bundle(folder, manifest)


def write_bundle(folder: Path, manifest: dict[str, Any], files: dict[str, bytes]) -> Bundle:
    """Write a bundle, the manifest last, so that a folder with a manifest is whole.

    Args:
        folder: made if absent.
        manifest: without `format` and `files`, which are added.
        files: content by name.
    """
    listed = {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in files.items()
    }
    manifest = {"format": FORMAT, **manifest, "files": listed}
    _check(manifest, folder / MANIFEST)
    (folder / MANIFEST).unlink(missing_ok=True)
    for name, content in files.items():
        with replacing(folder / name) as temporary:
            temporary.write_bytes(content)
    write_text(folder / MANIFEST, json.dumps(manifest, indent=1) + "\n")
    return Bundle(folder, manifest)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number in JSON")  # and would pass every limit of the schema


def _check(manifest: Any, path: Path) -> None:
    import jsonschema

    found = manifest.get("format") if isinstance(manifest, dict) else None
    if isinstance(found, int) and found > FORMAT:
        raise UserError(f"{path}: written by a newer CancerNet (format {found}); upgrade to read it")
    schema = json.loads(resources.files("cancernet").joinpath("bundle_schema.json").read_text("utf-8"))
    error = next(iter(jsonschema.Draft202012Validator(schema).iter_errors(manifest)), None)
    if error is not None:
        where = "/".join(str(step) for step in error.absolute_path) or "the top"
        raise UserError(f"{path}: not a valid manifest at {where}: {error.message[:200]}")
