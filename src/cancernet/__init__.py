"""CancerNet: tell malignant from benign breast tissue in H&E patches, and say honestly how well."""

__version__ = "0.1.0"
