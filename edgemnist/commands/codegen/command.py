"""``edgemnist codegen``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgemnist.commands.building import CountLayers, InputApart, MemoryNames, Ram
from edgemnist.commands.examples import Example
from edgemnist.commands.feeding import Feeding
from edgemnist.commands.options import DEFAULT_WORK, Model, Work, add_command
from edgemnist.commands.outcome import Outcome
from edgemnist.commands.sections import Section
from edgemnist.compiler.host_cpu import HOST
from edgemnist.compiler.targets import ANY, TARGETS


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    add_command(
        app,
        codegen,
        draws=True,
        section=Section.CONVERT,
        short="Write C without dependencies that runs a .tflite.",
        examples=(
            Example("edgemnist codegen", "The work folder's int8 model, to the folder artifacts/c."),
            Example(
                "edgemnist codegen net.tflite --name digits --out digits",
                "Another model: digits.c, digits.h and what they include.",
            ),
            Example(
                "edgemnist codegen net.tflite --target cortex-m4 --ram 65536",
                "For one core, with at most 64 KiB of RAM.",
            ),
            Example("edgemnist codegen net.tflite --dump plan", "Only say where everything lies in memory."),
        ),
    )


def codegen(
    *,
    model: Model = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Folder for the C files. Default: c/ in the work folder.")
    ] = None,
    name: Annotated[str, typer.Option(help="Prefix of files and C names.")] = "model",
    target: Annotated[
        str, typer.Option(help=f"Core to write for: {ANY}, {', '.join(TARGETS)}; or {HOST}, what this machine has.")
    ] = ANY,
    rounding: Annotated[
        str, typer.Option(help="Whose bytes to equal: tflm, or tflite for TensorFlow 2.21's reference kernels.")
    ] = "tflm",
    no_fuse: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Switch a fusion off, or dead-channels; may be repeated.")
    ] = None,
    sparse: Annotated[
        str,
        typer.Option(help="Layers to store without their zeros: auto where it gains, never, always where possible."),
    ] = "auto",
    count_layers: CountLayers = False,
    ram: Ram = None,
    memory: MemoryNames = None,
    input_apart: InputApart = False,
    single_file: Annotated[
        bool,
        typer.Option("--single-file", help="Write one NAME.c and one NAME.h: kernels and self-test stand in NAME.c."),
    ] = False,
    labels: Annotated[
        str | None, typer.Option(metavar="NAME,..", help="Class names, a,b,c. Default: the work folder's.")
    ] = None,
    feeding: Feeding,
    with_dump: Annotated[
        bool, typer.Option("--with-dump", help="Add a function that prints every operator's output; nothing is fused.")
    ] = False,
    dump: Annotated[
        str | None,
        typer.Option(help="Print what the compiler has made of the model, and write nothing: graph, program or plan."),
    ] = None,
    work: Work = DEFAULT_WORK,
) -> Outcome:
    """Write dependency-free C99 that runs an int8 model, equal byte for byte to TFLM."""
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.commands.codegen import view
    from edgemnist.commands.codegen.stage import CodeSettings, dump_model, run_codegen, settings_from

    code = settings_from(
        name=name, target=target, rounding=rounding, without=no_fuse or [], labels=labels, sparse=sparse,
        with_dump=with_dump, ram=ram, memory=memory, input_apart=input_apart, single_file=single_file,
    )  # fmt: skip
    settings = CodeSettings(model=model, out=out, code=code, feeding=feeding.settings(), count_layers=count_layers)
    if dump is not None:
        dumped = dump_model(dump, settings, WorkFolder(work))
        return Outcome(dumped, lambda: view.show_dump(dumped))
    result = run_codegen(settings, WorkFolder(work))
    return Outcome(result, lambda: view.show(result, host=target == HOST))
