"""What the import command prints for people."""

from __future__ import annotations

from edgemnist.commands.import_model.stage import ImportResult
from edgemnist.support.progress import say
from edgemnist.support.tables import print_text


def show(result: ImportResult) -> None:
    """Print what came in and how it compares to stdout, warnings to stderr."""
    low, high = result.score_range
    batch = "any number of images" if result.batch is None else f"{result.batch} at a time"
    size = "x".join(map(str, result.image_shape))
    rows = {
        "imported": f"{result.source} (by {result.producer}): {', '.join(result.operators)}",
        "input": f"{result.layout}, {batch}; {result.preprocessing}; here {size}, channels last",
        "output": result.output,
        "against": f"{result.engine}, {result.compared} test images: largest difference {result.max_difference:.2g} "
        f"on scores from {low:.3g} to {high:.3g}, {result.agreement:.2%} of equal class",
        "accuracy": f"{result.accuracy:.2%} on {result.test_images:,} test images of {result.dataset} "
        f"(original, on {result.compared}: {result.original_accuracy:.2%})",
        "parameters": f"{result.parameters:,}",
        "model": str(result.model_path),
    }
    if result.qat_path is not None:
        rows["qat"] = (
            f"{result.qat_path}, with the ranges of its quantisation-aware training: {result.qat_accuracy:.2%}"
        )
    for name, text in rows.items():
        print_text(f"{name:<12}{text}")
    for note in result.notes:
        say(note)
    for warning in result.warnings:
        say(f"warning: {warning}")
