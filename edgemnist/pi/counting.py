"""Guest instructions per inference on an emulated board, counted by a plugin of the emulator.

Needs the dynamic qemu-user, because a static one can't load plugins, and a C compiler for the plugin.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edgemnist.pi.emulator import QEMU_NAMES, Emulator
from edgemnist.pi.generated import FUNCTION
from edgemnist.pi.golden import GENERATED
from edgemnist.pi.targets import Interpreter
from edgemnist.pi.wheels import deploy_cache
from edgemnist.runner import refusals
from edgemnist.support import processes
from edgemnist.support.errors import MissingDependencyError, RuntimeCrashedError
from edgemnist.support.kept import kept_file

INSTALL_QEMU = "sudo apt install qemu-user"
REPEATS = 3
"""Counted invokes; the least is taken, as the first may hold what is done only once."""

_SOURCE = Path(__file__).with_name("instructions.c")
_PLUGIN_VERSIONS = range(1, 8)
_GETPPID = {"aarch64": 173, "armv7l": 64}  # Linux's system call numbers
_TIMEOUT = 600.0
# The input is zeros: these kernels do the same work whatever the values are.
_GUEST = """
import importlib, os, sys
import numpy
interpreter_class = importlib.import_module(sys.argv[1]).Interpreter
for path in sys.argv[3:]:
    interpreter = interpreter_class(model_path=path, num_threads=1)
    interpreter.allocate_tensors()
    for details in interpreter.get_input_details():
        interpreter.set_tensor(details["index"], numpy.zeros(details["shape"], details["dtype"]))
    for _ in range(3):
        interpreter.invoke()
    for _ in range(int(sys.argv[2])):
        os.getppid()
        interpreter.invoke()
        os.getppid()
"""
# Each library comes with the bytes of its inputs and outputs; zeros again.
_GUEST_C = """
import ctypes, os, sys
for path, sizes in zip(sys.argv[3::2], sys.argv[4::2]):
    run = getattr(ctypes.CDLL(path), sys.argv[1])
    arrays = [(ctypes.c_char * int(size))() for size in sizes.split()]
    run.argtypes, run.restype = (ctypes.c_void_p,) * len(arrays), None
    places = [ctypes.addressof(array) for array in arrays]
    for _ in range(3):
        run(*places)
    for _ in range(int(sys.argv[2])):
        os.getppid()
        run(*places)
        os.getppid()
