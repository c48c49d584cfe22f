"""Functions of one int8 or uint8 element become a table of 256 bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from edgemnist.compiler.fixedpoint import IntArray
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import Overlap, Step
from edgemnist.compiler.ops.fields import CArray, int32
from edgemnist.compiler.ops.operands import output_of

_KERNELS: Mapping[tuple[str, str], str] = {
    ("int8", "int8"): "em_lookup",
    ("uint8", "int8"): "em_lookup_from_uint8",
    ("int8", "uint8"): "em_lookup_to_uint8",
}


def lower_to_table(node: Node, graph: Graph, source: int, function: Callable[[IntArray], IntArray]) -> Step:
    """Return the lookup of every element of tensor ``source`` in the values of ``function``, one byte to one byte."""
    before, after = (graph.tensors[index].dtype for index in (source, output_of(node)))
    # Indexed by the element's byte: for int8 0 to 127, then -128 to -1.
    values = function(np.arange(256, dtype=np.uint8).view(before).astype(np.int64))
    return Step(
        node=node, header="em_lookup.h", function=_KERNELS[before, after], struct_type="em_lookup_params",
        parameters=int32(count=graph.tensors[source].elements),
        inputs=(source,), outputs=node.outputs,
        arrays=(CArray("table", f"{after}_t", values.astype(after)),),
        overlaps={(source, output_of(node)): Overlap(at_most=0)},
    )  # fmt: skip
