"""``edgemnist report``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from edgemnist.commands.examples import Example
from edgemnist.commands.feeding import Feeding
from edgemnist.commands.gating import FirmwareGating
from edgemnist.commands.options import (
    DEFAULT_WORK,
    AllImages,
    Images,
    ImagesOf,
    Models,
    ModelTimeout,
    Work,
    add_command,
)
from edgemnist.commands.outcome import Outcome
from edgemnist.commands.sections import Section
from edgemnist.mcu import DEFAULT_BOARD

Baseline = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="Compare with an earlier release: its .tflite or work folder, measured now, or its report.json.",
    ),
]
Tolerance = Annotated[
    float | None,
    typer.Option(
        metavar="PERCENT",
        min=0.0,
        help="With --baseline: growth in percent of what is the same in both. Default: 2.",
    ),
]
NodeDataFolder = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Also write custom node data for Model Explorer: own errors, instructions, flash and RAM by operator.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    add_command(
        app,
        report,
        section=Section.PROVE,
        short="All that is known of a model in one file.",
        examples=(
            Example("edgemnist report", "The work folder's models, to artifacts/report.html."),
            Example(
                "edgemnist report new.tflite --baseline old.tflite --dataset photos",
                "What a new release gains and loses beside an older one.",
            ),
        ),
    )


def report(
    *,
    models: Models = None,
    format: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[,..]", help="html (default), markdown, junit or json, to report.SUFFIX; may be repeated."
        ),
    ] = None,
    out: Annotated[
        list[Path] | None,
        typer.Option(help="Write to this file, whose end tells the format: .html, .md, .xml, .json; may be repeated."),
    ] = None,
    dataset: ImagesOf = None,
    images: Images = None,
    all_images: AllImages = False,
    runtime: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[,..]", help="Only this runtime; may be repeated. Default: all but the emulated."),
    ] = None,
    board: Annotated[str, typer.Option(help="Board whose emulated core runs the firmware.")] = DEFAULT_BOARD,
    gating: FirmwareGating,
    baseline: Baseline = None,
    tolerance: Tolerance = None,
    node_data: NodeDataFolder = None,
    feeding: Feeding,
    timeout: ModelTimeout = 300.0,
    work: Work = DEFAULT_WORK,
) -> Outcome:
    """Write all that is known of a model into one file: verdict, runtimes, confusion, memory, layers, commands.

    Fails if something that has to be exact is not, or a gate is missed; with --baseline also if accuracy is lost beyond
    chance, or if size, flash, arena or instructions grow where nothing explains it. Without options about images,
    runtimes and their gates the work folder's parity.json is taken where it is of the same models.
    """
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.commands.report import formats, repeating, stage, view
    from edgemnist.commands.report.baseline.compare import DEFAULT_TOLERANCE
    from edgemnist.commands.report.measuring import MeasuringSettings
    from edgemnist.harness.images import image_settings_from
    from edgemnist.harness.names import parse_names
    from edgemnist.support.errors import InputError

    if tolerance is not None and baseline is None:
        raise InputError(f"--tolerance {tolerance:g} is for growth beside a --baseline; name one, or leave it out")
    told = images is not None or all_images
    settings = stage.ReportSettings(
        models=tuple(models or ()),
        measuring=MeasuringSettings(
            images=image_settings_from(images, all_images, dataset) if told else None,
            dataset=dataset,
            feeding=feeding.settings(),
            runtimes=parse_names(runtime or []),
            timeout=timeout,
            gates=gating.settings(),
        ),
        board=board,
        baseline=baseline,
        tolerance=DEFAULT_TOLERANCE if tolerance is None else tolerance / 100,
        node_data=node_data,
        targets=formats.targets_from(parse_names(format or []), out or (), Path() if models else work),
        command=repeating.report_command(
            models or (), format=format, out=out, dataset=dataset, images=images, all=all_images or None,
            runtime=runtime, board=None if board == DEFAULT_BOARD else board,
            baseline=baseline, tolerance=tolerance, node_data=node_data, **asdict(gating), **asdict(feeding),
            work=None if models else work,
        ),
    )  # fmt: skip
    found = stage.report(settings, WorkFolder(work))
    return Outcome(found, lambda: view.show(found), lambda: stage.raise_failed(found))
