"""``edgemnist firmware build``, ``run`` and ``package``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from edgemnist.commands.building import Building, CountLayers, MemoryNames, Ram
from edgemnist.commands.examples import Example
from edgemnist.commands.feeding import Feeding
from edgemnist.commands.help import HelpfulGroup
from edgemnist.commands.options import DEFAULT_WORK, Model, Work, add_command
from edgemnist.commands.outcome import Outcome
from edgemnist.commands.sections import Section
from edgemnist.compiler.targets import ANY, TARGETS
from edgemnist.mcu import DEFAULT_BOARD, DUMPED
from edgemnist.mcu.emulators.base import emulators
from edgemnist.mcu.packages.registry import platform_names

WithDump = Annotated[
    bool, typer.Option("--with-dump", help="Also let it tell every operator's output; nothing is fused then.")
]
BoardName = Annotated[
    str,
    typer.Option("--board", metavar="NAME|FOLDER", help="A name of `edgemnist boards`, or a folder with a board.toml."),
]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    group = typer.Typer(
        cls=HelpfulGroup, no_args_is_help=True, help="Build, run and package firmware for microcontrollers."
    )
    add_command(
        group,
        build,
        formerly="--model",
        examples=(
            Example(
                "edgemnist firmware build --board microbit", "The work folder's int8 model, for an emulated board."
            ),
            Example(
                "edgemnist firmware build net.tflite --board microbit --transport uart",
                "Another model, for the real one: firmware.hex.",
            ),
        ),
    )
    add_command(
        group,
        run,
        formerly="--model",
        examples=(
            Example(
                "edgemnist firmware run --board microbit",
                "Build it, and classify 100 test images on an emulated Cortex-M0.",
            ),
            Example(
                "edgemnist firmware run net.tflite --dataset photos --dump tensors.txt",
                "Another model; every operator's output to a file.",
            ),
            Example(
                "edgemnist firmware run --board microbit --port /dev/ttyACM0",
                "The same images on the board itself.",
                needs="a board",
            ),
        ),
    )
    add_command(
        group,
        package,
        formerly="--model",
        examples=(
            Example(
                "edgemnist firmware package --for arduino",
                "The work folder's int8 model, as a library to add to the IDE.",
            ),
            Example(
                "edgemnist firmware package net.tflite --for cmake --name digits",
                "Another model, as a project of CMake.",
            ),
        ),
    )
    app.add_typer(group, name="firmware", rich_help_panel=Section.DEPLOY)


def build(
    *,
    board: BoardName = DEFAULT_BOARD,
    model: Model = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Folder. Default: firmware/BOARD in the work folder.")
    ] = None,
    transport: Annotated[str, typer.Option(help="semihosting for emulators, uart for boards.")] = "semihosting",
    with_dump: WithDump = False,
    building: Building,
    work: Work = DEFAULT_WORK,
) -> Outcome:
    """Build a model's firmware: ELF, bin, map, and where its bytes go."""
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.commands.firmware import stage, view

    build = replace(building.settings(transport=transport), tensors=with_dump)
    settings = stage.FirmwareSettings(
        model=model, board=board, out=out, build=build, count_layers=building.count_layers
    )
    image = stage.build(settings, WorkFolder(work))
    return Outcome(image, lambda: view.show_image(image), image.raise_too_large)


def run(
    *,
    board: BoardName = DEFAULT_BOARD,
    model: Model = None,
    port: Annotated[
        str | None, typer.Option(metavar="FILE", help="Serial port of a real board, such as /dev/ttyACM0.")
    ] = None,
    baud: Annotated[int, typer.Option(min=1, help="Speed of the serial port.")] = 115200,
    dataset: Annotated[
        str | None, typer.Option(metavar="NAME|PATH", help="Test images to feed, or random. Default: worked out.")
    ] = None,
    feeding: Feeding,
    images: Annotated[int, typer.Option(min=1, help="How many inputs.")] = 100,
    emulator: Annotated[str, typer.Option(help=f"{', '.join(('auto', *emulators()))}.")] = "auto",
    dump: Annotated[
        Path | None, typer.Option(help=f"Write every operator's output for the first {DUMPED} inputs to this file.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Keep the built files of an emulated board in this folder.")
    ] = None,
    profile: Annotated[bool, typer.Option("--profile", help="Also count instructions by function and class.")] = False,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", min=0.1, help="Seconds for all inputs.")] = 300.0,
    building: Building,
    work: Work = DEFAULT_WORK,
) -> Outcome:
    """Run a model's firmware on an emulated core or a real board: accuracy, exactness, instructions, stack."""
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.commands.firmware import stage, view
    from edgemnist.commands.firmware.run import RunSettings, raise_inexact

    settings = RunSettings(
        model=model,
        board=board,
        port=port,
        baud=baud,
        dataset=dataset,
        feeding=feeding.settings(),
        images=images,
        emulator=emulator,
        profile=profile,
        dump=dump,
        out=out,
        timeout=timeout,
        build=building.settings(transport="semihosting"),
        count_layers=building.count_layers,
    )
    report = stage.run(settings, WorkFolder(work))
    return Outcome(report, lambda: view.show_report(report), lambda: raise_inexact(report))


def package(
    *,
    platform: Annotated[str, typer.Option("--for", help=f"{', '.join(platform_names())}.")],
    model: Model = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.zip", help="The zip to write. Default: in the work folder.")
    ] = None,
    name: Annotated[str, typer.Option(help="Prefix of files and C names.")] = "model",
    target: Annotated[str, typer.Option(help=f"Core to write for: {ANY}, {', '.join(TARGETS)}.")] = ANY,
    count_layers: CountLayers = False,
    ram: Ram = None,
    memory: MemoryNames = None,
    with_dump: WithDump = False,
    feeding: Feeding,
    work: Work = DEFAULT_WORK,
) -> Outcome:
    """Pack a model's C code, self-test and an example as a library or project of an embedded build system."""
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.commands.firmware import stage, view

    settings = stage.PackageSettings(
        platform=platform,
        model=model,
        out=out,
        name=name,
        target=target,
        feeding=feeding.settings(),
        count_layers=count_layers,
        ram=ram,
        memory=memory,
        with_dump=with_dump,
    )
    result = stage.package(settings, WorkFolder(work))
    return Outcome(result, lambda: view.show_package(result))
