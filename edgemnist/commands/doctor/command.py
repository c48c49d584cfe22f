"""``edgemnist doctor``."""

from __future__ import annotations

import typer

from edgemnist.commands.options import add_command
from edgemnist.commands.outcome import Outcome


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    add_command(app, doctor)


def doctor() -> Outcome:
    """Say what is here and works (packages, runtimes, toolchains, datasets), and how to get the rest."""
    from edgemnist.commands.doctor import stage, view

    diagnosis = stage.diagnose()
    return Outcome(diagnosis, lambda: view.show(diagnosis), diagnosis.raise_broken)
