"""``edgemnist init``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgemnist.commands.completion import completing
from edgemnist.commands.examples import Example
from edgemnist.commands.options import add_command
from edgemnist.commands.outcome import Outcome
from edgemnist.commands.presets import PRESETS
from edgemnist.commands.sections import Section


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    add_command(
        app,
        init,
        section=Section.START,
        short="A new project's folder: options, workflow, README.",
        examples=(
            Example("edgemnist init digits", "A folder of that name; on a terminal four questions are asked."),
            Example("edgemnist init cats --dataset own --board blue-pill", "For your own pictures, in cats/data/."),
        ),
    )


def init(
    folder: Annotated[Path, typer.Argument(help="Folder of the project, which may be there already.")] = Path(),
    dataset: Annotated[
        str | None, typer.Option(help="A name of `edgemnist data list`, or own: your pictures, in data/.")
    ] = None,
    board: Annotated[str | None, typer.Option(help="A name of `edgemnist boards`.")] = None,
    preset: Annotated[
        str | None,
        typer.Option(help="Time for training, see `edgemnist run --help`.", autocompletion=completing(lambda: PRESETS)),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Prefix of C names. Default: by the folder's name.")] = None,
) -> Outcome:
    """Make a project's folder: data/, edgemnist.toml, a workflow for GitHub, a README and a .gitignore.

    What no option says is asked on a terminal; elsewhere the defaults are taken. No file is overwritten.
    """
    from edgemnist.commands.init import questions, stage, view

    given = {"dataset": dataset, "board": board, "preset": preset, "name": name}
    settings, assumed = questions.settings_from(folder, given)
    project = stage.init_project(settings, assumed)
    return Outcome(project, lambda: view.show(project))
