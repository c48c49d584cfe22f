"""Channels that are computed for nothing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgemnist.commands.doctor.faults.base import Fault, Network, Place, Severity
from edgemnist.support.errors import ModelError
from edgemnist.tflite.kinds import ModelKind


def _proved(network: Network) -> dict[int, str] | None:
    """Return the evidence by operator, as the compiler proves it for any input; None where it takes no such net."""
    if network.kind is not ModelKind.INT8:
        return None
    from edgemnist.compiler.passes import optimise
    from edgemnist.compiler.reader import read_graph

    try:
        graph = optimise(read_graph(network.model), ("dead-channels",))
    except ModelError:
        return None
    found = {}
    for one in graph.left_out:
        said = f"{one.constant} of {one.channels} output channels never change, {one.unread} more nobody reads"
        found[int(one.layer.split()[1])] = said
    return found


def _idle(network: Network) -> Iterator[Place]:
    proved = _proved(network)
    if proved is not None:
        for number, evidence in proved.items():
            operator = network.model.operators[number]
            yield network.at(operator, network.output(operator), evidence)
        return
    for layer in network.layers:
        zero_points = layer.weights.quantisation.zero_points if layer.weights.quantisation is not None else (0,)
        dead = int((layer.channels == np.array(zero_points)[:, None]).all(axis=1).sum())
        if dead and np.issubdtype(layer.channels.dtype, np.number):
            evidence = f"the weights of {dead} of {len(layer.channels)} output channels are all 0"
            yield network.at(layer.operator, layer.weights, evidence)


FAULTS = (
    Fault(
        "idle-channels", Severity.COSTS,
        "channels that are the same for every input, or that nothing reads, are computed all the same (edgemnist's C "
        "leaves them out, other runtimes do not)",
        "train again with fewer channels in those layers; a lower learning rate or LEAKY_RELU where a RELU died",
        _idle,
    ),
)  # fmt: skip
