"""``edgemnist predict``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgemnist.commands.examples import Example
from edgemnist.commands.feeding import Feeding
from edgemnist.commands.options import DEFAULT_WORK, Work, add_command
from edgemnist.commands.outcome import Outcome
from edgemnist.commands.sections import Section


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    add_command(
        app,
        predict,
        draws=True,
        section=Section.PROVE,
        short="Classify picture files.",
        formerly="--model",
        examples=(
            Example("edgemnist predict digit.png --view ascii", "The work folder's int8 model, and what it sees."),
            Example(
                "edgemnist predict net.tflite digit.png --dataset photos", "Another model, and what it was trained on."
            ),
            Example("edgemnist predict --index 0-4,17", "Test images by their numbers."),
        ),
    )


def predict(
    *,
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[MODEL] [PICTURE]...",
            help="Pictures of any size, and a model file if it is not the work folder's int8 model.",
        ),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH", help="For a MODEL from elsewhere: what it was trained on. Default: mnist if it fits."
        ),
    ] = None,
    index: Annotated[
        str | None, typer.Option(metavar="0-4,17", help="Test images of the dataset by number, instead of files.")
    ] = None,
    invert: Annotated[
        str, typer.Option(help="Swap dark and bright: auto (dark ink on bright ground), yes or no.")
    ] = "auto",
    feeding: Feeding,
    view: Annotated[str | None, typer.Option(metavar="ascii|FILE.png", help="Show what the net sees.")] = None,
    work: Work = DEFAULT_WORK,
) -> Outcome:
    """Classify image files, of any size, dark on bright or bright on dark; or test images of a dataset."""
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.commands.predict import stage
    from edgemnist.commands.predict import view as predict_view
    from edgemnist.harness.models import apart

    predict_view.check_view(view)
    model, pictures = apart(files or ())
    settings = stage.PredictSettings(
        files=pictures,
        model=model,
        dataset=dataset,
        numbers=stage.numbers_from(index),
        invert=invert,
        feeding=feeding.settings(),
    )
    found = stage.predict(settings, WorkFolder(work))
    shown = predict_view.shown(found, view)
    return Outcome(shown, lambda: predict_view.show(shown), found.raise_problems)
