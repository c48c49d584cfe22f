"""A pruning's result for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgemnist.support.tables import Column, numbers, print_table, print_text
from edgemnist.training.report import epochs_in_words

if TYPE_CHECKING:
    from edgemnist.commands.prune.stage import PruneResult


def show(result: PruneResult) -> None:
    """Print a pruning's result to stdout: a table of layers and a table of figures."""
    layers = [
        (one.layer, one.kind, f"{one.weights:,}", f"{one.zeros:,}", f"{one.sparsity:.1%}", one.note)
        for one in result.layers
    ]
    stages = [
        ("train", f"{result.accuracy_before:.2%}", f"{result.gzip_bytes_before:,} B", "", "", ""),
        ("prune", f"{result.accuracy:.2%}", f"{result.gzip_bytes:,} B", f"{result.sparsity:.1%}",
         epochs_in_words(result), f"{result.seconds:.0f}"),
    ]  # fmt: skip
    figures = [*numbers("accuracy", "weights, gzip", "sparsity"), Column("epochs"), *numbers("seconds")]
    print_text(f"prune {result.arch} on {result.dataset}")
    named = [Column("layer"), Column("kind", rank=2), *numbers("weights", "zeros", "sparsity")]
    print_table([*named, Column("note", rank=1)], layers)
    print_text("")
    print_table([Column("stage"), *figures], stages)
    print_text(
        "accuracy: measured on the test split; zeros: counted after stripping; gzip: of all weights as float32. "
        "A .tflite file only gets smaller when it is compressed."
    )
    if result.shortfall:
        print_text(result.shortfall)
    if result.advice:
        print_text(result.advice)
    print_text(f"model: {result.model_path}")
