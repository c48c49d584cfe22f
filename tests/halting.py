"""A command in a process of its own that waits at a known point for the signal that the test sends.

The point is one of Python's audit events (PEP 578), which the interpreter reports before it does something: importing a
module, making a temporary file, renaming one. So neither the machine's speed nor its load decides where a signal comes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

_HARNESS = """
import os, sys
told, released, name, argument, left, prepare, *arguments = sys.argv[1:]
told, released, left = int(told), int(released), int(left)
def halt(event, given):
    global left
    fits = argument.__eq__ if event == "import" else lambda one: one.endswith(argument)
    if event == name and any(fits(str(one)) for one in given):
        left -= 1
        if left == 0:
            os.write(told, b"!")
            os.read(released, 1)
sys.addaudithook(halt)
sys.argv = ["edgemnist", *arguments]
exec(prepare)
from edgemnist.__main__ import main
main()
"""


@dataclass(frozen=True)
class Point:
    """Before the ``count``-th audit event with an argument that ends so, or, of an import, that is the same."""

    event: str
    argument: str = ""
    count: int = 1


@contextmanager
def halted(arguments: Sequence[str], point: Point, prepare: str = "") -> Iterator[subprocess.Popen[str]]:
    """Start ``edgemnist`` with arguments and yield its process when it waits at a point; afterwards it is gone.

    ``prepare`` is Python code to run in it first. stdout and stderr are pipes.
    """
    told, tell = os.pipe()
    wait, release = os.pipe()
    halt_at = [str(tell), str(wait), point.event, point.argument, str(point.count), prepare]
    process = subprocess.Popen(
        [sys.executable, "-c", _HARNESS, *halt_at, *arguments],
        pass_fds=(tell, wait), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    os.close(tell)
    os.close(wait)
    try:
        if not os.read(told, 1):
            raise AssertionError(f"ended before {point}: {process.communicate()}")
        yield process
    finally:
        process.kill()
        process.communicate()
        os.close(told)
        os.close(release)
