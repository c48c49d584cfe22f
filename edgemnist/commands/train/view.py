"""A training's result for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgemnist.support.tables import Column, numbers, print_table, print_text
from edgemnist.training.chance import words_for_accuracy
from edgemnist.training.report import epochs_in_words

if TYPE_CHECKING:
    from edgemnist.training.train import TrainResult


def show(result: TrainResult) -> None:
    """Print a training's result to stdout."""
    columns = [*numbers("accuracy", "validation"), *numbers("parameters", rank=1), Column("epochs")]
    row = (
        f"{result.accuracy:.2%}", f"{result.validation_accuracy:.2%}", f"{result.parameters:,}",
        epochs_in_words(result), f"{result.seconds:.0f}", f"{result.peak_memory_bytes / 2**20:.0f} MiB",
    )  # fmt: skip
    print_text(f"train {result.arch} on {result.dataset}")
    print_table([*columns, *numbers("seconds"), *numbers("memory", rank=2)], [row])
    print_text(f"accuracy: measured once, on the test split; memory: the peak; model: {result.model_path}")
    rough = words_for_accuracy(result.accuracy, result.test_images)
    if rough:
        print_text(rough)
