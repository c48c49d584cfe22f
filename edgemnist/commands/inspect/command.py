"""``edgemnist inspect``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgemnist.commands.options import DEFAULT_WORK, Work, add_command
from edgemnist.commands.outcome import Outcome
from edgemnist.commands.sections import Section


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    add_command(app, inspect, section=Section.CONVERT, short="Show what is in a .tflite file.")


def inspect(
    model: Annotated[Path | None, typer.Argument(help="A .tflite file. Default: the work folder's int8 model.")] = None,
    work: Work = DEFAULT_WORK,
) -> Outcome:
    """Show what is in a .tflite: operators, shapes, MACs, weight bytes, quantisation, peak activation memory."""
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.commands.inspect import stage, view

    found = stage.inspect_model(stage.InspectSettings(model=model), WorkFolder(work))
    return Outcome(found, lambda: view.show(found.inspection, str(found.path)))
