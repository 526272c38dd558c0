"""Networks by name; each file builds one. Input is always raw uint8 RGB, output always one logit."""

from cancernet.networks.build import NETWORKS, build_network, cut, head_of, trainable_from
from cancernet.networks.evidence import with_evidence, with_probability

__all__ = ["NETWORKS", "build_network", "cut", "head_of", "trainable_from", "with_evidence", "with_probability"]
