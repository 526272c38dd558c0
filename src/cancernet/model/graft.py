"""A model's graph with other log odds: scale and offset put behind its own, for probability and evidence alike.

The network is not touched. Whoever runs the graph sees the probabilities that CancerNet's commands show.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cancernet.common.errors import UserError

PREFIX = "cancernet_adapted_"


def graft(graph: bytes, *, scale: float, offset: float) -> bytes:
    """Return a graph whose log odds are `scale` times what they were, plus `offset`.

    Args:
        graph: with the outputs probability, from a sigmoid, and evidence, whose mean over cells is its log odds.
        scale: above 0.
        offset: log odds.

    Raises:
        UserError: the package onnx is missing, or the graph is of another kind.
    """
    onnx = need_onnx()
    model = onnx.load_from_string(graph)
    nodes = model.graph.node
    made = {name: at for at, node in enumerate(nodes) for name in node.output}
    if not {"probability", "evidence"} <= made.keys() or nodes[made["probability"]].op_type != "Sigmoid":
        raise UserError("this model was made before CancerNet explained answers, and cannot be adapted; train it again")
    number = sum(each.name.startswith(PREFIX) for each in model.graph.initializer)  # of a model adapted before
    by, plus = f"{PREFIX}scale_{number}", f"{PREFIX}offset_{number}"
    for name, value in ((by, scale), (plus, offset)):
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.float32(value), name))
    sigmoid = nodes[made["probability"]]
    evidence = nodes[made["evidence"]]
    before = f"{PREFIX}evidence_{number}"
    evidence.output[list(evidence.output).index("evidence")] = before
    new = [*_moved(onnx, before, "evidence", by, plus)]
    logit = f"{PREFIX}logit_{number}"
    new_logit = [*_moved(onnx, sigmoid.input[0], logit, by, plus)]
    sigmoid.input[0] = logit
    at = made["probability"]
    for node in reversed(new_logit):
        nodes.insert(at, node)
    nodes.extend(new)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def _moved(onnx: Any, source: str, target: str, by: str, plus: str) -> tuple[Any, Any]:
    """Return the nodes that multiply and add."""
    between = f"{target}_scaled" if target.startswith(PREFIX) else f"{PREFIX}{target}_scaled_{by.rpartition('_')[2]}"
    make = onnx.helper.make_node
    return make("Mul", [source, by], [between]), make("Add", [between, plus], [target])


def need_onnx() -> Any:
    """Return the package onnx.

    Raises:
        UserError: it is not installed; says how to install it.
    """
    try:
        import onnx
        import onnx.checker
        import onnx.helper
        import onnx.numpy_helper
    except ImportError as error:
        raise UserError("adapting a model needs the package onnx; pip install 'cancernet[adapt]'") from error
    return onnx
