"""A training's result for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgemnist.support.progress import stdout_console
from edgemnist.training.chance import words_for_accuracy
from edgemnist.training.report import epochs_in_words

if TYPE_CHECKING:
    from edgemnist.training.train import TrainResult


def show(result: TrainResult) -> None:
    """Print a training's result to stdout."""
    from rich.table import Table

    table = Table("stage", "accuracy", "validation", "parameters", "epochs", "seconds", "memory")
    table.add_row(
        "train",
        f"{result.accuracy:.2%}",
        f"{result.validation_accuracy:.2%}",
        f"{result.parameters:,}",
        epochs_in_words(result),
        f"{result.seconds:.0f}",
        f"{result.peak_memory_bytes / 2**20:.0f} MiB",
    )
    console = stdout_console()
    console.print(f"train {result.arch} on {result.dataset}")
    console.print(table)
    console.print(f"accuracy: measured once, on the test split; memory: the peak; model: {result.model_path}")
    rough = words_for_accuracy(result.accuracy, result.test_images)
    if rough:
        console.print(rough)
