"""``edgemnist boards``."""

from __future__ import annotations

import typer

from edgemnist.commands.building import Optimise, ToolchainName
from edgemnist.commands.examples import Example
from edgemnist.commands.options import DEFAULT_WORK, Model, Work, add_command
from edgemnist.commands.outcome import Outcome
from edgemnist.commands.sections import Section


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    add_command(
        app,
        boards,
        section=Section.DEPLOY,
        short="The boards, and whether a model fits each.",
        formerly="--model",
        examples=(
            Example("edgemnist boards net.tflite", "Which boards a model fits; without one, the work folder's."),
        ),
    )


def boards(
    model: Model = None, optimise: Optimise = "speed", toolchain: ToolchainName = "auto", work: Work = DEFAULT_WORK
) -> Outcome:
    """List the known boards, and whether the model fits each."""
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.commands.boards import stage, view
    from edgemnist.mcu.build import BuildSettings

    settings = stage.BoardsSettings(model=model, build=BuildSettings(toolchain=toolchain, optimise=optimise))
    found = stage.boards(settings, WorkFolder(work))
    return Outcome(found, lambda: view.show(found))
