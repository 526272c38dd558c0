"""A model on disk, read as untrusted input.

    NAME/manifest.json         what it is, how it was made, its thresholds, sizes and SHA-256 of the rest
    NAME/model.onnx            raw uint8 RGB in; probability of malignant out, then evidence by cell, embedding
    NAME/weights.safetensors   arrays for the network of the same recipe, built by this package
    NAME/examples.*            some of its training patches as the network sees them (`model.examples`)
    NAME/held_out.safetensors  what it said of patients it did not learn from (`model.held_out`)

Nothing in a bundle is code, and nothing is used before its size and hash agree with the manifest.
"""

from __future__ import annotations

import hashlib
from importlib import resources
from pathlib import Path

import msgspec

from cancernet.common.defaults import PATCH_SIZE
from cancernet.common.errors import UserError
from cancernet.common.limits import read_bytes
from cancernet.common.output import Output
from cancernet.model.manifest import FORMAT, File, Manifest

SHIPPED = "cancernet"  # the model that is used where none is named
MANIFEST = "manifest.json"
GRAPH = "model.onnx"
WEIGHTS = "weights.safetensors"


def shipped() -> Path:
    """Return the folder of the model that ships with the package."""
    return Path(str(resources.files("cancernet").joinpath("models", SHIPPED)))


def read_manifest(folder: Path) -> Manifest:
    """Read and check the manifest of a bundle.

    Raises:
        UserError: there is none, it is not JSON, of another format, or lacks or contradicts something; says where.
    """
    path = folder / MANIFEST
    try:
        content = read_bytes(path, "the manifest")
    except UserError as error:
        if isinstance(error.__cause__, (FileNotFoundError, NotADirectoryError)):
            raise UserError(f"{folder} is no model: it has no {MANIFEST}; name the folder that holds one") from error
        raise
    try:
        found = msgspec.json.decode(content, type=_Format).format
        if found > FORMAT:
            raise UserError(f"{path}: written by a newer CancerNet (format {found}); upgrade to read it")
        manifest = msgspec.json.decode(content, type=Manifest)
    except msgspec.ValidationError as error:
        raise UserError(f"{path}: not a valid manifest: {str(error)[:300]}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"cannot read {path}: {str(error)[:300]}") from error
    if manifest.input.size_px != PATCH_SIZE:
        raise UserError(f"{path}: takes patches of {manifest.input.size_px} px, and CancerNet gives {PATCH_SIZE} px")
    return manifest


def read_file(folder: Path, manifest: Manifest, name: str) -> bytes:
    """Return a file of a bundle after checking its size and SHA-256.

    Raises:
        UserError: it is missing, cut short, or not the file the manifest was written for.
    """
    if name not in manifest.files:
        raise UserError(f"{folder}: the manifest lists no file {name}")
    stated = manifest.files[name]
    path = folder / name
    try:
        if path.stat().st_size != stated.bytes:
            raise UserError(f"{path}: {path.stat().st_size} bytes, not {stated.bytes}; copy the bundle again")
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    if hashlib.sha256(content).hexdigest() != stated.sha256:
        raise UserError(f"{path}: its content was changed (SHA-256 differs); copy the bundle again")
    return content


def list_files(files: dict[str, bytes]) -> dict[str, File]:
    """Return what a manifest says of files, content by name."""
    return {
        name: File(bytes=len(content), sha256=hashlib.sha256(content).hexdigest()) for name, content in files.items()
    }


def write_bundle(out: Output, manifest: Manifest, files: dict[str, bytes]) -> Path:
    """Write a bundle, the manifest last, so that a folder with a manifest is whole.

    Args:
        out: its folder.
        manifest: with the files listed, see `list_files`.
        files: content by name.

    Returns:
        The folder, for `load_model`.
    """
    out.remove(MANIFEST)
    for name, content in files.items():
        out.write_bytes(name, content)
    out.write_bytes(MANIFEST, encode_manifest(manifest))
    return out.folder


def encode_manifest(manifest: Manifest) -> bytes:
    """Return a manifest as the content of its file."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"


class _Format(msgspec.Struct):
    format: int
