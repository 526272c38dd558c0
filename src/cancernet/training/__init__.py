"""Train a recipe into a bundle. Needs TensorFlow (`cancernet[train]`)."""

from cancernet.training.options import TrainingOptions
from cancernet.training.train import train

__all__ = ["TrainingOptions", "train"]
