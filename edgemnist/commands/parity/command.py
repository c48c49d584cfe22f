"""``edgemnist parity``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgemnist.commands.examples import Example
from edgemnist.commands.feeding import Feeding
from edgemnist.commands.gating import Gating
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


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    add_command(
        app,
        parity,
        section=Section.PROVE,
        short="The same images through every runtime, compared.",
        examples=(
            Example("edgemnist parity", "Every model of the work folder in every runtime."),
            Example(
                "edgemnist parity net.tflite float.tflite --dataset photos",
                "Models from elsewhere, and what they were trained on.",
            ),
            Example(
                "edgemnist parity --require-exact tflm --max-accuracy-drop 1",
                "A gate: fail if a byte differs, or int8 loses more than 1 %.",
            ),
        ),
    )


def parity(
    *,
    models: Models = None,
    dataset: ImagesOf = None,
    images: Images = None,
    all_images: AllImages = False,
    runtime: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[,..]", help="Only this runtime; may be repeated. Default: all but the emulated."),
    ] = None,
    feeding: Feeding,
    gating: Gating,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say of each int8 model why runtimes' bytes differ, as `explain` does.")
    ] = False,
    profile: Annotated[
        bool, typer.Option("--profile", help="Time each step of an invoke too, in runtimes that offer it: host-c.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE.json", help="Write the report here, also that of models that were named."),
    ] = None,
    timeout: ModelTimeout = 300.0,
    work: Work = DEFAULT_WORK,
) -> Outcome:
    """Run the same images through every runtime and compare: accuracy, agreement, exactness, latency, memory."""
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.commands.parity import gate, stage, view
    from edgemnist.harness.images import image_settings_from
    from edgemnist.harness.names import parse_names
    from edgemnist.support.progress import say

    settings = stage.ParitySettings(
        models=tuple(models or ()),
        images=image_settings_from(images, all_images, dataset),
        feeding=feeding.settings(),
        runtimes=parse_names(runtime or []),
        gates=gating.settings(),
        timeout=timeout,
        explain=explain,
        profile=profile,
        out=out,
    )
    if settings.gates.firmware.given:
        say(f"[firmware] in {settings.gates.source} is for `edgemnist report`, which builds one: not decided here")
    report = stage.parity(settings, WorkFolder(work))
    return Outcome(report, lambda: view.show(report), lambda: gate.raise_failed(report))
