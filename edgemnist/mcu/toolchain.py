"""Cross compilers: Zig's clang from PyPI, and GNU's from the system's packages."""

from __future__ import annotations

import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import util
from pathlib import Path
from types import MappingProxyType

from edgemnist.mcu.cores import Core
from edgemnist.mcu.elf import INSTALL
from edgemnist.support import processes
from edgemnist.support.choices import unknown
from edgemnist.support.errors import EnvironmentFailure, InputError, MissingDependencyError
from edgemnist.support.zig import run_zig

WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-pedantic", "-Werror")
_COMMON = (
    "-ffunction-sections", "-fdata-sections", "-fomit-frame-pointer", "-fno-stack-protector", "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
)  # fmt: skip
C_FLAGS = ("-ffreestanding", *_COMMON, "-std=c99", *WARNINGS)
_TIMEOUT_SECONDS = 300
_LACKING = "undefined symbol"
"""What Zig's linker says of a function that none of the objects has."""


@dataclass(frozen=True)
class LinkJob:
    """What to compile and link. ``flags`` are for every file, ``c`` for C, ``cpp`` for C++; ``script`` is the linker's.

    With C++, ``libraries`` are linked instead of the toolchain's own choice.
    """

    sources: tuple[str, ...]
    flags: tuple[str, ...]
    c: tuple[str, ...]
    script: Path
    cpp: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()


def _linker_flags(job: LinkJob) -> list[str]:
    return ["-Wl,--gc-sections", "-Wl,--entry=reset_handler", f"-Wl,-T,{job.script}", "-L."]


