"""AVERAGE_POOL_2D of uint8: the mean of unsigned values is rounded with ties up, that of signed ones away from zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.graph import UINT8, Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Step, activation_range
from edgemnist.compiler.ops.convolution import windows_of
from edgemnist.compiler.ops.operands import output_tensor
from edgemnist.compiler.ops.pooling import Pool2D, pool_geometry


class UInt8AveragePool2D(Pool2D):
    """Mean value of each window, per channel; what hangs over the border does not count."""

    kinds = MappingProxyType({f"{UINT8}AVERAGE_POOL_2D": Schema("Pool2DOptions", needed=True)})

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        sums = windows_of(inputs[0][0].astype(np.int64), pool_geometry(node, graph), 0).sum(axis=(2, 3))
        counts = _counts(node, graph)
        low, high = activation_range(node.integer("fused_activation_function"), output_tensor(node, graph))
        return [np.clip((sums + counts // 2) // counts, low, high).astype(np.int8)[None]]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        step = super().lower(node, graph, settings)
        # No sum of an odd number of integers is half way between two means.
        ties = (_counts(node, graph) % 2 == 0).any()
        return replace(step, header="em_pool_2d.h", function="em_average_pool_2d_up") if ties else step


def _counts(node: Node, graph: Graph) -> NDArray[np.int64]:
    """Return how many elements of each window lie inside the image: (out_height, out_width, 1)."""
    geometry = pool_geometry(node, graph)
    inside = np.ones((geometry.in_height, geometry.in_width, 1), np.int64)
    counts: NDArray[np.int64] = windows_of(inside, geometry, 0).sum(axis=(2, 3))
    return counts
