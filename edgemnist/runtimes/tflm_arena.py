"""How large an arena TFLM's interpreter takes for a model, as measured by its own recording allocator.

Measured in a 64-bit process: pointers there are twice as large as on a 32-bit microcontroller, so the figure is an
upper bound for one with the same kernels (optimised kernels may ask for more scratch).
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

TIMEOUT_SECONDS = 60
_SCRIPT = """
import sys
from tflite_micro.python.tflite_micro import runtime
interpreter = runtime.Interpreter.from_file(sys.argv[1], arena_size=int(sys.argv[2]))
interpreter.print_allocations()
"""


def measure_arena(model: Path) -> int | None:
    """Return the bytes that TFLM takes for a ``.tflite``, or None where it is not installed or refuses the model."""
    from edgemnist.runtimes.registry import find_runtime

    if find_runtime("tflm").available() is not None:
        return None
    arena = 64 * model.stat().st_size + (1 << 20)
    run = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(model), str(arena)],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    found = re.search(r"Arena allocation total (\d+) bytes", run.stderr + run.stdout)
    return int(found.group(1)) if run.returncode == 0 and found else None
