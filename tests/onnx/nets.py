"""Small ONNX models, made node by node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

ML = "ai.onnx.ml"


def node(kind: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    """Return a node; ``inputs`` and ``output`` are names between spaces, "-" being an absent one."""
    domain, _, operator = kind.rpartition(".")
    names = ["" if name == "-" else name for name in inputs.split()]
    return helper.make_node(operator, names, output.split(), domain=domain, **attributes)


def model(
    nodes: Sequence[onnx.NodeProto],
    constants: Mapping[str, NDArray[Any]],
    input_shape: Sequence[int | str],
    *,
    opset: int = 17,
    input_type: int = TensorProto.FLOAT,
    outputs: Sequence[str] = ("y",),
) -> onnx.ModelProto:
    """Return a model from input "x" to the outputs, rows of any length."""
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", input_type, input_shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ("rows", "columns")) for name in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    imports = [helper.make_opsetid("", opset), helper.make_opsetid(ML, 3)]
    return helper.make_model(graph, opset_imports=imports, ir_version=9, producer_name="test")


def save(made: onnx.ModelProto, path: Path) -> Path:
    """Write a model and return its path."""
    path.write_bytes(made.SerializeToString())
    return path


def weights(*shape: int, seed: int = 0) -> NDArray[np.float32]:
    """Return random weights of about unit gain."""
    return np.random.default_rng(seed).normal(0, 0.4, shape).astype(np.float32)
