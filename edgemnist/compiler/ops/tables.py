"""Functions of one int8 element become a table of 256 bytes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgemnist.compiler.fixedpoint import IntArray
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import CArray, Overlap, Step


def lower_to_table(node: Node, graph: Graph, source: int, function: Callable[[IntArray], IntArray]) -> Step:
    """Return the lookup of every element of tensor ``source`` in the values of ``function``, int8 to int8."""
    # Indexed by the element's byte: 0 to 127, then -128 to -1.
    values = function(np.arange(256, dtype=np.uint8).view(np.int8).astype(np.int64))
    return Step(
        node=node, header="em_lookup.h", function="em_lookup", struct_type="em_lookup_params",
        parameters=(("count", graph.tensors[source].elements),),
        inputs=(source,), outputs=node.outputs,
        arrays=(CArray("table", "int8_t", values.astype(np.int8)),),
        overlaps={(source, node.outputs[0]): Overlap(at_most=0)},
    )  # fmt: skip
