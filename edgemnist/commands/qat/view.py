"""A quantisation-aware training's result for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgemnist.support.tables import Column, numbers, print_table, print_text
from edgemnist.training.report import epochs_in_words

if TYPE_CHECKING:
    from edgemnist.commands.qat.stage import QatResult


def show(result: QatResult) -> None:
    """Print a quantisation-aware training's result to stdout."""
    columns = [Column("model"), *numbers("accuracy", "validation", "sparsity"), Column("epochs"), *numbers("seconds")]
    rows = [
        (result.source, f"{result.accuracy_before:.2%}", "", "", "", ""),
        (result.model_path.name, f"{result.accuracy:.2%}", f"{result.validation_accuracy:.2%}",
         f"{result.sparsity:.1%}", epochs_in_words(result), f"{result.seconds:.0f}"),
    ]  # fmt: skip
    print_text(f"quantisation-aware training of {result.arch} on {result.dataset}")
    print_table(columns, rows)
    print_text(
        "accuracy: measured on the test split, in float and with activations rounded to int8; "
        "`edgemnist convert --int8` takes the learned ranges"
    )
    print_text(f"model: {result.model_path}")