class Toolchain(ABC):
    """A compiler and linker for bare metal. ``name`` is what ``--toolchain`` takes."""

    name: str

    @abstractmethod
    def available(self, core: Core) -> str | None:
        """Return None when code for ``core`` can be built here, else the reason why not and the remedy."""

    @abstractmethod
    def command(self, core: Core) -> list[str]:
        """Return the compiler with its flags for ``core``."""

    @abstractmethod
    def libraries(self) -> list[str]:
        """Return the flags that link the compiler's own helper functions."""

    @abstractmethod
    def version(self, core: Core) -> str:
        """Return the compiler's name and version in one line."""

    def link(self, core: Core, job: LinkJob, folder: Path) -> None:
        """Compile a job's files and link them into ``firmware.elf``, all in ``folder``.

        :raises InputError: C++ among them, and the toolchain has no C++ library for bare metal.
        :raises MissingDependencyError: the compiler is not installed.
        :raises EnvironmentFailure: the compiler failed; the start of what it says is in the message.
        """
        reason = self.available(core)
        if reason is not None:
            raise MissingDependencyError(reason)
        if job.cpp:
            self._link_cpp(core, job, folder)
            return
        self.run(
            [*self.command(core), *C_FLAGS, *job.flags, *job.c, *_linker_flags(job), *job.sources, *self.libraries(),
             "-o", "firmware.elf"],
            folder,
        )  # fmt: skip

    def _link_cpp(self, core: Core, job: LinkJob, folder: Path) -> None:
        raise InputError(f"the toolchain {self.name} has no C++ library for bare metal; use --toolchain gnu")

    def run(self, command: Sequence[str], folder: Path) -> None:
        try:
            run = self._start(command, folder)
        except subprocess.TimeoutExpired as error:
            raise EnvironmentFailure(f"{self.name} did not end within {_TIMEOUT_SECONDS} s") from error
        if run.returncode:
            lines = "\n".join(run.stderr.splitlines()[:30])
            raise EnvironmentFailure(f"{self.name} failed with exit code {run.returncode}:\n{lines}")

    def _start(self, command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
        return processes.run(command, cwd=folder, timeout=_TIMEOUT_SECONDS)


class ZigToolchain(Toolchain):
    """Zig's C compiler, a clang with its linker, as the PyPI package ziglang brings it."""

    name = "zig"

    def available(self, core: Core) -> str | None:
        """Return None, or how to install it (see :meth:`Toolchain.available`)."""
        return None if util.find_spec("ziglang") else f"ziglang is not installed; install it with: {INSTALL}"

    def command(self, core: Core) -> list[str]:
        """Return ``python -m ziglang cc`` with the target; optimising for size it drops the symbols but for -g.

        Without optimisation it would add checks for undefined behaviour, and compile their runtime for a minute.
        """
        program = [sys.executable, "-m", "ziglang", "cc", "-g", "-fno-sanitize=undefined"]
        spec = util.find_spec("ziglang")
        own = [f"-ffile-prefix-map={Path(spec.origin).parent}=zig"] if spec and spec.origin else []
        return [*program, *own, *core.zig]

    def libraries(self) -> list[str]:
        """Return nothing: for a target without system Zig links its compiler-rt and nothing else."""
        return []

    def version(self, core: Core) -> str:
        """Return Zig's version."""
        from importlib import metadata

        return f"zig {metadata.version('ziglang')} (clang)"

    def _start(self, command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
        """Link without compiler-rt, which takes Zig seconds at a core's first use, and with it where it is needed.

        The second time takes the objects of the first, which are in the folder's cache.
        """
        bare = run_zig([*command, "-nostdlib"], folder, _TIMEOUT_SECONDS)
        lacking = bare.returncode and _LACKING in bare.stderr
        return run_zig(command, folder, _TIMEOUT_SECONDS) if lacking else bare


class GnuToolchain(Toolchain):
    """GNU's C compilers as Linux distributions package them, one for each architecture."""

    name = "gnu"
    _COMPILERS: Mapping[str, tuple[str, str]] = MappingProxyType(
        {
            "arm": ("arm-none-eabi-gcc", "gcc-arm-none-eabi"),
            "riscv": ("riscv64-unknown-elf-gcc", "gcc-riscv64-unknown-elf"),
        }
    )

    def available(self, core: Core) -> str | None:
        """Return None, or how to install it (see :meth:`Toolchain.available`)."""
        compiler, package = self._COMPILERS[core.architecture]
        return None if shutil.which(compiler) else f"{compiler} not found; install it with: sudo apt install {package}"

    def command(self, core: Core) -> list[str]:
        """Return the compiler with the core's flags."""
        return [self._COMPILERS[core.architecture][0], *core.gnu]

    def _link_cpp(self, core: Core, job: LinkJob, folder: Path) -> None:
        compiler, objects = self.command(core), []
        cpp_compiler = [compiler[0].replace("gcc", "g++"), *compiler[1:]]
        for number, source in enumerate(job.sources):
            target = f"object-{number}.o"
            if source.endswith(".cc"):
                self.run([*cpp_compiler, *_COMMON, *WARNINGS, *job.flags, *job.cpp, "-c", source, "-o", target], folder)
            else:
                self.run([*compiler, *C_FLAGS, *job.flags, *job.c, "-c", source, "-o", target], folder)
            objects.append(target)
        self.run([*cpp_compiler, *_linker_flags(job), *objects, *job.libraries, "-o", "firmware.elf"], folder)

    def libraries(self) -> list[str]:
        """Return libgcc, which has the products and divisions that a core lacks, and nothing else."""
        return ["-nostdlib", "-lgcc"]

    def version(self, core: Core) -> str:
        """Return the first line of the compiler's ``--version``."""
        run = processes.run([self._COMPILERS[core.architecture][0], "--version"])
        return (run.stdout.splitlines() or ["unknown"])[0]


TOOLCHAINS: Mapping[str, Toolchain] = MappingProxyType({one.name: one for one in (ZigToolchain(), GnuToolchain())})
"""Every toolchain by name, the preferred first."""


def choose_toolchain(name: str, core: Core) -> Toolchain:
    """Return a toolchain by name; "auto" is the first that is installed.

    :raises InputError: no toolchain of that name.
    :raises MissingDependencyError: it, or with "auto" every one, is missing.
    """
    if name != "auto" and name not in TOOLCHAINS:
        raise unknown("toolchain", name, ("auto", *TOOLCHAINS))
    reasons = []
    for toolchain in [TOOLCHAINS[name]] if name != "auto" else TOOLCHAINS.values():
        reason = toolchain.available(core)
        if reason is None:
            return toolchain
        reasons.append(reason)
    raise MissingDependencyError("; or ".join(reasons))
