"""From a model and a board to a linked image: generated C, the application, the board's start-up code."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from edgemnist.compiler.bands.search import ArenaTooLargeError
from edgemnist.compiler.memory import ALIGNMENT
from edgemnist.compiler.tensor_dump import TracedTensors
from edgemnist.mcu.boards import Board
from edgemnist.mcu.elf import ElfImage, Sizes, measure, read_elf
from edgemnist.mcu.emulators.base import board_json
from edgemnist.mcu.network import Layer, Network, NetworkSettings, Place, make_network
from edgemnist.mcu.toolchain import LinkJob, choose_toolchain
from edgemnist.mcu.verification import Expected, verify_image
from edgemnist.support.choices import unknown
from edgemnist.support.errors import GateFailedError, InputError
from edgemnist.support.files import json_text, write_together
from edgemnist.support.locking import alone_in
from edgemnist.support.progress import say
from edgemnist.support.resources import firmware_folder
from edgemnist.tflite.file import TensorInfo, TfliteModel

TRANSPORTS = ("semihosting", "uart")
OPTIMISATIONS = {"speed": ("-O2",), "size": ("-Os", "-DEM_OPTIMISE_SIZE")}
STACK_BYTES = {"c": 2048, "tflm": 4096}
"""The stack's usual reserve by engine: generated C took 132 to 900 bytes of it."""
_ROOMY = 0x4000000
"""Length of each memory for the linker; what does not fit the board is told afterwards, with the figures."""
_SHARED_SOURCES = ("app/main.c", "app/link.c", "platform/start.c", "platform/memory.c")
_CORE_SOURCES = {"arm": "platform/cortex_m.c", "riscv": "platform/riscv32.c"}


@dataclass(frozen=True, kw_only=True)
class BuildSettings:
    """How to build. ``transport`` is a name in ``TRANSPORTS``; ``optimise`` one in ``OPTIMISATIONS``.

    ``stack_bytes`` is the stack's reserve, None the engine's usual; with ``step_ticks`` the image measures every layer,
    which costs a call each; with ``tensors`` it sends what every operator writes, for which nothing is fused.
    ``flags`` come after those of ``optimise``, as those of somebody's own build would.
    """

    toolchain: str = "auto"
    optimise: str = "speed"
    transport: str = "semihosting"
    stack_bytes: int | None = None
    step_ticks: bool = False
    tensors: bool = False
    flags: tuple[str, ...] = ()
    network: NetworkSettings = field(default_factory=NetworkSettings)

    def stack(self) -> int:
        """Return the stack's reserve, a multiple of 8 bytes."""
        wanted = self.stack_bytes or STACK_BYTES.get(self.network.engine, STACK_BYTES["tflm"])
        return (wanted + 7) // 8 * 8


