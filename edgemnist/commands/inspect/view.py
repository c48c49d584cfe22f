"""An :class:`~edgemnist.tflite.inspection.Inspection` as tables for people, readable at 100 columns."""

from __future__ import annotations

from edgemnist.support.progress import stdout_console
from edgemnist.tflite.inspection import Inspection, OperatorSummary, QuantisationSummary, TensorSummary

PIPE_WIDTH = 100


def show(inspection: Inspection, name: str) -> None:
    """Print the operators and the totals to stdout."""
    from rich.markup import escape
    from rich.table import Table

    console = stdout_console()
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for heading in ("operator", "in", "out", "type"):
        table.add_column(heading, no_wrap=True)
    for heading in ("MACs", "weights\nbytes", "bias\nbytes", "live\nbytes"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("output scale,\nzero point", justify="right", no_wrap=True)
    table.add_column("weight\nscales", no_wrap=True)
    for operator in inspection.operators:
        table.add_row(*map(escape, _row(operator, peak=operator.index == inspection.peak_operator)))
    console.print(table, "")
    for line in _totals(inspection, name):
        console.print(line, markup=False)


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
    return "x".join(map(str, sizes)) or "scalar"


def _quantisation(quantisation: QuantisationSummary | None) -> str:
    if quantisation is None:
        return "-"
    if quantisation.channels > 1:
        return f"{quantisation.channels} ch"
    return f"{quantisation.scale:.4g} {quantisation.zero_point}"


def _totals(inspection: Inspection, name: str) -> list[str]:
    parameter_bytes = inspection.weight_bytes + inspection.bias_bytes
    uncounted = f" without {', '.join(inspection.uncounted)} (not counted)" if inspection.uncounted else ""
    lines = [f"{name}: {inspection.size:,} bytes, SHA-256 {inspection.sha256[:16]}..."]
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
    if inspection.states:
        lines.append(f"kept from one inference to the next: {inspection.state_bytes:,} bytes")
        lines += [f"{'state:':<8}{_tensor_words(state)}, {state.bytes:,} bytes" for state in inspection.states]
    if inspection.subgraphs > 1:
        lines.append(f"the file has {inspection.subgraphs} subgraphs; only the first is shown")
    return lines


def _tensor_words(tensor: TensorSummary) -> str:
    shape = "x".join(map(str, tensor.shape)) or "scalar"
    quantisation = tensor.quantisation
    if quantisation is None or quantisation.channels > 1:
        return f"{tensor.name} {tensor.dtype} {shape}"
    return f"{tensor.name} {tensor.dtype} {shape}, scale {quantisation.scale:.9g}, zero point {quantisation.zero_point}"
