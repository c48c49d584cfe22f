"""``edgemnist run``: the main job."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from edgemnist.commands.completion import completing
from edgemnist.commands.examples import Example
from edgemnist.commands.options import DEFAULT_WORK, Mlflow, OptionalSeed, SkipUnreadable, Work, add_command
from edgemnist.commands.outcome import Outcome
from edgemnist.commands.presets import PRESETS
from edgemnist.commands.sections import Section


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    add_command(
        app,
        run,
        tracked=True,
        draws=True,
        section=Section.START,
        short="Everything at once: data, net, int8, C, firmware, proof.",
        examples=(
            Example("edgemnist run --preset quick", "Digits, in a minute or two.", needs="minutes of training"),
            Example(
                "edgemnist run --dataset photos --preset best --seed 7",
                "Your own pictures, one folder for each class.",
                needs="minutes of training",
            ),
        ),
    )


def run(
    dataset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH",
            help="Known dataset or path. Default: auto, full MNIST where it is to be had, else mnist-5k.",
        ),
    ] = None,
    arch: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="Architecture, or a .toml file of one, see `edgemnist train --help`. Default: tiny.",
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            help="; ".join(f"{one.name}: {one.description}" for one in PRESETS.values()) + ". Default: standard.",
            autocompletion=completing(lambda: PRESETS),
        ),
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Training epochs. Default: the preset's.")] = None,
    sparsity: Annotated[float | None, typer.Option(help="Share of zeros. Default: the preset's.")] = None,
    image_size: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE", help="Height and width of the images in pixels, or auto (default): by the pictures."
        ),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Also print the tables: every runtime, every file.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where an unfinished run in the work folder stopped.")
    ] = False,
    seed: OptionalSeed = None,
    skip_unreadable: SkipUnreadable = False,
    mlflow: Mlflow = None,
    work: Work = DEFAULT_WORK,
) -> Outcome:
    """Run the main job: data, train, prune, convert, C array, C code, parity; then print a summary."""
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.artifacts.tracking import open_tracking
    from edgemnist.commands.run import stage, view
    from edgemnist.commands.run.settings import RunSettings
    from edgemnist.training.image_size import parse_image_size

    tracking = open_tracking(mlflow)
    settings = RunSettings(
        dataset=dataset, arch=arch, preset=preset, seed=seed, sparsity=sparsity, epochs=epochs,
        skip_unreadable=skip_unreadable, image_size=parse_image_size(image_size),
    )  # fmt: skip
    report = stage.run_main_job(settings, WorkFolder(work), resume=resume)
    log = partial(tracking.log, WorkFolder(work), "run", stage.RECORDED_STAGES)
    return Outcome(report, lambda: view.show(report, verbose=verbose), log)
