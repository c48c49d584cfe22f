"""``edgemnist run``: the main job."""

from __future__ import annotations

from typing import Annotated

import typer

from edgemnist.commands.options import DEFAULT_WORK, Json, Mlflow, Seed, TrackedCommand, Work


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(cls=TrackedCommand)(run)


def run(
    dataset: Annotated[
        str, typer.Option(help="Known dataset or path; auto: full MNIST where it is to be had, else mnist-5k.")
    ] = "auto",
    arch: Annotated[str, typer.Option(help="Architecture, see `edgemnist train --help`.")] = "tiny",
    preset: Annotated[str, typer.Option(help="quick (under 3 minutes on 2 cores), standard or best.")] = "standard",
    epochs: Annotated[int | None, typer.Option(min=1, help="Training epochs. Default: the preset's.")] = None,
    sparsity: Annotated[float | None, typer.Option(help="Share of zeros. Default: the preset's.")] = None,
    seed: Seed = 0,
    mlflow: Mlflow = None,
    work: Work = DEFAULT_WORK,
    json: Json = False,
) -> None:
    """Run the main job: data, train, prune, convert, C array, C code, parity; then print the report."""
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.artifacts.tracking import open_tracking
    from edgemnist.commands.run import stage, view
    from edgemnist.support import progress

    tracking = open_tracking(mlflow)
    settings = stage.RunSettings(dataset, arch, preset, seed, sparsity, epochs)
    report = stage.run_main_job(settings, WorkFolder(work))
    if json:
        progress.print_json(report.as_json())
    else:
        view.show(report)
    tracking.log(WorkFolder(work), "run", stage.RECORDED_STAGES)
