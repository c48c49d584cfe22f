"""``edgemnist doctor``."""

from __future__ import annotations

import typer

from edgemnist.commands.options import Json


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(doctor)


def doctor(json: Json = False) -> None:
    """Say what is here and works (packages, runtimes, toolchains, datasets), and how to get the rest."""
    from edgemnist.commands.doctor import stage, view
    from edgemnist.support.progress import print_json, stdout_console

    diagnosis = stage.diagnose()
    if json:
        print_json(diagnosis.as_json())
    else:
        view.show(diagnosis, stdout_console())
    diagnosis.raise_broken()
