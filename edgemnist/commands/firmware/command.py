"""``edgemnist firmware build``, ``run`` and ``package``, and ``edgemnist boards``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgemnist.commands.options import DEFAULT_WORK, Json, Work
from edgemnist.mcu import DEFAULT_BOARD

Model = Annotated[Path | None, typer.Option("--model", help="A .tflite file. Default: the work folder's int8 model.")]
BoardName = Annotated[str, typer.Option("--board", help="A name of `edgemnist boards`, or a folder with a board.toml.")]
ToolchainName = Annotated[str, typer.Option("--toolchain", help="auto, zig (from PyPI) or gnu (the system's).")]
Optimise = Annotated[str, typer.Option("--optimise", help="speed or size.")]
Stack = Annotated[int | None, typer.Option("--stack", min=64, max=1 << 20, help="Bytes to reserve for the stack.")]
Engine = Annotated[str, typer.Option("--engine", help="c: generated C. tflm: TensorFlow Lite for Microcontrollers.")]
TflmInclude = Annotated[Path | None, typer.Option("--tflm-include", help="For tflm: folder that holds tensorflow/.")]
TflmLibrary = Annotated[Path | None, typer.Option("--tflm-lib", help="For tflm: libtensorflow-microlite.a.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    group = typer.Typer(no_args_is_help=True, help="Build, run and package firmware for microcontrollers.")
    group.command()(build)
    group.command()(run)
    group.command()(package)
    app.add_typer(group, name="firmware")
    app.command()(boards)


def build(
    board: BoardName = DEFAULT_BOARD,
    model: Model = None,
    out: Annotated[Path | None, typer.Option(help="Folder. Default: firmware/BOARD in the work folder.")] = None,
    toolchain: ToolchainName = "auto",
    optimise: Optimise = "speed",
    transport: Annotated[str, typer.Option(help="semihosting for emulators, uart for boards.")] = "semihosting",
    stack: Stack = None,
    engine: Engine = "c",
    tflm_include: TflmInclude = None,
    tflm_lib: TflmLibrary = None,
    work: Work = DEFAULT_WORK,
    json: Json = False,
) -> None:
    """Build a model's firmware: ELF, bin, map, and where its bytes go."""
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.commands.firmware import stage, view
    from edgemnist.mcu.build import BuildSettings
    from edgemnist.support import progress

    network = stage.network_settings(engine, tflm_include, tflm_lib)
    build = BuildSettings(toolchain, optimise, transport, stack, network=network)
    settings = stage.FirmwareSettings(model=model, board=board, out=out, build=build)
    image = stage.build(settings, WorkFolder(work))
    if json:
        progress.print_json(image.as_json())
    else:
        view.show_image(image)
    image.raise_too_large()


def run(
    board: BoardName = DEFAULT_BOARD,
    model: Model = None,
    port: Annotated[str | None, typer.Option(help="Serial port of a real board, such as /dev/ttyACM0.")] = None,
    baud: Annotated[int, typer.Option(min=1, help="Speed of the serial port.")] = 115200,
    dataset: Annotated[str | None, typer.Option(help="Test images to feed, or random. Default: worked out.")] = None,
    images: Annotated[int, typer.Option(min=1, help="How many inputs.")] = 100,
    emulator: Annotated[str, typer.Option(help="auto, unicorn (from PyPI) or qemu (the system's).")] = "auto",
    profile: Annotated[bool, typer.Option("--profile", help="Also count instructions by function and class.")] = False,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds for all inputs.")] = 300.0,
    toolchain: ToolchainName = "auto",
    optimise: Optimise = "speed",
    stack: Stack = None,
    engine: Engine = "c",
    tflm_include: TflmInclude = None,
    tflm_lib: TflmLibrary = None,
    work: Work = DEFAULT_WORK,
    json: Json = False,
) -> None:
    """Run a model's firmware on an emulated core or a real board: accuracy, exactness, instructions, stack."""
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.commands.firmware import stage, view
    from edgemnist.commands.firmware.run import RunSettings, raise_inexact
    from edgemnist.mcu.build import BuildSettings
    from edgemnist.support import progress

    network = stage.network_settings(engine, tflm_include, tflm_lib)
    settings = RunSettings(
        model=model,
        board=board,
        port=port,
        baud=baud,
        dataset=dataset,
        images=images,
        emulator=emulator,
        profile=profile,
        timeout=timeout,
        build=BuildSettings(toolchain, optimise, stack_bytes=stack, network=network),
    )
    report = stage.run(settings, WorkFolder(work))
    if json:
        progress.print_json(report.as_json())
    else:
        view.show_report(report)
    raise_inexact(report)


def package(
    platform: Annotated[str, typer.Option("--for", help="arduino, platformio, esp-idf, zephyr, cmake or cmsis-pack.")],
    model: Model = None,
    out: Annotated[Path | None, typer.Option(help="The zip to write. Default: in the work folder.")] = None,
    name: Annotated[str, typer.Option(help="Prefix of files and C names.")] = "model",
    work: Work = DEFAULT_WORK,
    json: Json = False,
) -> None:
    """Pack a model's C code, self-test and an example as a library or project of an embedded build system."""
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.commands.firmware import stage
    from edgemnist.support import progress

    settings = stage.PackageSettings(platform=platform, model=model, out=out, name=name)
    result = stage.package(settings, WorkFolder(work))
    if json:
        progress.print_json(result.as_json())
    else:
        progress.stdout_console().print(f"{result.path}: {result.bytes:,} B, {len(result.files)} files", markup=False)


def boards(
    model: Model = None,
    optimise: Optimise = "speed",
    toolchain: ToolchainName = "auto",
    work: Work = DEFAULT_WORK,
    json: Json = False,
) -> None:
    """List the known boards, and whether the model fits each."""
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.commands.firmware import stage, view
    from edgemnist.mcu.build import BuildSettings
    from edgemnist.support import progress

    settings = stage.BoardsSettings(model=model, build=BuildSettings(toolchain, optimise))
    found = stage.fits(settings, WorkFolder(work))
    if json:
        progress.print_json(found.as_json())
    else:
        view.show_boards(found.boards, found.model)
