"""ONNX graphs that no honest training writes, and bundles that hold them. They need the package `onnx`."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hostile.case import MODEL

Graph = Callable[[], bytes]
PATCHES = ("n", 50, 50, 3)


def model(
    *nodes: tuple[str, str, str] | tuple[str, str, str, dict[str, Any]],
    constants: dict[str, Any] | None = None,
    takes: Sequence[tuple[str, str, Sequence[Any]]] = (("x", "UINT8", PATCHES),),
    gives: Sequence[tuple[str, str, Sequence[Any]]] = (("y", "FLOAT", ("n", 1)),),
    opset: int = 17,
    ir: int = 9,
    **more: Any,
) -> bytes:
    """A graph of nodes (operation, inputs, outputs, attributes) on `x` and on `m`, the mean of each, float (n, 1)."""
    from onnx import TensorProto, helper, numpy_helper

    mean = [
        ("Cast", "x", "f", {"to": TensorProto.FLOAT}),
        ("ReduceMean", "f", "m4", {"axes": [1, 2, 3]}),
        ("Flatten", "m4", "m"),
    ]
    known = mean if takes and takes[0][1:] == ("UINT8", PATCHES) else []
    made = [
        helper.make_node(op, inputs.split(), outputs.split(), **(attributes[0] if attributes else {}))
        for op, inputs, outputs, *attributes in (*known, *nodes)
    ]
    values = [
        [helper.make_tensor_value_info(name, getattr(TensorProto, kind), shape) for name, kind, shape in side]
        for side in (takes, gives)
    ]
    tensors = [numpy_helper.from_array(np.asarray(value), name) for name, value in (constants or {}).items()]
    graph = helper.make_graph(made, "g", *values, tensors)
    opsets = [helper.make_opsetid("", opset), *more.pop("opsets", [])]
    return helper.make_model(graph, opset_imports=opsets, ir_version=ir, **more).SerializeToString()


def constant(value: float) -> Graph:
    """Answers every patch with one value."""
    return lambda: model(
        ("Mul", "m zero", "z"), ("Add", "z value", "y"), constants={"zero": np.float32(0), "value": np.float32(value)}
    )


def shaped(shape: Sequence[int], gives: Sequence[Any], kind: str = "FLOAT") -> Graph:
    """Answers with an array of a shape, whatever it is given."""

    def make() -> bytes:
        from onnx import TensorProto

        return model(
            ("ConstantOfShape", "shape", "c"),
            ("Cast", "c", "y", {"to": getattr(TensorProto, kind)}),
            constants={"shape": np.array(shape, "int64")},
            gives=(("y", kind, gives),),
        )

    return make


def taking(*takes: tuple[str, str, Sequence[Any]]) -> Graph:
    """Takes something else than patches, and answers with half a patch each."""

    def make() -> bytes:
        from onnx import TensorProto

        name = takes[0][0] if takes else "shape"
        nodes = (("Shape", name, "s"), ("Slice", "s 0 1", "n"), ("Concat", "n 1", "ns", {"axis": 0}))
        cast = ("Cast", "h", "y", {"to": TensorProto.FLOAT})
        return model(
            *nodes, ("ConstantOfShape", "ns", "h"), cast,
            constants={"0": np.array([0]), "1": np.array([1]), "shape": np.array([1])}, takes=takes,
        )  # fmt: skip

    return make


def endless(operation: str = "Loop") -> Graph:
    """Goes round for ever."""

    def make() -> bytes:
        from onnx import TensorProto, helper

        value = helper.make_tensor_value_info
        body = helper.make_graph(
            [helper.make_node("Identity", ["c"], ["d"]), helper.make_node("Identity", ["s"], ["t"])],
            "body",
            [value("i", TensorProto.INT64, []), value("c", TensorProto.BOOL, []), value("s", TensorProto.FLOAT, None)],
            [value("d", TensorProto.BOOL, []), value("t", TensorProto.FLOAT, None)],
        )
        if operation == "If":
            branch = helper.make_graph([helper.make_node("Identity", ["m"], ["r"])], "b", [], [value("r", 1, None)])
            return model(("If", "go", "y", {"then_branch": branch, "else_branch": branch}), constants={"go": True})
        return model(("Loop", "most go m", "y", {"body": body}), constants={"most": np.int64(2**62), "go": True})

    return make


def large(*shape: int) -> Graph:
    """Works with an array of a shape, float32, on the way."""
    return lambda: model(
        ("ConstantOfShape", "shape", "c"), ("ReduceSum", "c", "s", {"keepdims": 0}), ("Add", "m s", "y"),
        constants={"shape": np.array(shape, "int64")},
    )  # fmt: skip


def sequence() -> bytes:
    """Answers with a sequence of arrays."""
    import onnx

    made = onnx.load_model_from_string(model(("SequenceConstruct", "m", "y"), gives=()))
    made.graph.output.append(onnx.helper.make_tensor_sequence_value_info("y", onnx.TensorProto.FLOAT, None))
    return made.SerializeToString()


def outside() -> bytes:
    """Keeps its weights in another file."""
    import onnx

    made = onnx.load_model_from_string(constant(0.5)())
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")
    return made.SerializeToString()


def explaining(evidence: str) -> Graph:
    """Has all three outputs; its evidence is the log odds of its answer, put through an operation."""
    gives = (("probability", "FLOAT", ("n", 1)), ("evidence", "FLOAT", ("n", 1, 1)), ("embedding", "FLOAT", ("n", 1)))
    return lambda: model(
        ("Sigmoid", "m", "probability"), ("Identity", "m", "embedding"),
        ("Unsqueeze", "m two", "e"), (evidence, "e", "evidence"),
        constants={"two": np.array([2])}, gives=gives,
    )  # fmt: skip


def bundle(
    folder: Path, files: dict[str, bytes] | None = None, change: Callable[[dict[str, Any]], object] = id
) -> Path:
    """Write a bundle like the fixture's with other files, all listed with their true sizes and hashes, then changed."""
    shutil.copytree(MODEL, folder, dirs_exist_ok=True)
    manifest = json.loads((folder / "manifest.json").read_text())
    for name, content in (files or {}).items():
        (folder / name).write_bytes(content)
        manifest["files"][name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
