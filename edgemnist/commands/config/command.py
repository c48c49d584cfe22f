"""``edgemnist config``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgemnist.commands.examples import Example
from edgemnist.commands.options import add_command
from edgemnist.commands.outcome import Outcome
from edgemnist.commands.sections import Section


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""

    def config(
        everything: Annotated[bool, typer.Option("--all", help="All options, not only the file's.")] = False,
    ) -> Outcome:
        """Show the project's defaults: edgemnist.toml, or [tool.edgemnist] in pyproject.toml, here or above."""
        from edgemnist.commands.config import stage, view
        from edgemnist.commands.defaults import read_defaults

        group = typer.main.get_command(app)
        found = stage.configuration(group, read_defaults(lambda: group, Path.cwd()), everything=everything)
        return Outcome(found, lambda: view.show(found))

    add_command(
        app,
        config,
        section=Section.START,
        short="The defaults of this project, and where they are from.",
        examples=(
            Example("edgemnist config", "What the file sets, for each command."),
            Example("edgemnist config --all", "Every option, its value, and where that is from."),
        ),
    )
