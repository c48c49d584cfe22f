"""``edgemnist doctor``."""

from __future__ import annotations

import typer

from edgemnist.cli.options import Json


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(doctor)


def doctor(json: Json = False) -> None:
    """Say what is here and works (packages, runtimes, toolchains, datasets), and how to get the rest."""
    from edgemnist import doctor as room
    from edgemnist import doctor_view
    from edgemnist.progress import print_json, stdout_console

    diagnosis = room.diagnose()
    if json:
        print_json(diagnosis.as_json())
    else:
        doctor_view.show(diagnosis, stdout_console())
    diagnosis.raise_broken()
