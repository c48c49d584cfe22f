"""The systems that a bundle is made for: Debian's and Raspberry Pi OS's releases, by processor architecture.

Which wheels exist was read from PyPI: tflite-runtime ends with 2.14.0 (Python 3.11; 2.13.0 is the last that glibc 2.31
loads), ai-edge-litert has none for 32-bit Arm, numpy and Pillow have none for 32-bit Arm either. What answers HTTP is
pure Python, so that it is had everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgemnist.support.choices import unknown
from edgemnist.support.errors import InputError

TFLITE_RUNTIME = "tflite-runtime"
LITERT = "ai-edge-litert"


@dataclass(frozen=True)
class Release:
    """A Debian release: its Python as (major, minor), and the minor version of its glibc 2."""

    name: str
    python: tuple[int, int]
    glibc: int


@dataclass(frozen=True)
class Interpreter:
    """An interpreter that a target can have: its pip requirements, and why they are these.

    What is installed are the versions and files that ``scripts/lock`` found for these requirements.
    """

    package: str
    requirements: tuple[str, ...]
    reason: str

    @property
    def module(self) -> str:
        """The Python module that holds its class ``Interpreter``."""
        return f"{'tflite_runtime' if self.package == TFLITE_RUNTIME else 'ai_edge_litert'}.interpreter"


_HTTP = ("starlette>=0.49,<2", "uvicorn>=0.39,<1", "python-multipart>=0.0.20")
_PROGRAMS = (*_HTTP, "pillow>=11")
# pip asks the Python that it runs in, not the target's, whether an older one needs these.
_PROGRAMS_BULLSEYE = (*_PROGRAMS, "exceptiongroup>=1.2", "typing_extensions>=4.10")


@dataclass(frozen=True)
class Target:
    """A system that a bundle runs on.

    ``machine`` is what ``uname -m`` says and wheels are named by; ``debian`` is dpkg's name for the architecture.
    ``interpreters`` are those it can have, the one it gets by default first. ``programs``: pip requirements of what
    reads pictures and answers HTTP. ``debian_packages``: what Debian has, and PyPI has no wheel of.
    """

    release: Release
    machine: str
    debian: str
    interpreters: tuple[Interpreter, ...]
    programs: tuple[str, ...] = _PROGRAMS
    debian_packages: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What ``--target`` takes."""
        return f"{self.release.name}-{_SHORT.get(self.machine, self.machine)}"

    @property
    def bits(self) -> int:
        """Width of a pointer: 32 or 64."""
        return 32 if self.machine == "armv7l" else 64

    @property
    def platforms(self) -> tuple[str, ...]:
        """The platform tags of the wheels that the system loads, newest first (PEP 600)."""
        newer = [f"manylinux_2_{minor}_{self.machine}" for minor in range(self.release.glibc, 16, -1)]
        return (*newer, f"manylinux2014_{self.machine}", f"linux_{self.machine}")

    def interpreter(self, package: str | None = None) -> Interpreter:
        """Return the interpreter of that name, by default the target's first.

        :raises InputError: the target can't have it.
        """
        for one in self.interpreters:
            if package in (None, one.package):
                return one
        known = ", ".join(one.package for one in self.interpreters)
        raise InputError(f"{self.name} cannot have the interpreter {package!r}; it can have: {known}")


_SHORT = {"armv7l": "armv7"}

_BULLSEYE = Release("bullseye", (3, 9), 31)
_BOOKWORM = Release("bookworm", (3, 11), 36)
_TRIXIE = Release("trixie", (3, 13), 41)

_TFLITE_RUNTIME = Interpreter(
    TFLITE_RUNTIME,
    ("tflite-runtime==2.14.0", "numpy>=1.23.2,<2"),
    "tflite-runtime 2.14, because its reference kernels give a microcontroller's bytes; it needs numpy below 2",
)
_TFLITE_RUNTIME_ARMV7 = Interpreter(
    TFLITE_RUNTIME,
    ("tflite-runtime==2.14.0",),
    "tflite-runtime 2.14, because ai-edge-litert has no wheel for 32-bit Arm; numpy and Pillow are Debian's "
    "python3-numpy and python3-pil, because PyPI has no wheels of them for 32-bit Arm",
)
_TFLITE_RUNTIME_BULLSEYE = Interpreter(
    TFLITE_RUNTIME,
    ("tflite-runtime==2.13.0", "numpy>=1.23.2,<2"),
    "tflite-runtime 2.13, because later interpreters need a newer system; it needs numpy below 2",
)
_LITERT = Interpreter(
    LITERT,
    ("ai-edge-litert==2.3.0", "numpy>=2,<3"),
    "ai-edge-litert, because tflite-runtime has no wheel for Python above 3.11",
)
_LITERT_BOOKWORM = Interpreter(
    LITERT,
    ("ai-edge-litert==2.3.0", "numpy>=1.26,<3"),
    "ai-edge-litert, on request: fewer instructions for int8, but in dense layers other bytes than a microcontroller",
)

TARGETS: Mapping[str, Target] = {
    target.name: target
    for target in (
        Target(_BOOKWORM, "aarch64", "arm64", (_TFLITE_RUNTIME, _LITERT_BOOKWORM)),
        Target(_BOOKWORM, "armv7l", "armhf", (_TFLITE_RUNTIME_ARMV7,), _HTTP, ("python3-numpy", "python3-pil")),
        Target(_TRIXIE, "aarch64", "arm64", (_LITERT,)),
        Target(_BULLSEYE, "aarch64", "arm64", (_TFLITE_RUNTIME_BULLSEYE,), _PROGRAMS_BULLSEYE),
        Target(_BOOKWORM, "x86_64", "amd64", (_TFLITE_RUNTIME, _LITERT_BOOKWORM)),
    )
}
"""By name. x86_64 is for a computer with Debian that takes a Pi's place."""

UNSUPPORTED: Mapping[str, str] = {
    "trixie-armv7": "no interpreter has a wheel for 32-bit Arm and Python 3.13; install the 64-bit system, or bookworm",
    "bullseye-armv7": "Debian's numpy 1.19 is too old for tflite-runtime and PyPI has no numpy for 32-bit Arm; "
    "install bookworm",
    "bookworm-armv6": "a Pi 1 or first Pi Zero has an ARMv6 processor, for which no interpreter has a wheel",
}
"""Systems that a Pi may have and that can't run the bundle, with the reason."""


def find_target(name: str) -> Target:
    """Return a target by name.

    :raises InputError: there is no such target, or it can't run the bundle; says why.
    """
    if name in UNSUPPORTED:
        raise InputError(f"the target {name!r} cannot run the bundle: {UNSUPPORTED[name]}")
    if name not in TARGETS:
        raise unknown("target", name, TARGETS)
    return TARGETS[name]
