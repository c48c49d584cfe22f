"""What the firmware tests share: a model made on the fly, images built once, and images that are broken on purpose."""

from __future__ import annotations

import dataclasses
import functools
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgemnist.compiler.generate import CodegenSettings
from edgemnist.compiler.ops.base import LoweringSettings
from edgemnist.compiler.passes import optimise
from edgemnist.compiler.reader import read_graph
from edgemnist.compiler.reference import run_reference
from edgemnist.mcu.boards import Board, boards, find_board
from edgemnist.mcu.build import BuildSettings, FirmwareImage, build_firmware
from edgemnist.mcu.elf import read_elf
from edgemnist.mcu.emulators.base import emulators, emulators_of
from edgemnist.mcu.execution import Execution, run_emulated
from edgemnist.mcu.toolchain import TOOLCHAINS
from edgemnist.tflite.file import TfliteModel, parse_tflite
from tests.compiler.test_emit import small_model

WAYS = [
    (board, toolchain, emulator)
    for board in boards().values()
    for toolchain in TOOLCHAINS
    for emulator in emulators_of(board)
]
"""Every board with each toolchain in each emulator that knows it."""

_folder = tempfile.TemporaryDirectory(prefix="edgemnist-tests-")


@functools.cache
def model() -> TfliteModel:
    """Return a small network with every common kind of layer; input (1, 8, 7, 1), 4 classes."""
    return parse_tflite(small_model())


def inputs(count: int, seed: int = 0) -> NDArray[np.int8]:
    """Return random inputs of :func:`model`, shape (count, 8, 7, 1)."""
    return np.random.default_rng(seed).integers(-128, 128, (count, 8, 7, 1), dtype=np.int8)


def expected(images: NDArray[np.int8]) -> NDArray[np.int8]:
    """Return what the numpy references make of inputs of :func:`model`, shape (count, 4)."""
    graph = optimise(read_graph(model()), CodegenSettings().fusions)
    rows = [run_reference(graph, image[np.newaxis], LoweringSettings())[graph.output][0] for image in images]
    return np.array(rows)


def need(board: str, toolchain: str | None = None, emulator: str | None = None) -> None:
    """Skip the test, with the reason, where a tool is missing; CI allows no skips."""
    known = boards()[board]
    reasons = [TOOLCHAINS[toolchain].available(known.core)] if toolchain else []
    reasons += [emulators()[emulator].available(known)] if emulator else []
    for reason in reasons:
        if reason is not None:
            pytest.skip(reason)


def run(firmware: FirmwareImage, emulator: str, images: NDArray[np.int8], **options: Any) -> Execution:
    """Run an image in an emulator by name."""
    need(firmware.board.name, emulator=emulator)
    return run_emulated(firmware, emulators()[emulator], [images], **options)


def image(board: str, toolchain: str = "zig", settings: BuildSettings | None = None) -> FirmwareImage:
    """Return the firmware of :func:`model` for a board, built once."""
    need(board, toolchain)
    return _image(board, toolchain, settings)


@functools.cache
def _image(board: str, toolchain: str, settings: BuildSettings | None) -> FirmwareImage:
    wanted = dataclasses.replace(settings or BuildSettings(), toolchain=toolchain)
    folder = Path(tempfile.mkdtemp(dir=_folder.name))
    return build_firmware(model(), find_board(board), wanted, folder)


def patched(firmware: FirmwareImage, symbol: str, code: bytes, folder: Path) -> FirmwareImage:
    """Return the image with machine code put over the start of a function, as a new file in ``folder``."""
    from elftools.elf.elffile import ELFFile

    address = firmware.elf.symbols[symbol].address
    content = bytearray(firmware.path.read_bytes())
    with firmware.path.open("rb") as file:
        section = next(
            one for one in ELFFile(file).iter_sections() if one["sh_addr"] <= address < one["sh_addr"] + one["sh_size"]
        )
        offset = section["sh_offset"] + address - section["sh_addr"]
    content[offset : offset + len(code)] = code
    path = folder / "patched.elf"
    path.write_bytes(content)
    return dataclasses.replace(firmware, path=path, elf=read_elf(path))


def small_board(flash_bytes: int, ram_bytes: int) -> Board:
    """Return a Cortex-M4 board with little memory."""
    board = find_board("mps2-an386")
    return dataclasses.replace(
        board,
        name="small",
        flash=dataclasses.replace(board.flash, bytes=flash_bytes),
        ram=dataclasses.replace(board.ram, bytes=ram_bytes),
    )
