"""How large an arena TFLM's interpreter takes for a model, as measured by its own recording allocator.

Measured in a 64-bit process: pointers there are twice as large as on a 32-bit microcontroller, so the figure is an
upper bound for one with the same kernels (optimised kernels may ask for more scratch).
"""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass

from edgemnist.runner import refusals
from edgemnist.support import processes
from edgemnist.support.errors import EdgeMnistError, MissingDependencyError, RuntimeCrashedError, UnsupportedModelError
from edgemnist.tflite.file import TfliteModel

TIMEOUT_SECONDS = 60
REFUSAL = "TFLM's interpreter refuses the model:"

_USED, _LEAST = re.compile(r"Arena allocation total (\d+) bytes"), re.compile(r"least arena (\d+)")

# Too small an arena makes the wheel raise or crash, so each size is tried in a child of its own.
_SCRIPT = """
import os, sys
from tflite_micro.python.tflite_micro import runtime
content, enough, least = sys.stdin.buffer.read(), int(sys.argv[1]), sys.argv[2] == "least"
runtime.Interpreter.from_bytes(content, arena_size=enough).print_allocations()

def allocates(size):
    child = os.fork()
    if child == 0:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1), os.dup2(nowhere, 2)
        try:
            runtime.Interpreter.from_bytes(content, arena_size=size)
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0

too_small = 0 if least else enough
while enough - too_small > 16:
    size = (too_small + enough) // 32 * 16
    too_small, enough = (too_small, size) if allocates(size) else (size, enough)
print("least arena", enough)
"""


@dataclass(frozen=True)
class TflmArena:
    """Bytes. ``used``: what TFLM holds while the model is open, as its ``arena_used_bytes``.

    ``least``: the smallest arena, a multiple of 16, in which it opens the model. That is more than ``used`` for very
    small models, because planning the memory takes some for itself.
    """

    used: int
    least: int


def tflm_arena(model: TfliteModel) -> TflmArena:
    """Return the arena that TFLM takes for a model.

    :raises MissingDependencyError: TFLM is not installed.
    :raises UnsupportedModelError: it refuses the model; the last words are its own.
    :raises RuntimeCrashedError: it hung.
    """
    return TflmArena(*(int(size) for size in _said(model, "least", _USED, _LEAST)))


def _said(model: TfliteModel, what: str, *patterns: re.Pattern[str]) -> list[str]:
    """Have TFLM open a model and return what each of the patterns finds in what it prints.

    :raises MissingDependencyError: TFLM is not installed.
    :raises UnsupportedModelError: it refuses the model; the last words are its own.
    :raises RuntimeCrashedError: it hung.
    """
    from edgemnist.runner.registry import find_runtime

    reason = find_runtime("tflm").available()
    if reason is not None:
        raise MissingDependencyError(f"TFLM cannot run here: {reason}")
    # Untouched memory costs nothing.
    activations = sum(tensor.bytes for tensor in model.tensors if tensor.data is None)
    enough = (16 << 20) + (4 * activations + len(model.content)) // 16 * 16
    try:
        run = processes.run(
            [sys.executable, "-W", "ignore", "-c", _SCRIPT, str(enough), what],
            data=model.content,
            timeout=TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeCrashedError(f"TFLM did not open the model within {TIMEOUT_SECONDS} s") from error
    said = run.stderr + run.stdout
    found = [match.group(1) for pattern in patterns if (match := pattern.search(said))]
    if run.returncode != 0 or len(found) < len(patterns):
        why = refusals.reason("", said)
        words = [why] if why else last_words(said)
        raise UnsupportedModelError(REFUSAL, words or [f"it ended with code {run.returncode}"])
    return found


def last_words(text: str) -> list[str]:
    """Return the last lines of what TFLM printed, without Python's traceback."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith(("Traceback", "last ", " "))]
    return lines[-3:]


def measure_arena(model: TfliteModel) -> int | None:
    """Return the bytes that TFLM uses for a model, or None where it is not installed or refuses the model."""
    try:
        return int(_said(model, "used", _USED)[0])
    except EdgeMnistError:
        return None
