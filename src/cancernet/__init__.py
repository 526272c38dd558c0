"""CancerNet: tell malignant from benign breast tissue in H&E patches, and say honestly how well.

    >>> import cancernet
    >>> model = cancernet.load_model()              # the one that ships
    >>> model.name
    'cancernet'

Research use only. What is listed in `__all__` is the public API; everything is imported when it is first used.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

from cancernet.common.version import __version__ as __version__

# Before OpenCV is loaded, wherever that is: what is wrong with a file is said once, by us.
os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
# Before ONNX Runtime is loaded, wherever that is: it would look a host up, and write an id below the home folder.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

_HOMES = {  # public name -> where it lives
    "ClassNames": "slide.annotation_classes",
    "LabelRule": "slide.annotation_classes",
    "Labels": "data.layout",
    "Model": "model.model",
    "PatchClassifier": "training.estimator",
    "PlanOptions": "evaluation.plan",
    "SplitChoice": "data.split",
    "TrainingOptions": "training.options",
    "UserError": "common.errors",
    "adapt": "experiment.adapt",
    "audit": "experiment.audit",
    "check_data": "experiment.data",
    "compare": "experiment.compare",
    "evaluate": "experiment.evaluate",
    "explain": "explanation.explain",
    "load_model": "model.model",
    "map_slide": "slide.batch",
    "map_specimens": "maps.report",
    "patches_from_slides": "slide.from_slides",
    "plan": "experiment.plan",
    "predict": "prediction.predict",
    "run": "experiment.run",
    "site": "sites.site",
    "train": "experiment.train",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from cancernet.common.errors import UserError as UserError
    from cancernet.data.layout import Labels as Labels
    from cancernet.data.split import SplitChoice as SplitChoice
    from cancernet.evaluation.plan import PlanOptions as PlanOptions
    from cancernet.experiment.adapt import adapt as adapt
    from cancernet.experiment.audit import audit as audit
    from cancernet.experiment.compare import compare as compare
    from cancernet.experiment.data import check_data as check_data
    from cancernet.experiment.evaluate import evaluate as evaluate
    from cancernet.experiment.plan import plan as plan
    from cancernet.experiment.run import run as run
    from cancernet.experiment.train import train as train
    from cancernet.explanation.explain import explain as explain
    from cancernet.maps.report import map_specimens as map_specimens
    from cancernet.model.model import Model as Model
    from cancernet.model.model import load_model as load_model
    from cancernet.prediction.predict import predict as predict
    from cancernet.sites.site import site as site
    from cancernet.slide.annotation_classes import ClassNames as ClassNames
    from cancernet.slide.annotation_classes import LabelRule as LabelRule
    from cancernet.slide.batch import map_slide as map_slide
    from cancernet.slide.from_slides import patches_from_slides as patches_from_slides
    from cancernet.training.estimator import PatchClassifier as PatchClassifier
    from cancernet.training.options import TrainingOptions as TrainingOptions


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'cancernet' has no attribute {name!r}")
    found = getattr(importlib.import_module(f"cancernet.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