@dataclass(frozen=True, eq=False)
class FirmwareImage:
    """A linked image of a model for a board. ``path`` is the ELF file, ``model_sha256`` of the ``.tflite``.

    ``outputs`` are the model's output tensors; ``traced``: which tensors it sends, if it does.
    """

    path: Path
    board: Board
    compiler: str
    settings: BuildSettings
    layers: Sequence[Layer]
    outputs: tuple[TensorInfo, ...]
    traced: TracedTensors
    elf: ElfImage
    sizes: Sizes
    model_sha256: str

    def excess(self) -> dict[str, int]:
        """Return by how many bytes the image is too large for the board, by memory; empty when it fits."""
        return self.board.excess(self.sizes.flash, self.sizes.ram)

    def raise_too_large(self) -> None:
        """Raise if the image does not fit the board.

        :raises GateFailedError: says which memory is over, and by how much.
        """
        over = self.excess()
        if over:
            needs = f"needs {self.sizes.flash:,} B of flash and {self.sizes.ram:,} B of RAM"
            has = f"has {self.board.flash.bytes:,} B and {self.board.ram.bytes:,} B"
            excess = " and ".join(f"{memory} by {count:,} B" for memory, count in over.items())
            raise GateFailedError(
                f"too large for {self.board.name}: the firmware {needs}, the board {has}; over: {excess}; "
                "choose a smaller model, --optimise size, a smaller --stack or another board"
            )

    def as_json(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        labels = [layer.operator for layer in self.layers]
        sizes = self.sizes.as_json()
        layers = [{"operator": label, **layer} for label, layer in zip(labels, sizes.pop("layers"), strict=True)]
        return {
            "board": board_json(self.board),
            "model_sha256": self.model_sha256,
            "engine": self.settings.network.engine,
            "compiler": self.compiler,
            "optimise": self.settings.optimise,
            "transport": self.settings.transport,
            **sizes,
            "fits": not self.excess(),
            "over_bytes": self.excess(),
            "layers": layers,
        }


def build_firmware(model: TfliteModel, board: Board, settings: BuildSettings, folder: Path) -> FirmwareImage:
    """Build a model's firmware; ``folder`` gets ``firmware.elf``, ``.bin``, ``.hex``, ``.map`` and ``.json``.

    The image may be larger than the board; see :meth:`FirmwareImage.raise_too_large`.

    :raises InputError: an unknown setting, or a board without a UART driver for that transport.
    :raises ModelError: the model can't be compiled to C.
    :raises MissingDependencyError: no toolchain.
    :raises EnvironmentFailure: the toolchain failed.
    :raises InternalError: the image that was linked is not that of the model; nothing is written.
    """
    with tempfile.TemporaryDirectory(prefix="edgemnist-") as temporary:
        network = make_network(model, settings.network, board.core.elf_machine, tensors=settings.tensors)
        linked = link_firmware(model, network, board, settings, Path(temporary))
        content = linked.path.read_bytes()
    path = folder / "firmware.elf"
    elf = replace(linked.elf, path=path)
    image = replace(linked, path=path, elf=elf)
    with building_in(folder):
        write_together(
            {
                path: content,
                folder / "firmware.bin": elf.binary(),
                folder / "firmware.hex": elf.intel_hex().encode(),
                folder / "firmware.map": elf.map().encode(),
                folder / "firmware.json": json_text(image.as_json()).encode(),
            }
        )
    return image


def link_firmware(
    model: TfliteModel, network: Network, board: Board, settings: BuildSettings, folder: Path
) -> FirmwareImage:
    """Link a model's firmware into ``firmware.elf`` in an empty folder, among all that it is made of.

    ``network`` is the model's, as ``settings`` ask for it.

    :raises EdgeMnistError: as ``build_firmware``.
    """
    _check(settings, board)
    toolchain = choose_toolchain(settings.toolchain, board.core)
    sources = _sources(model, network, board, settings)
    for name, text in sources.items():
        (folder / name).write_text(text, encoding="utf-8")
    digest, compiler, path = _digest(sources), toolchain.version(board.core), folder / "firmware.elf"
    toolchain.link(board.core, _link_job(network, board, settings, digest, folder), folder)
    elf = read_elf(path)
    wanted = Expected(network, model.sha256, (digest,) * (len(_compiled(network)) + 1), board, settings.stack())
    verify_image(elf, wanted, compiler)
    sizes = measure(elf, len(network.layers))
    return FirmwareImage(
        path, board, compiler, settings, network.layers, network.ends.results, network.traced, elf, sizes, model.sha256
    )


def build_fitted(model: TfliteModel, board: Board, settings: BuildSettings, folder: Path) -> FirmwareImage:
    """Build as :func:`build_firmware`; by bands of rows where only the arena makes the image too large for the board.

    ``--ram`` asks for a size of one's own. What measures layers or sends tensors has them as a whole.

    :raises EdgeMnistError: as :func:`build_firmware`.
    """
    image = build_firmware(model, board, settings, folder)
    codegen, over = settings.network.codegen, image.excess().get("RAM", 0)
    left = (image.sizes.arena - over) // ALIGNMENT * ALIGNMENT
    free = settings.network.engine == "c" and codegen.ram is None and not (settings.step_ticks or settings.tensors)
    if not over or not free or left <= 0:
        return image
    network = replace(settings.network, codegen=replace(codegen, ram=left))
    try:
        banded = build_firmware(model, board, replace(settings, network=network), folder)
    except ArenaTooLargeError:
        return image
    say(
        f"the arena's {image.sizes.arena:,} bytes are {over:,} too many for the RAM of {board.name}: the first layers "
        f"run by bands of rows, and it takes {banded.sizes.arena:,}, as with --ram {left}"
    )
    return banded


def building_in(folder: Path) -> AbstractContextManager[None]:
    """Keep other builds out of a folder, for as long as its image is used."""
    return alone_in(folder, "another build")


def _check(settings: BuildSettings, board: Board) -> None:
    for what, value, allowed in (
        ("transport", settings.transport, TRANSPORTS),
        ("optimisation", settings.optimise, tuple(OPTIMISATIONS)),
    ):
        if value not in allowed:
            raise unknown(what, value, allowed)
    if settings.transport == "uart" and board.uart is None:
        raise InputError(
            f"edgemnist has no serial port driver for {board.name!r}; `edgemnist firmware package` makes a project for "
            "the board's own tools, whose sketch speaks the same protocol"
        )


def _sources(model: TfliteModel, network: Network, board: Board, settings: BuildSettings) -> dict[str, str]:
    """Return all that is written for this image alone, by file name."""
    config, memory = _config(model, network, board), _memory(board, settings.stack())
    compiled = {name: network.files[name] + '\n#include "sources.h"\n' for name in _compiled(network)}
    return {**network.files, **compiled, "firmware_config.h": config, "memory.ld": memory}


def _compiled(network: Network) -> list[str]:
    return [name for name in network.files if name.endswith((".c", ".cc"))]


def _config(model: TfliteModel, network: Network, board: Board) -> str:
    digest = bytes.fromhex(model.sha256)
    lines = [
        "/* Written by the build: what the application has to know of model and board. */",
        "#ifndef FIRMWARE_CONFIG_H",
        "#define FIRMWARE_CONFIG_H",
        *_pieces("INPUT", network.ends.inputs),
        *_pieces("OUTPUT", network.ends.outputs),
        f"#define FIRMWARE_SETUP {network.setup or '(void)0'}",
        f"#define FIRMWARE_MODEL_SHA256 {{{', '.join(f'0x{byte:02x}' for byte in digest[:8])}}}",
        f'#define FIRMWARE_BOARD "{board.name}"',
        "#endif",
    ]
    return "\n".join(lines) + "\n"


def _pieces(what: str, places: Sequence[Place]) -> list[str]:
    """Return where the network's inputs or outputs lie, for ``link_piece``, and how many bytes they have together."""
    pieces = [f"{{arena.bytes + {place.offset}, {place.tensor.bytes}}}" for place in places]
    return [
        f"#define FIRMWARE_{what}S {', '.join(pieces)}",
        f"#define FIRMWARE_{what}_BYTES {sum(place.tensor.bytes for place in places)}",
    ]


def _memory(board: Board, stack_bytes: int) -> str:
    return (
        "MEMORY\n{\n"
        f"  FLASH (rx) : ORIGIN = 0x{board.flash.origin:08x}, LENGTH = 0x{_ROOMY:x}\n"
        f"  RAM (rw) : ORIGIN = 0x{board.ram.origin:08x}, LENGTH = 0x{_ROOMY:x}\n"
        "}\n"
        f"STACK_BYTES = {stack_bytes};\n"
    )


def _link_job(network: Network, board: Board, settings: BuildSettings, sources_sha256: str, folder: Path) -> LinkJob:
    root = firmware_folder()
    sources: Sequence[str] = (*_SHARED_SOURCES, _CORE_SOURCES[board.core.architecture], *_drivers(board, settings))
    flags = [*OPTIMISATIONS[settings.optimise], *settings.flags, "-I."]
    flags += [f"-I{root / part}" for part in ("app", "platform")]
    # What a debugger is told of the sources' places names no folder of this machine.
    flags += [f"-ffile-prefix-map={root}=firmware", f"-ffile-prefix-map={folder.resolve()}=."]
    flags += [f"-DBOARD_TICKS_PER_SECOND={board.ticks.per_second}u", f"-DBOARD_CLOCK_HZ={board.clock_hz}u"]
    flags += [f"-DBOARD_TICKS_ADDRESS={board.ticks.address:#x}u"] if board.ticks.address else []
    flags += [f"-DBOARD_UART_ADDRESS={board.uart.address:#x}u"] if board.uart else []
    flags += ["-DNET_TRACE"] if settings.step_ticks or settings.tensors else []
    flags += ["-DFIRMWARE_TENSORS"] if settings.tensors else []
    # In the command, it also keeps a compiler's cache, whatever that looks at, from taking another network's objects.
    flags += [f'-DFIRMWARE_SOURCES_SHA256="{sources_sha256}"']
    return LinkJob(
        sources=(*_compiled(network), *(str(root / source) for source in sources)),
        flags=tuple(flags),
        c=(f"-I{root / 'platform' / 'include'}",),
        script=root / "platform" / "sections.ld",
        cpp=network.cpp,
        libraries=network.link,
    )


def _digest(files: Mapping[str, str]) -> str:
    digest = hashlib.sha256()
    for name, text in sorted(files.items()):
        digest.update(f"{name} {len(text)}\n{text}".encode())
    return digest.hexdigest()


def _drivers(board: Board, settings: BuildSettings) -> list[str]:
    transport = "semihosting" if settings.transport == "semihosting" or board.uart is None else None
    uart = f"uart_{board.uart.driver}" if board.uart else ""
    ticks = [] if board.ticks.driver == "core" else [f"platform/ticks_{board.ticks.driver}.c"]
    return [f"platform/{transport or uart}.c", *ticks]


def for_core(settings: BuildSettings, board: Board) -> BuildSettings:
    """Return the settings with the compiler's target for the board's core; for size, the one with the least code."""
    target = "portable" if settings.optimise == "size" else board.core.target
    codegen = replace(settings.network.codegen, target=target)
    return replace(settings, network=replace(settings.network, codegen=codegen))
