"""Generated C on an emulated Cortex-M: a bare-metal image under QEMU, its outputs and its instruction count.

QEMU runs with ``-icount shift=0``: one instruction is one virtual nanosecond, so a tick of the board's 25 MHz SysTick
is 40 instructions. Counts are deterministic and resolve to one tick.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.c_source import lines_of
from edgemnist.compiler.emit import EmitSettings, emit
from edgemnist.compiler.lowering import Program
from edgemnist.compiler.memory import Plan
from edgemnist.errors import EnvironmentFailure, MissingDependencyError, RuntimeCrashedError

INSTRUCTIONS_PER_TICK = 40
TIMEOUT_SECONDS = 120
_INSTALL = "sudo apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm"
_MACHINES = {"cortex-m0plus": "mps2-an385", "cortex-m3": "mps2-an385", "cortex-m4": "mps2-an386"}
"""QEMU's machine by core; an M3 executes an M0+'s instructions, all of which it has."""

_MAIN = """#include "board.h"
#include "net.h"

enum {{ IMAGES = {images} }};
static const int8_t inputs[IMAGES][NET_INPUT_SIZE] = {{
{inputs}
}};

static void print_signed(int number)
{{
  if (number < 0) board_print("-");
  board_print_number((uint32_t)(number < 0 ? -number : number));
  board_print(" ");
}}

int main(void)
{{
  static int8_t output[NET_OUTPUT_SIZE];
  for (int image = 0; image < IMAGES; ++image) {{
    board_ticks_start();
    const uint32_t before = board_ticks();
    net_run(inputs[image], output);
    const uint32_t after = board_ticks();
    board_print("ticks ");
    board_print_number(after - before);
    board_print(" output ");
    for (int i = 0; i < NET_OUTPUT_SIZE; ++i) print_signed(output[i]);
    board_print("\\n");
  }}
  return 0;
}}
"""


@dataclass(frozen=True, eq=False)
class EmulatedRun:
    """``outputs``: int8, (images, output elements). ``instructions``: per image, copy of input and output included."""

    outputs: NDArray[np.int8]
    instructions: tuple[int, ...]


def missing_tools() -> str | None:
    """Return None when compiler and emulator are here, else what is missing and how to install it."""
    missing = [
        tool for tool in ("arm-none-eabi-gcc", "arm-none-eabi-size", "qemu-system-arm") if not shutil.which(tool)
    ]
    return f"{', '.join(missing)} not found; install with: {_INSTALL}" if missing else None


def _run(command: Sequence[str], folder: Path) -> str:
    try:
        run = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeCrashedError(f"{command[0]} did not end within {TIMEOUT_SECONDS} s") from error
    if run.returncode:
        raise EnvironmentFailure(f"{' '.join(command)} failed with exit code {run.returncode}:\n{run.stderr[:4000]}")
    return run.stdout + run.stderr  # QEMU writes what the image prints to stderr


def _require_tools() -> None:
    reason = missing_tools()
    if reason is not None:
        raise MissingDependencyError(reason)


def _flags(core: str, optimisation: str) -> list[str]:
    return [f"-mcpu={core}", "-mthumb", optimisation, "-std=c99", "-Wall", "-Wextra", "-Werror", "-ffunction-sections",
            "-fdata-sections", "-I."]  # fmt: skip


def flash_bytes(program: Program, plan: Plan, folder: Path, *, core: str, optimisation: str) -> int:
    """Return the code and constants of a generated network, without start-up code, in bytes.

    :raises MissingDependencyError: the cross compiler is missing.
    """
    _require_tools()
    _write(program, plan, folder)
    _run(["arm-none-eabi-gcc", *_flags(core, optimisation), "-c", "net.c", "-o", "net.o"], folder)
    return int(_run(["arm-none-eabi-size", "net.o"], folder).splitlines()[1].split()[0])


def _write(program: Program, plan: Plan, folder: Path) -> None:
    for name, text in emit(program, plan, EmitSettings(name="net", command="bare-metal build")).items():
        (folder / name).write_text(text)


def run_emulated(
    program: Program, plan: Plan, images: NDArray[Any], folder: Path, *, core: str, optimisation: str
) -> EmulatedRun:
    """Build an image in ``folder`` with ``images`` (int8, (count, *input shape)) in flash, and run it.

    :raises MissingDependencyError: compiler or emulator is missing.
    :raises RuntimeCrashedError: the image hung, faulted or printed something else than its results.
    """
    _require_tools()
    _write(program, plan, folder)
    rows = [np.asarray(image, np.int8).reshape(-1).tolist() for image in images]
    inputs = ",\n".join("{\n" + lines_of([str(value) for value in row]) + "\n}" for row in rows)
    (folder / "main.c").write_text(_MAIN.format(images=len(rows), inputs=inputs))
    board = Path(str(resources.files("edgemnist"))) / "firmware" / "boards" / "mps2-an385"
    _run(
        ["arm-none-eabi-gcc", *_flags(core, optimisation), f"-I{board}", "-nostartfiles", "-T", str(board / "link.ld"),
         "-Wl,--gc-sections", "net.c", "main.c", str(board / "board.c"), "-o", "net.elf"],
        folder,
    )  # fmt: skip
    qemu = ["qemu-system-arm", "-M", _MACHINES[core], "-icount", "shift=0", "-semihosting", "-nographic"]
    text = _run([*qemu, "-kernel", "net.elf"], folder)
    found = re.findall(r"^ticks (\d+) output ((?:-?\d+ )+)$", text, re.MULTILINE)
    if len(found) != len(rows):
        raise RuntimeCrashedError(
            f"the emulated {core} gave {len(found)} results for {len(rows)} images: {text[-500:]!r}"
        )
    outputs = np.array([[int(value) for value in values.split()] for _, values in found], np.int8)
    return EmulatedRun(outputs, tuple(int(ticks) * INSTRUCTIONS_PER_TICK for ticks, _ in found))
