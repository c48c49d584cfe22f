"""Shapes that are not fixed in the file."""

from __future__ import annotations

from collections.abc import Iterator

from edgemnist.commands.doctor.faults.base import Fault, Network, Place, Severity, each

_FIXED = (
    "convert with a fixed shape: `edgemnist convert` does; in Keras Input(batch_shape=(1, height, width, channels))"
)


def _open_batch(network: Network) -> Iterator[Place]:
    for index in network.model.inputs:
        tensor = network.model.tensors[index]
        if tensor.shape_signature[:1] == (-1,):
            yield network.at(None, tensor, f"shape {list(tensor.shape)}, signature {list(tensor.shape_signature)}")


def _open_sizes(network: Network) -> Iterator[Place]:
    for index in network.model.inputs:
        tensor = network.model.tensors[index]
        if -1 in tensor.shape_signature[1:]:
            evidence = f"signature {list(tensor.shape_signature)}; who does not resize it takes {list(tensor.shape)}"
            yield network.at(None, tensor, evidence)


def _shape_arithmetic(network: Network) -> Iterator[Place]:
    model = network.model
    for operator in each(model.operators, "SHAPE"):
        source = network.activation(operator)
        if source is None:
            continue
        chain, pending = [operator], list(operator.outputs)
        while pending:
            for reader in network.readers.get(pending.pop(), ()):
                if reader not in chain and all(model.tensors[i].dtype in ("int32", "int64") for i in reader.outputs):
                    chain.append(reader)
                    pending += reader.outputs
        kinds = ", ".join(one.kind for one in chain)
        yield network.at(operator, source, f"{len(chain)} operators work a shape out at run time: {kinds}")


FAULTS = (
    Fault(
        "open-batch", Severity.NOTE,
        "the size of the batch is left open; microcontrollers and edgemnist's C take the 1 of the shape",
        _FIXED, _open_batch,
    ),
    Fault(
        "open-size", Severity.WRONG,
        "the size of an image is left open, which microcontrollers can't have",
        _FIXED, _open_sizes,
    ),
    Fault(
        "shape-arithmetic", Severity.COSTS,
        "operators compute a shape that is known: leftovers of an open batch; they cost arena and time, and TFLM may "
        "lack them (edgemnist's C leaves them out)",
        _FIXED, _shape_arithmetic,
    ),
)  # fmt: skip
