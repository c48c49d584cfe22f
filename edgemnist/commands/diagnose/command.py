"""``edgemnist diagnose``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgemnist.commands.examples import Example
from edgemnist.commands.feeding import Feeding
from edgemnist.commands.options import DEFAULT_WORK, AnyModel, ImagesOf, Work, add_command
from edgemnist.commands.outcome import Outcome
from edgemnist.commands.sections import Section


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    add_command(
        app,
        diagnose,
        section=Section.DATA,
        short="Find how pictures have to be fed to a model.",
        examples=(
            Example("edgemnist diagnose net.tflite --dataset photos", "Which way of feeding makes a model right."),
            Example(
                "edgemnist diagnose net.tflite --outputs board.csv --inputs pictures",
                "How a device has fed it, by what it answered.",
            ),
        ),
    )


def diagnose(
    *,
    model: AnyModel = None,
    dataset: ImagesOf = None,
    outputs: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv", help="What a device answered: a file name and its outputs, or its class, a line."
        ),
    ] = None,
    inputs: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="With --outputs: folder of those files.")
    ] = None,
    feeding: Feeding,
    work: Work = DEFAULT_WORK,
) -> Outcome:
    """Find how pictures have to be fed so that a model is right, or so that it answers what a device did."""
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.commands.diagnose import device, stage, view

    settings = stage.DiagnoseSettings(
        model=model, dataset=dataset, feeding=feeding.settings(), answers=device.answers_from(outputs, inputs)
    )
    found = stage.run_diagnosis(settings, WorkFolder(work))
    return Outcome(found, lambda: view.show(found), lambda: stage.raise_wrong(found))
