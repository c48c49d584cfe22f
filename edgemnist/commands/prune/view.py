"""A pruning's result for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgemnist.support.progress import stdout_console
from edgemnist.training.report import epochs_in_words

if TYPE_CHECKING:
    from edgemnist.commands.prune.stage import PruneResult


def show(result: PruneResult) -> None:
    """Print a pruning's result to stdout: a table of layers and a table of figures."""
    from rich.table import Table

    layers = Table("layer", "kind", "weights", "zeros", "sparsity", "note")
    for layer in result.layers:
        layers.add_row(
            layer.layer, layer.kind, f"{layer.weights:,}", f"{layer.zeros:,}", f"{layer.sparsity:.1%}", layer.note
        )
    table = Table("stage", "accuracy", "weights, gzip", "sparsity", "epochs", "seconds")
    table.add_row("train", f"{result.accuracy_before:.2%}", f"{result.gzip_bytes_before:,} B", "", "", "")
    table.add_row(
        "prune",
        f"{result.accuracy:.2%}",
        f"{result.gzip_bytes:,} B",
        f"{result.sparsity:.1%}",
        epochs_in_words(result),
        f"{result.seconds:.0f}",
    )
    console = stdout_console()
    console.print(f"prune {result.arch} on {result.dataset}")
    console.print(layers)
    console.print(table)
    console.print(
        "accuracy: measured on the test split; zeros: counted after stripping; gzip: of all weights as float32. "
        "A .tflite file only gets smaller when it is compressed."
    )
    if result.shortfall:
        console.print(result.shortfall, markup=False)
    if result.advice:
        console.print(result.advice, markup=False)
    console.print(f"model: {result.model_path}")
