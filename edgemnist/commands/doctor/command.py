"""``edgemnist doctor``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgemnist.commands.examples import Example
from edgemnist.commands.feeding import Feeding
from edgemnist.commands.options import add_command
from edgemnist.commands.outcome import Outcome
from edgemnist.commands.sections import Section


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    add_command(
        app,
        doctor,
        section=Section.START,
        short="What works here; what runs a MODEL, and what is odd in it.",
        examples=(
            Example("edgemnist doctor", "What is installed here and works."),
            Example("edgemnist doctor net.tflite", "Which interpreters and cores take a model, and its faults."),
            Example(
                "edgemnist doctor net.tflite --target tflm --target tflite-runtime-2.14",
                "Fail if one of these does not take it.",
            ),
        ),
    )


def doctor(
    *,
    model: Annotated[
        Path | None, typer.Argument(metavar="MODEL", help="A .tflite to examine. Default: this installation.")
    ] = None,
    target: Annotated[
        list[str] | None, typer.Option(help="Ask only this target; exit 1 if it does not load the model. Repeatable.")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(metavar="NAME|PATH", help="Run its test images too: saturated and unused ranges.")
    ] = None,
    images: Annotated[int | None, typer.Option("--images", min=2, help="How many of them. Default: 200.")] = None,
    feeding: Feeding,
) -> Outcome:
    """Say what works here and how to get the rest; of a MODEL, which targets load it and what is wrong with it."""
    from edgemnist.commands.doctor import installation, stage, view

    if model is None:
        stage.require_no_model_options(target, dataset, images)
        diagnosis = installation.diagnose()
        return Outcome(diagnosis, lambda: view.show(diagnosis), diagnosis.raise_broken)
    found = stage.diagnose_model(stage.settings_from(model, target or (), dataset, images, feeding.settings()))
    return Outcome(found, lambda: view.show_model(found), found.raise_refused)
