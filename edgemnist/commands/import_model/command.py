"""``edgemnist import``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgemnist.commands.examples import Example
from edgemnist.commands.feeding import Feeding
from edgemnist.commands.options import DEFAULT_WORK, Seed, Work, add_command
from edgemnist.commands.outcome import Outcome
from edgemnist.commands.sections import Section


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    add_command(
        app,
        import_model,
        "import",
        section=Section.DATA,
        short="Take over a Keras, ONNX, PyTorch or scikit-learn model.",
        examples=(
            Example("edgemnist import net.keras --dataset photos", "A Keras model, and what it was trained on."),
            Example(
                "edgemnist import net.onnx --dataset photos",
                "An ONNX model, such as PyTorch exports one.",
                needs="a model of PyTorch",
            ),
        ),
    )


def import_model(
    *,
    model: Annotated[
        Path,
        typer.Argument(metavar="MODEL", help="A .keras, .h5, .onnx or .pt2 file, or a SavedModel folder of Keras."),
    ],
    dataset: Annotated[str, typer.Option(metavar="NAME|PATH", help="What the model was trained on: a name or a path.")],
    feeding: Feeding,
    even_so: Annotated[
        bool, typer.Option("--even-so", help="Take a model that classifies nothing as it is fed.")
    ] = False,
    seed: Seed = 0,
    work: Work = DEFAULT_WORK,
) -> Outcome:
    """Take over a Keras, PyTorch or scikit-learn model, compared with the original; then it is as one's own."""
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.commands.import_model import stage, view
    from edgemnist.commands.import_model.settings import ImportSettings

    settings = ImportSettings(model=model, dataset=dataset, feeding=feeding.settings(), seed=seed, even_so=even_so)
    result = stage.run_import(settings, WorkFolder(work))
    return Outcome(result, lambda: view.show(result))
