"""The kind of a node that says what type it computes in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from edgemnist.compiler.graph import FLOAT, HYBRID, INT4, TYPED, Node
from edgemnist.compiler.ops import OPERATORS
from edgemnist.tflite.file import TensorInfo


def typed(node: Node, tensors: Mapping[int, TensorInfo]) -> Node:
    """Return a node under the kind that it has in the type of its output, or else of its first computed input."""
    computed = [index for index in node.inputs if index != -1 and tensors[index].data is None]
    ends = (index for index in (*node.outputs[:1], *computed[:1]) if index != -1)
    kinds = [f"{TYPED.get(tensors[index].dtype, '')}{node.kind}" for index in ends]
    kinds += [f"{INT4}{node.kind}" for index in node.inputs[1:2] if index != -1 and tensors[index].dtype == "int4"]
    if any(tensors[index].data is not None and tensors[index].dtype == "int8" for index in node.inputs if index != -1):
        kinds = [kind.replace(FLOAT, HYBRID, 1) for kind in kinds] + kinds
    return replace(node, kind=next((kind for kind in kinds if kind in OPERATORS and kind != node.kind), node.kind))
