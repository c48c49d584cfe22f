"""``edgemnist explain``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgemnist.commands.examples import Example
from edgemnist.commands.feeding import Feeding
from edgemnist.commands.options import DEFAULT_WORK, ImagesOf, Model, Work, add_command
from edgemnist.commands.outcome import Outcome
from edgemnist.commands.sections import Section

FloatModel = Annotated[
    Path | None,
    typer.Option(
        "--float",
        metavar="FILE",
        help="The float32 .tflite it was made from: which layer's quantisation costs what. Default: the work folder's.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    add_command(
        app,
        explain,
        section=Section.PROVE,
        short="Say why bytes differ, operator by operator.",
        examples=(
            Example("edgemnist explain", "The work folder's int8 model: its runtimes, and its float model."),
            Example(
                "edgemnist explain net.tflite --against litert-default --random",
                "Why a runtime answers otherwise than TFLM.",
            ),
            Example(
                "edgemnist explain net.tflite --float float.tflite --dataset photos",
                "Which layer loses accuracy by int8, and why.",
            ),
            Example(
                "edgemnist explain net.tflite --dump board.txt",
                "Which operator of a device computes something else.",
            ),
        ),
    )


def explain(
    *,
    model: Model = None,
    against: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[,..]", help="Runtimes to explain; may be repeated. Default: all not emulated."),
    ] = None,
    float_model: FloatModel = None,
    dataset: ImagesOf = None,
    images: Annotated[int, typer.Option(min=1, help="Inputs: test images, equally many per class.")] = 100,
    random: Annotated[bool, typer.Option("--random", help="Random inputs instead of a dataset's pictures.")] = False,
    dump: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Tensors that a device printed: explain these, not the runtimes here."),
    ] = None,
    outputs: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv", help="What a device answered: a file name, or a test image's number, and outputs."
        ),
    ] = None,
    inputs: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="With --outputs: folder of those files; with --dump: the pictures it was shown."
        ),
    ] = None,
    reproducer: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write the smallest model that differs: .tflite, .npy, a test, a text."),
    ] = None,
    feeding: Feeding,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.1, help="Seconds for one runtime and one request.")
    ] = 300.0,
    work: Work = DEFAULT_WORK,
) -> Outcome:
    """Say why bytes differ: every operator of every runtime beside the oracle, and the rule behind the difference."""
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.commands.explain import device, float_part, float_view, stage
    from edgemnist.harness.images import ImageSettings
    from edgemnist.harness.names import parse_names

    settings = stage.ExplainCommandSettings(
        model=model,
        against=parse_names(against or []),
        images=ImageSettings(count=images, dataset=dataset),
        random=random,
        feeding=feeding.settings(),
        timeout=timeout,
        reproducers=reproducer,
        device=device.DeviceFiles(dump=dump, outputs=outputs, inputs=inputs),
    )
    found = float_part.run_with_float(settings, float_model, WorkFolder(work))
    return Outcome(found, lambda: float_view.show(found))
