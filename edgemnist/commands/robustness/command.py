"""``edgemnist robustness``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgemnist.commands.examples import Example
from edgemnist.commands.feeding import Feeding
from edgemnist.commands.options import (
    DEFAULT_WORK,
    AllImages,
    Images,
    ImagesOf,
    ImagesTimeout,
    Work,
    add_command,
)
from edgemnist.commands.outcome import Outcome
from edgemnist.commands.sections import Section


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    add_command(
        app,
        robustness,
        draws=True,
        section=Section.PROVE,
        short="Accuracy under corruptions, float beside int8.",
        examples=(
            Example("edgemnist robustness", "The work folder's float and int8 model under all of them."),
            Example("edgemnist robustness --corruption fog,shot_noise --severity 3", "Two of them, at one severity."),
            Example("edgemnist robustness --show corruptions.png", "Only draw what they do."),
        ),
    )


def robustness(
    *,
    models: Annotated[
        list[Path] | None,
        typer.Argument(metavar="MODEL...", help="Model files. Default: the work folder's float and int8 model."),
    ] = None,
    dataset: ImagesOf = None,
    images: Images = None,
    all_images: AllImages = False,
    corruption: Annotated[
        list[str] | None, typer.Option(metavar="NAME[,..]", help="Only this one; mnist_c and sweeps are groups.")
    ] = None,
    severity: Annotated[list[int] | None, typer.Option(help="Only this one, 1 to 5; may be repeated.")] = None,
    runtime: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[,..]", help="Run in this one. Default: int8 in the oracle, floats in the quickest."),
    ] = None,
    feeding: Feeding,
    show: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Only draw the corruptions on a few images; run no model.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="For JSON and plot. Default: the work folder, if its models.")
    ] = None,
    timeout: ImagesTimeout = 300.0,
    seed: Annotated[
        int, typer.Option(min=0, max=2**31 - 1, help="Seed of the corruptions; the images are always the same.")
    ] = 0,
    work: Work = DEFAULT_WORK,
) -> Outcome:
    """Accuracy under the 15 corruptions of MNIST-C and four sweeps, of the float and the int8 model side by side."""
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.commands.robustness import sheet, stage, view
    from edgemnist.harness.images import image_settings_from
    from edgemnist.harness.names import parse_names
    from edgemnist.support.errors import InputError

    names, severities = parse_names(corruption or []), tuple(severity or ())
    if corruption and not names:
        raise InputError("--corruption has no name in it; leave it out for all, or see the names in --help")
    if show is not None and models:
        raise InputError(
            "--show runs no model; name the dataset to draw with --dataset, or the work folder with --work"
        )
    if show is not None:
        drawn = sheet.write_sheet(show, work, dataset, names, severities, seed)
        return Outcome(drawn, lambda: view.show_sheet(drawn))
    settings = stage.RobustnessSettings(
        models=tuple(models or ()),
        images=image_settings_from(images, all_images, dataset),
        feeding=feeding.settings(),
        corruptions=names,
        severities=severities,
        runtimes=parse_names(runtime or []),
        seed=seed,
        out=out,
        timeout=timeout,
    )
    found = stage.robustness(settings, WorkFolder(work))
    return Outcome(found.report, lambda: view.show(found))
