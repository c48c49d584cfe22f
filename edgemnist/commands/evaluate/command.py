"""``edgemnist evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgemnist.commands.examples import Example
from edgemnist.commands.feeding import Feeding
from edgemnist.commands.options import (
    DEFAULT_WORK,
    AnyModel,
    ImagesOf,
    ImagesTimeout,
    Work,
    add_command,
)
from edgemnist.commands.outcome import Outcome
from edgemnist.commands.sections import Section


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    add_command(
        app,
        evaluate,
        draws=True,
        section=Section.PROVE,
        short="Accuracy, precision and confusion on the test set.",
        examples=(
            Example("edgemnist evaluate", "The work folder's int8 model on the whole test set."),
            Example(
                "edgemnist evaluate --confusion confusion.png --mistakes mistakes.png",
                "The same, with pictures of what went wrong.",
            ),
            Example(
                "edgemnist evaluate net.tflite --dataset photos --runtime tflm",
                "Another model, on its own pictures, in one runtime.",
            ),
        ),
    )


def evaluate(
    *,
    model: AnyModel = None,
    dataset: ImagesOf = None,
    images: Annotated[
        int | None, typer.Option(min=1, help="Test images, equally many per class. Default: all.")
    ] = None,
    runtime: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[,..]", help="Run it in this one. Default: the int8 oracle, or the quickest for floats."
        ),
    ] = None,
    feeding: Feeding,
    confusion: Annotated[Path | None, typer.Option(metavar="FILE.png", help="Draw the confusion matrix.")] = None,
    mistakes: Annotated[Path | None, typer.Option(metavar="FILE.png", help="Write the misclassified images.")] = None,
    timeout: ImagesTimeout = 300.0,
    work: Work = DEFAULT_WORK,
) -> Outcome:
    """Classify the test set with one model: accuracy, precision, recall and F1 by class, confusion matrix, mistakes."""
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.commands.evaluate import pictures, stage, view
    from edgemnist.harness.images import ImageSettings
    from edgemnist.harness.names import parse_names

    pictures.check_pictures(confusion, mistakes)
    settings = stage.EvaluateSettings(
        model=model,
        images=ImageSettings(count=images, dataset=dataset),
        feeding=feeding.settings(),
        runtimes=parse_names(runtime or []),
        timeout=timeout,
    )
    found = stage.evaluate(settings, WorkFolder(work))
    written = pictures.write_pictures(found, confusion, mistakes)
    return Outcome(found.report, lambda: view.show(found.report, written))
