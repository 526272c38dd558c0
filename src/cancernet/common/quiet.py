"""Nothing on the screen but our own words, and nothing in a home but our cache, whatever libraries would do."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from pathlib import Path


def silence() -> None:
    """Keep libraries from the screen; what matters of their warnings is checked and said by us."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    if not sys.warnoptions:  # python -W asks for them
        warnings.simplefilter("ignore")


def keep_fonts() -> None:
    """Have matplotlib keep its list of fonts in our cache, and draw by its own settings and not by the user's."""
    import platformdirs

    cache = os.environ.get("CANCERNET_CACHE") or platformdirs.user_cache_dir("cancernet")
    os.environ.setdefault("MPLCONFIGDIR", str(Path(cache, "matplotlib")))