"""


def count_instructions(emulator: Emulator, interpreter: Interpreter, models: Sequence[Path]) -> list[int]:
    """Return how many instructions one invoke of each model takes with an interpreter's default kernels, one thread.

    :raises MissingDependencyError: qemu with plugins or a C compiler is missing.
    :raises RuntimeCrashedError: the interpreter refused a model or crashed.
    """
    arguments = [interpreter.module, str(REPEATS), *(str(model.resolve()) for model in models)]
    return _count(emulator, interpreter, interpreter.package, [_GUEST, *arguments], len(models))


def count_generated(emulator: Emulator, libraries: Sequence[tuple[Path, Sequence[int]]]) -> list[int]:
    """Return the same of generated C, a library for each model, with the bytes of each of its inputs and outputs.

    :raises MissingDependencyError: qemu with plugins or a C compiler is missing.
    :raises RuntimeCrashedError: a library can't be loaded or crashed.
    """
    arguments = [FUNCTION, str(REPEATS)]
    for library, sizes in libraries:
        arguments += [str(library.resolve()), " ".join(map(str, sizes))]
    python = emulator.sysroot.target.interpreter()  # any one's Python will do
    return _count(emulator, python, GENERATED, [_GUEST_C, *arguments], len(libraries))


def _count(emulator: Emulator, interpreter: Interpreter, name: str, program: Sequence[str], models: int) -> list[int]:
    """Run a program that brackets the invokes of so many models with getppid, each :data:`REPEATS` times."""
    found = count_program(emulator, interpreter, name, program, REPEATS * models)
    return [min(found[start : start + REPEATS]) for start in range(0, len(found), REPEATS)]


def count_program(
    emulator: Emulator, interpreter: Interpreter, name: str, program: Sequence[str], brackets: int
) -> list[int]:
    """Return how many instructions a program takes between each two of its calls of getppid.

    ``program``: the text of a Python program and its arguments; ``name``: what it is called in messages. ``brackets``:
    how many pairs of calls it has.

    :raises MissingDependencyError: qemu with plugins or a C compiler is missing.
    :raises RuntimeCrashedError: the program failed, or made other calls.
    """
    counting, plugin = _prepared(emulator, interpreter)
    with tempfile.TemporaryDirectory() as folder:
        counts = Path(folder) / "counts"
        command = _with_plugin(counting, interpreter, plugin, counts, ["-B", "-c", *program])
        try:
            done = processes.run(command, timeout=_TIMEOUT)
        except subprocess.TimeoutExpired as error:
            raise RuntimeCrashedError(f"counting instructions took more than {_TIMEOUT:g} s") from error
        found = [int(line) for line in counts.read_text(encoding="utf-8").split()] if counts.exists() else []
    if done.returncode != 0 or len(found) != brackets:
        raise RuntimeCrashedError(
            f"{name} on the emulated {emulator.processor.board} ended with code {done.returncode}: "
            + (refusals.reason("", done.stderr) or "; ".join(done.stderr.strip().splitlines()[-2:]))
        )
    return found


def counting_problem(emulator: Emulator) -> str | None:
    """Return None when instructions can be counted here, else what is missing and the command that brings it."""
    if shutil.which(_qemu_name(emulator)) is None:
        return f"{_qemu_name(emulator)}, which loads plugins, is not installed; install it with: {INSTALL_QEMU}"
    if _compiler() is None:
        return "no C compiler is installed; install one with: sudo apt install gcc libc6-dev"
    return None


def _prepared(emulator: Emulator, interpreter: Interpreter) -> tuple[Emulator, Path]:
    """Return the emulator with a qemu that loads plugins, and the plugin for its version."""
    problem = counting_problem(emulator)
    if problem is not None:
        raise MissingDependencyError(problem)
    counting = replace(emulator, qemu=str(shutil.which(_qemu_name(emulator))))
    said = ""
    for version in _PLUGIN_VERSIONS:
        plugin = _compiled(version)
        command = _with_plugin(counting, interpreter, plugin, Path("/dev/null"), ["-c", ""])
        done = processes.run(command, timeout=_TIMEOUT)
        if done.returncode == 0:
            return counting, plugin
        said = done.stderr.strip()[-300:]
    raise MissingDependencyError(f"{counting.qemu} takes no plugin of a known version: {said}")


def _with_plugin(
    emulator: Emulator, interpreter: Interpreter, plugin: Path, counts: Path, arguments: Sequence[str]
) -> list[str]:
    qemu, *rest = emulator.command(interpreter, *arguments)
    number = _GETPPID[emulator.sysroot.target.machine]
    return [qemu, "-plugin", f"{plugin},out={counts},syscall={number}", *rest]


def _qemu_name(emulator: Emulator) -> str:
    return f"qemu-{QEMU_NAMES[emulator.sysroot.target.machine]}"


def _compiler() -> str | None:
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


def _compiled(version: int) -> Path:
    """Return the plugin for a version of the plugin interface, compiled at the first call."""
    digest = hashlib.sha256(_SOURCE.read_bytes()).hexdigest()[:16]
    plugin = deploy_cache() / "plugins" / f"instructions-{digest}-v{version}.so"

    def compile_to(target: Path) -> None:
        command = [str(_compiler()), "-O2", "-shared", "-fPIC", f"-DPLUGIN_VERSION={version}", "-o", str(target)]
        done = processes.run([*command, str(_SOURCE)])
        if done.returncode != 0:
            raise MissingDependencyError(f"the C compiler cannot make the plugin: {done.stderr.strip()[-300:]}")

    return kept_file(plugin, compile_to, "another compilation of the plugin")
