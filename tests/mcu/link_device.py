"""The device of ``link_device.c``: compiled for this machine with sanitizers, at a pseudo-terminal if wanted."""

from __future__ import annotations

import os
import shutil
import subprocess
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edgemnist.compiler.host import HOUSE_FLAGS

TESTS = Path(__file__).parent
APP = TESTS.parents[1] / "firmware" / "app"
COMPILERS = tuple(name for name in ("gcc", "clang") if shutil.which(name)) or ("cc",)
MISBEHAVE = b"\xc0\xdb do "
MODEL_START = bytes([0xC0, 0xDB, 0xDC, 0xDD, 0, 1, 2, 3])
_SANITIZERS = ("-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


def compile_device(folder: Path, compiler: str = COMPILERS[0], version: int = 1) -> Path:
    """Compile the device, its link of the given protocol version, and return the program."""
    for name in ("board.h", "link.h", "link.c"):
        text = (APP / name).read_text()
        (folder / name).write_text(text.replace("LINK_VERSION = 1", f"LINK_VERSION = {version}"))
    program = folder / f"link_device_{compiler}_{version}"
    flags = [*HOUSE_FLAGS, "-D_DEFAULT_SOURCE", *_SANITIZERS, "-I."]
    source = str(TESTS / "link_device.c")
    subprocess.run([compiler, *flags, source, "link.c", "-o", program], cwd=folder, check=True)
    return program


@dataclass(frozen=True)
class Wired:
    """A device at a pseudo-terminal; ``port`` is what a program opens to talk to it."""

    port: str
    process: subprocess.Popen[bytes]


@contextmanager
def wired(program: Path, *arguments: str) -> Iterator[Wired]:
    """Run a device at a raw pseudo-terminal; afterwards it is gone, and no sanitizer has complained."""
    far, near = os.openpty()
    try:
        tty.setraw(near)
        try:
            process = subprocess.Popen([program, *arguments], stdin=far, stdout=far, stderr=subprocess.PIPE)
        finally:
            os.close(far)
        try:
            yield Wired(os.ttyname(near), process)
        finally:
            process.kill()
            complaints = process.communicate(timeout=10)[1]
    finally:
        os.close(near)
    assert complaints == b""
