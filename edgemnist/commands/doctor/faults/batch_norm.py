"""Batch normalisation that was not folded into the layer before it."""

from __future__ import annotations

from collections.abc import Iterator

from edgemnist.commands.doctor.faults.base import CONVOLUTIONS, Fault, Network, Place, Severity, each
from edgemnist.tflite.file import OperatorInfo, TensorInfo

_LAYERS = (*CONVOLUTIONS, "FULLY_CONNECTED")
_STEPS = ("MUL", "ADD", "SUB", "DIV")


def _constant_of(network: Network, operator: OperatorInfo) -> TensorInfo | None:
    """Return the constant with a value for each channel that an operator combines its input with, None without one."""
    target = network.output(operator)
    if operator.kind not in _STEPS or len(operator.inputs) != 2 or target is None or not target.shape:
        return None
    found = [constant for place in (0, 1) if (constant := network.constant(operator, place)) is not None]
    channels = target.shape[-1]
    if len(found) != 1 or channels < 2:
        return None
    fits = found[0].elements == channels and found[0].shape[-1:] == (channels,)
    return found[0] if fits else None


def _steps_behind(network: Network, layer: OperatorInfo) -> list[OperatorInfo]:
    """Return the operators with a constant for each channel behind a layer, as long as nothing else reads between."""
    steps: list[OperatorInfo] = []
    last = layer
    while last.integer("fused_activation_function") == 0 and len(last.outputs) == 1:
        readers = network.readers.get(last.outputs[0], ())
        if len(readers) != 1 or _constant_of(network, readers[0]) is None or last.outputs[0] in network.model.outputs:
            break
        last = readers[0]
        steps.append(last)
    return steps


def _unfused(network: Network) -> Iterator[Place]:
    for layer in each(network.model.operators, *_LAYERS):
        steps = _steps_behind(network, layer)
        if steps:
            target = network.output(steps[-1])
            values = sum(out.elements for step in steps if (out := network.output(step)) is not None)
            names = ", ".join(f"{step.index} {step.kind}" for step in steps)
            evidence = f"behind operator {layer.index} {layer.kind}: {names}; {values:,} values computed again"
            yield network.at(steps[0], target, evidence)


FAULTS = (
    Fault(
        "unfused-batch-norm", Severity.COSTS,
        "a factor or summand for each channel stands behind a layer, whose weights and bias could hold it",
        "put BatchNormalization directly behind the layer, before its activation, and convert the model in inference "
        "mode (training=False)",
        _unfused,
    ),
)  # fmt: skip
