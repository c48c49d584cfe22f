"""An :class:`~edgemnist.tflite.inspection.Inspection` as tables for people, narrower where room lacks."""

from __future__ import annotations

from collections.abc import Sequence

from edgemnist.support.tables import Column, numbers, print_table, print_text
from edgemnist.tflite.inspection import (
    Inspection,
    OperatorSummary,
    QuantisationSummary,
    SubgraphSummary,
    TensorSummary,
)
from edgemnist.tflite.kept import KeptTensor
from edgemnist.tflite.names import readable_names
from edgemnist.tflite.signatures import Signature

_COLUMNS = (
    Column("operator"),
    Column("in"),
    Column("out"),
    Column("type", rank=3),
    *numbers("MACs"),
    *numbers("weights\nbytes", rank=1),
    *numbers("bias\nbytes", rank=5),
    *numbers("live\nbytes", rank=2),
    *numbers("output scale,\nzero point", rank=4),
    Column("weight\nscales", rank=6),
)


def show(inspection: Inspection, name: str) -> None:
    """Print the operators of every graph and the totals to stdout."""
    _print_operators(inspection.operators, inspection.peak_operator)
    for graph in inspection.further:
        print_text(*_heading(graph, inspection.signatures))
        _print_operators(graph.operators)
    print_text(*_totals(inspection, name))


def _print_operators(operators: Sequence[OperatorSummary], peak: int = -1) -> None:
    print_table(_COLUMNS, [_row(operator, peak=operator.index == peak) for operator in operators])
    print_text("")


def _heading(graph: SubgraphSummary, signatures: Sequence[Signature]) -> list[str]:
    called = [one.name for one in signatures if one.subgraph == graph.index]
    lines = [f"graph {graph.index}{f', signature {called[0]}' if called else ''}:"]
    for role, tensors in (("input", graph.inputs), ("output", graph.outputs)):
        lines += [f"  {role + ':':<8}{_tensor_words(tensor)}" for tensor in tensors]
    return lines


def _row(operator: OperatorSummary, *, peak: bool) -> list[str]:
    output = operator.outputs[0] if operator.outputs else None
    return [
        f"{operator.kind} v{operator.version}",
        "\n".join(_shape(tensor) for tensor in operator.inputs) or "-",
        "\n".join(_shape(tensor) for tensor in operator.outputs) or "-",
        output.dtype if output else "-",
        "?" if operator.macs is None else f"{operator.macs:,}",
        f"{operator.weight_bytes:,}",
        f"{operator.bias_bytes:,}",
        f"{operator.live_bytes:,}{'*' if peak else ' '}",
        _quantisation(output.quantisation if output else None),
        _quantisation(operator.weight_quantisation),
    ]


def _shape(tensor: TensorSummary) -> str:
    """Return the shape without its batch of one: ``28x28x1``."""
    sizes = tensor.shape[1:] if len(tensor.shape) > 1 and tensor.shape[0] == 1 else tensor.shape
    return _sizes(sizes)


def _sizes(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "scalar"


def _quantisation(quantisation: QuantisationSummary | None) -> str:
    if quantisation is None:
        return "-"
    if quantisation.channels > 1:
        return f"{quantisation.channels} ch"
    return f"{quantisation.scale:.4g} {quantisation.zero_point}"


def _totals(inspection: Inspection, name: str) -> list[str]:
    parameter_bytes = inspection.weight_bytes + inspection.bias_bytes
    uncounted = f" without {', '.join(inspection.uncounted)} (not counted)" if inspection.uncounted else ""
    lines = [f"{name}: {inspection.size:,} bytes, SHA-256 begins with {inspection.sha256[:16]}"]
    for role, tensors in (("input", inspection.inputs), ("output", inspection.outputs)):
        lines += [f"{role + ':':<8}{_tensor_words(tensor)}" for tensor in tensors]
    lines += [
        f"multiply-accumulates (taps on padding included): {inspection.macs:,}{uncounted}",
        f"parameters: {inspection.parameters:,} in {parameter_bytes:,} bytes "
        f"(weights {inspection.weight_bytes:,}, biases {inspection.bias_bytes:,}); "
        f"the rest of the file: {inspection.file_overhead_bytes:,}",
    ]
    if inspection.operators:
        peak = inspection.operators[inspection.peak_operator]
        lines.append(
            f"* peak activations: {inspection.peak_activation_bytes:,} bytes at operator {peak.index} ({peak.kind}), "
            "its inputs, outputs and what waits for later; no scratch, nothing in place"
        )
    lines += _state_lines(inspection.states)
    lines += [_signature_words(one) for one in inspection.signatures]
    left = inspection.subgraphs - 1 - len(inspection.further)
    if left:
        lines.append(f"the file has {inspection.subgraphs} graphs; the last {left} are not shown")
    return lines


def _state_lines(states: Sequence[KeptTensor]) -> list[str]:
    if not states:
        return []
    total = sum(state.bytes for state in states)
    lines = [f"states: {len(states)} in {total:,} bytes, kept from one inference to the next"]
    names = readable_names([one.name for one in states], {})
    return lines + [
        f"  {name} {one.dtype} {_sizes(one.shape)}, {one.bytes:,} bytes"
        for name, one in zip(names, states, strict=True)
    ]


def _signature_words(signature: Signature) -> str:
    ends = " -> ".join(", ".join(names) or "nothing" for names in (signature.inputs, signature.outputs))
    return f"signature {signature.name}: {ends} (graph {signature.subgraph})"


def _tensor_words(tensor: TensorSummary) -> str:
    words, quantisation = f"{tensor.label} {tensor.dtype} {_sizes(tensor.shape)}", tensor.quantisation
    if quantisation is None or quantisation.channels > 1:
        return words
    return f"{words}, scale {quantisation.scale:.9g}, zero point {quantisation.zero_point}"
