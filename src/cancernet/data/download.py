"""Fetch the public patch set (Cruz-Roa 2014; Janowczyk & Madabhushi 2016) from its mirror on Kaggle."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from cancernet.common.errors import UserError

DATASET = "paultimothymooney/breast-histopathology-images"
PAGE = f"https://www.kaggle.com/datasets/{DATASET}"
PATCHES = "IDC_regular_ps50_idx5"  # the archive's own name for the folder of patients
CACHE = "KAGGLEHUB_CACHE"  # where kagglehub keeps its files; it takes that from the environment alone
PARTIAL = ".download"  # inside the target, so that a broken download continues and fills no other disk
SPACE = 9_000_000_000  # bytes: the archive (3 GB, each patch in it twice) beside its unpacked files
BY_HAND = f"By hand: open {PAGE}, press Download, and give the .zip as it is to `cancernet data check`."
NO_NETWORK = {"ConnectionError", "ConnectTimeout", "ReadTimeout", "Timeout", "ProxyError", "SSLError"}


def download(folder: Path | str) -> Path:
    """Download the public IDC patches into `folder` and return where the patches are.

    The set is public: no account, password or token is asked for. The same call repeated continues a
    download that was broken off, and returns at once when all is there.

    Args:
        folder: where to put the set; made if absent, must hold nothing else.

    Returns:
        The folder that holds the PATIENT folders.

    Raises:
        UserError: `folder` is in use, the disk is too small, kagglehub is missing, or there is no network;
            each says what to do, with the way by hand.
    """
    folder = Path(folder).absolute()
    target = folder / PATCHES
    if target.is_dir():
        return target
    if folder.exists() and (not folder.is_dir() or {item.name for item in folder.iterdir()} - {PARTIAL}):
        raise UserError(f"{folder} is in use; name a new or an empty folder to download into.")
    disk = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(disk).free
    if free < SPACE:
        raise UserError(
            f"The download needs {SPACE / 1e9:.0f} GB and {disk} has {free / 1e9:.1f} GB free; "
            "make room or name a folder on another disk."
        )
    try:
        import kagglehub
    except ImportError:
        raise UserError(
            f"Downloading needs kagglehub, which is missing: pip install 'cancernet[download]'. {BY_HAND}"
        ) from None
    before = {name: value for name, value in os.environ.items() if name == CACHE}
    try:
        os.environ[CACHE] = str(folder / PARTIAL)
        fetched = Path(kagglehub.dataset_download(DATASET))
    except Exception as problem:  # kagglehub, requests and urllib3 each raise their own
        raise UserError(f"{_reason(problem)} {BY_HAND}") from problem
    finally:
        del os.environ[CACHE]
        os.environ.update(before)
    patches_in(fetched).replace(target)
    shutil.rmtree(folder / PARTIAL, ignore_errors=True)
    return target


def patches_in(folder: Path) -> Path:
    """Return the folder inside an unpacked archive whose sub-folders are patients.

    The archive holds every patch twice: at its top and again under IDC_regular_ps50_idx5. Only one copy
    is to be read, or each patch would look like a duplicate of another.

    Raises:
        UserError: no patches are there.
    """
    for candidate in (folder / PATCHES, folder):
        if candidate.is_dir() and next(candidate.glob("*/[01]/*.png"), None):
            return candidate
    raise UserError(f"The download left no patches in {folder}; remove that folder and try again. {BY_HAND}")


def _reason(problem: Exception) -> str:
    if type(problem).__name__ in NO_NETWORK:
        return "Could not reach kaggle.com: is there a network? The same command continues where it stopped."
    words = " ".join(str(problem).split()) or type(problem).__name__
    return f"Could not download {DATASET}: {words[:200]}."
