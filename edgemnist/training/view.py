"""Results of training, pruning and quantisation-aware training as people and machines read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgemnist.progress import print_json, stdout_console

if TYPE_CHECKING:
    from edgemnist.prune import PruneResult
    from edgemnist.qat import QatResult
    from edgemnist.train import TrainResult


def show_training(result: TrainResult, *, as_json: bool) -> None:
    """Print a training's result to stdout, as a table or as one JSON document."""
    if as_json:
        print_json(
            {"stage": "train", "model": str(result.model_path), "dataset": result.dataset, "arch": result.arch}
            | result.figures()
        )
        return
    from rich.table import Table

    table = Table("stage", "accuracy", "validation", "parameters", "epochs", "seconds", "memory")
    table.add_row(
        "train",
        f"{result.accuracy:.2%}",
        f"{result.validation_accuracy:.2%}",
        f"{result.parameters:,}",
        f"{result.epochs_run}, best {result.best_epoch}",
        f"{result.seconds:.0f}",
        f"{result.peak_memory_bytes / 2**20:.0f} MiB",
    )
    console = stdout_console()
    console.print(f"train {result.arch} on {result.dataset}")
    console.print(table)
    console.print(f"accuracy: measured once, on the test split; memory: the peak; model: {result.model_path}")


def show_pruning(result: PruneResult, *, as_json: bool) -> None:
    """Print a pruning's result to stdout: a table of layers and a table of figures, or one JSON document."""
    if as_json:
        print_json(
            {"stage": "prune", "model": str(result.model_path), "dataset": result.dataset, "arch": result.arch}
            | result.figures()
        )
        return
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
        f"{result.epochs_run}, best {result.best_epoch}",
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
    if result.advice:
        console.print(result.advice, markup=False)
    console.print(f"model: {result.model_path}")


def show_qat(result: QatResult, *, as_json: bool) -> None:
    """Print a quantisation-aware training's result to stdout, as a table or as one JSON document."""
    if as_json:
        print_json(
            {"stage": "qat", "model": str(result.model_path), "dataset": result.dataset, "arch": result.arch}
            | result.figures()
        )
        return
    from rich.table import Table

    table = Table("model", "accuracy", "validation", "sparsity", "epochs", "seconds")
    table.add_row(result.source, f"{result.accuracy_before:.2%}", "", "", "", "")
    table.add_row(
        result.model_path.name,
        f"{result.accuracy:.2%}",
        f"{result.validation_accuracy:.2%}",
        f"{result.sparsity:.1%}",
        f"{result.epochs_run}, best {result.best_epoch}",
        f"{result.seconds:.0f}",
    )
    console = stdout_console()
    console.print(f"quantisation-aware training of {result.arch} on {result.dataset}")
    console.print(table)
    console.print(
        "accuracy: measured on the test split, in float and with activations rounded to int8; "
        "`edgemnist convert --int8` takes the learned ranges"
    )
    console.print(f"model: {result.model_path}")
