"""The libraries of the extra `cancernet[slide]`, imported only when a slide is read."""

from __future__ import annotations

import importlib
import os
from types import ModuleType

from cancernet.common.errors import UserError

MODULES = ("openslide", "pyvips", "shapely", "tifffile", "pydicom", "wsidicom", "defusedxml")
PURPOSE = {"slide": "reading slides", "tables": "a table in Parquet", "anndata": "a table in AnnData"}  # of an extra
PACKAGES = (  # what a map depends on; nothing that training alone does
    *("numpy", "pandas", "scikit-learn", "onnxruntime", "opencv-python-headless"),
    *("openslide-python", "openslide-bin", "pyvips", "pyvips-binary", "shapely", "tifffile", "pydicom", "wsidicom"),
)


def need(name: str, extra: str = "slide") -> ModuleType:
    """Import one of MODULES, or a part of one.

    Raises:
        UserError: it, or the C library beneath it, is not installed; says how to install it.
    """
    os.environ.setdefault("VIPS_WARNING", "0")  # set at all, it silences notes on standard error
    try:
        return importlib.import_module(name)
    except (ImportError, OSError) as error:  # OSError: pyvips without libvips
        said = str(error).splitlines()[0]
        raise UserError(
            f"{PURPOSE[extra]} needs {name}, which does not load ({said}); pip install 'cancernet[{extra}]'"
        ) from error


def need_all() -> None:
    """Check that all of the extra is there.

    Raises:
        UserError: as `need`.
    """
    for name in MODULES:
        need(name)
