"""What a worker imports before it knows which runtime it is for: hardly anything."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.unit

_HEAVY = ("edgemnist.compiler", "edgemnist.mcu", "edgemnist.pi.emulator", "edgemnist.keras_io.sources", "tensorflow")


def test_runtimes_are_found_without_what_only_some_need() -> None:
    program = (
        "import sys, edgemnist.runner.worker\n"
        "from edgemnist.runner.registry import runtimes\n"
        "assert runtimes()\n"
        f"print([name for name in sys.modules if name.startswith({_HEAVY})])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.strip() == "[]"
