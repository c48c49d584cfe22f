"""Generated C for the Cortex-M55 on QEMU, which alone emulates its vectors: many networks in one image and one run.

The arena ends where the memory ends, so that a kernel that reads over it is caught.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.emit import EmitSettings, emit
from edgemnist.compiler.lowering import Program
from edgemnist.compiler.memory import Plan
from edgemnist.mcu.boards import find_board
from edgemnist.mcu.cores import find_core
from edgemnist.mcu.emulators.base import emulators
from edgemnist.mcu.emulators.qemu import machine_command
from edgemnist.mcu.toolchain import TOOLCHAINS, WARNINGS
from edgemnist.support.resources import firmware_folder

_BOARD, _CORE = "mps3-an547", "cortex-m55"
_ARENA_END, _STACK_TOP = 0x30080000, 0x31010000
_SECTIONS = """SECTIONS
{
  .vectors 0x10000000 : { KEEP(*(.vectors)) }
  .text 0x11000000 : { *(.text*) *(.rodata*) *(.data*) }
  .bss 0x31020000 (NOLOAD) : { *(.bss*) }
}
"""
_FLAGS = ("-ffreestanding", "-std=c99", *WARNINGS)


def missing(toolchain: str) -> str | None:
    """Return None where QEMU and the toolchain are there, else what is not."""
    return emulators()["qemu"].missing(find_board(_BOARD)) or TOOLCHAINS[toolchain].available(find_core(_CORE))


def run_on_qemu(
    networks: Sequence[tuple[Program, Plan]],
    images: Sequence[NDArray[Any]],
    toolchain: str,
    optimisation: Sequence[str],
) -> list[NDArray[Any]]:
    """Return each network's outputs (images, *output shape) for its images (images, *input shape)."""
    with tempfile.TemporaryDirectory(prefix="qemu-") as temporary:
        folder = Path(temporary)
        _write_sources(networks, images, folder)
        _compile(folder, toolchain, optimisation)
        command = [*machine_command(find_board(_BOARD), folder / "networks.elf"), "-serial", "none", "-semihosting"]
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
        assert run.returncode == 0, f"QEMU ended with {run.returncode}: {run.stderr[:500]}"
        return _slices((folder / "outputs.bin").read_bytes(), networks, images)


def _write_sources(
    networks: Sequence[tuple[Program, Plan]], images: Sequence[NDArray[Any]], folder: Path
) -> None:  # fmt: skip
    includes, entries = [], []
    for number, ((program, layout), inputs) in enumerate(zip(networks, images, strict=True)):
        for name, text in emit(program, layout, EmitSettings(name=f"m{number}", command="qemu")).items():
            (folder / name).write_text(text)
        graph = program.graph
        offsets = (layout.tensor_offset(graph.root(index)) for index in (graph.input, graph.output))
        (start, end), sizes = offsets, (graph.tensors[index].bytes for index in (graph.input, graph.output))
        numbers = [layout.size, len(inputs), start, end, *sizes]
        includes.append(f'#include "m{number}.c"\n')
        entries.append(f"  {{m{number}_run_in, {', '.join(map(str, numbers))}}},\n")
    (folder / "networks.h").write_text(
        f"{''.join(includes)}enum {{ NETWORKS = {len(networks)} }};\n"
        f"#define ARENA_END {_ARENA_END:#x}u\n#define STACK_TOP {_STACK_TOP:#x}u\n"
        "typedef struct {\n  void (*run_in)(int8_t *arena);\n"
        "  uint32_t arena, images, input, output, input_bytes, output_bytes;\n} network;\n"
        f"static const network networks[] = {{\n{''.join(entries)}}};\n"
    )
    (folder / "qemu_networks.c").write_text((Path(__file__).parent / "qemu_networks.c").read_text())
    (folder / "sections.ld").write_text(_SECTIONS)
    (folder / "images.bin").write_bytes(b"".join(inputs.tobytes() for inputs in images))


def _compile(folder: Path, toolchain: str, optimisation: Sequence[str]) -> None:
    chain, root = TOOLCHAINS[toolchain], firmware_folder() / "platform"
    command = [*chain.command(find_core(_CORE)), *_FLAGS, *optimisation, "-I.", f"-I{root / 'include'}", "-nostdlib"]
    link = ["-Wl,-T,sections.ld", "-Wl,--entry=reset_handler", *chain.libraries()]
    chain.run([*command, "qemu_networks.c", str(root / "memory.c"), *link, "-o", "networks.elf"], folder)


def _slices(
    stream: bytes, networks: Sequence[tuple[Program, Plan]], images: Sequence[NDArray[Any]]
) -> list[NDArray[Any]]:
    found, position = [], 0
    for (program, _), inputs in zip(networks, images, strict=True):
        output = program.graph.tensors[program.graph.output]
        shape = (len(inputs), *output.shape)
        values = np.frombuffer(stream, np.dtype(output.dtype), int(np.prod(shape)), position).reshape(shape)
        position += values.nbytes
        found.append(values)
    return found
