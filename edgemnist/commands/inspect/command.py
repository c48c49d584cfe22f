"""``edgemnist inspect``."""

from __future__ import annotations

import typer

from edgemnist.commands.examples import Example
from edgemnist.commands.options import DEFAULT_WORK, Model, Work, add_command
from edgemnist.commands.outcome import Outcome
from edgemnist.commands.sections import Section


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    add_command(
        app,
        inspect,
        section=Section.CONVERT,
        short="Show what is in a .tflite file.",
        examples=(
            Example("edgemnist inspect", "The work folder's int8 model."),
            Example("edgemnist inspect net.tflite --json", "Another model, for a program."),
        ),
    )


def inspect(
    model: Model = None,
    work: Work = DEFAULT_WORK,
) -> Outcome:
    """Show what is in a .tflite: operators, shapes, MACs, weight bytes, quantisation, peak activation memory."""
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.commands.inspect import stage, view

    found = stage.inspect_model(stage.InspectSettings(model=model), WorkFolder(work))
    return Outcome(found, lambda: view.show(found.inspection, str(found.path)))
