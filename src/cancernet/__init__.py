"""CancerNet: tell malignant from benign breast tissue in H&E patches, and say honestly how well.

    >>> import cancernet
    >>> model = cancernet.load_model()              # the one that ships
    >>> model.name
    'cancernet'

Research use only. What is listed in `__all__` is the public API; everything is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0.dev0"

_HOMES = {  # public name -> where it lives
    "Model": "model.model",
    "PatchClassifier": "training.estimator",
    "SplitChoice": "data.split",
    "TrainingOptions": "training.options",
    "UserError": "common.errors",
    "audit": "experiment.audit",
    "check_data": "experiment.data",
    "compare": "experiment.compare",
    "evaluate": "experiment.evaluate",
    "explain": "explanation.explain",
    "load_model": "model.model",
    "map_slide": "slide.batch",
    "map_specimens": "maps.report",
    "predict": "prediction.predict",
    "run": "experiment.run",
    "train": "experiment.train",
}

__all__ = [
    "Model",
    "PatchClassifier",
    "SplitChoice",
    "TrainingOptions",
    "UserError",
    "audit",
    "check_data",
    "compare",
    "evaluate",
    "explain",
    "load_model",
    "map_slide",
    "map_specimens",
    "predict",
    "run",
    "train",
]

if TYPE_CHECKING:
    from cancernet.common.errors import UserError
    from cancernet.data.split import SplitChoice
    from cancernet.experiment.audit import audit
    from cancernet.experiment.compare import compare
    from cancernet.experiment.data import check_data
    from cancernet.experiment.evaluate import evaluate
    from cancernet.experiment.run import run
    from cancernet.experiment.train import train
    from cancernet.explanation.explain import explain
    from cancernet.maps.report import map_specimens
    from cancernet.model.model import Model, load_model
    from cancernet.prediction.predict import predict
    from cancernet.slide.batch import map_slide
    from cancernet.training.estimator import PatchClassifier
    from cancernet.training.options import TrainingOptions


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'cancernet' has no attribute {name!r}")
    found = getattr(importlib.import_module(f"cancernet.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
