"""A shell completes commands, options and the names that options take."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.unit

PROGRAM = "import sys; sys.argv[0] = 'edgemnist'; from edgemnist.__main__ import main; main()"


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("edgemnist co", ["codegen", "config", "convert"]),
        ("edgemnist firmware p", ["package"]),
        ("edgemnist codegen --target cortex-m3", ["cortex-m3", "cortex-m33"]),
        ("edgemnist firmware build --board micro", ["microbit"]),
        ("edgemnist train --dataset fash", ["fashion-mnist"]),
        ("edgemnist train --arch mic", ["micro"]),
        ("edgemnist parity --runtime host", ["host-c"]),
        ("edgemnist run --preset q", ["quick"]),
        ("edgemnist boards --toolchain g", ["gnu"]),
        ("edgemnist firmware run --emulator q", ["qemu"]),
        ("edgemnist search run --sampler ns", ["nsga2"]),
        ("edgemnist search --board micro", ["microbit"]),
        ("edgemnist search plot --kind im", ["importance"]),
    ],
)
def test_what_is_typed_is_completed(typed: str, completed: list[str]) -> None:
    words = len(typed.split()) - 1
    asked = {"_EDGEMNIST_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(words)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env={**os.environ, **asked}, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == completed
