"""``edgemnist deploy emulator``: fetch a target's system and start every interpreter in it once."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgemnist.pi.emulator import INSTALL_QEMU, Emulator, emulator_problem, find_emulator, qemu_problem
from edgemnist.pi.sysroot import find_sysroot, make_sysroot
from edgemnist.pi.targets import Interpreter, Target, find_target
from edgemnist.support import processes
from edgemnist.support.errors import InputError, MissingDependencyError, RuntimeCrashedError
from edgemnist.support.progress import progress_task

_TIMEOUT = 300.0
# Python keeps the compiled modules of this first start, so that later ones take a second less.
_PROBE = """
import importlib, importlib.metadata, json, platform, sys
importlib.import_module(sys.argv[2])
print(json.dumps([platform.python_version(), importlib.metadata.version(sys.argv[1])]))
"""


@dataclass(frozen=True)
class PreparedEmulator:
    """A system that is ready to be emulated: its interpreters as (package, version), its size on disk in bytes."""

    target: str
    python: str
    interpreters: tuple[tuple[str, str], ...]
    folder: Path
    bytes: int

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**asdict(self), "folder": str(self.folder), "interpreters": dict(self.interpreters)}


def prepare_emulators(names: Sequence[str]) -> list[PreparedEmulator]:
    """Fetch the systems that are not there yet, and start their interpreters.

    :raises InputError: an unknown target, or one that is not emulated.
    :raises EnvironmentFailure: qemu or apt is missing, or there is no network.
    :raises RuntimeCrashedError: an interpreter does not start in the emulator.
    """
    targets = [find_target(name) for name in dict.fromkeys(names)]
    for target in targets:
        problem = qemu_problem(target)
        if problem is not None:
            raise (MissingDependencyError if INSTALL_QEMU in problem else InputError)(problem)
    return [_prepare(target) for target in targets]


def _prepare(target: Target) -> PreparedEmulator:
    sysroot = find_sysroot(target) or make_sysroot(target)
    assert emulator_problem(target) is None  # qemu was looked for before, the system is there now
    emulator = find_emulator(target)
    with progress_task(f"Starting {target.name}", total=len(target.interpreters)) as task:
        found = []
        for interpreter in target.interpreters:
            found.append((interpreter.package, *_probe(emulator, interpreter)))
            task.update(advance=1)
    size = sum(path.lstat().st_size for path in sysroot.folder.rglob("*"))
    versions = tuple((package, version) for package, _, version in found)
    return PreparedEmulator(target.name, found[0][1], versions, sysroot.folder, size)


def _probe(emulator: Emulator, interpreter: Interpreter) -> tuple[str, str]:
    """Start an interpreter and return the versions of Python and of its package."""
    package = interpreter.package
    command = emulator.command(interpreter, "-c", _PROBE, package, interpreter.module)
    try:
        done = processes.run(command, timeout=_TIMEOUT)
        python, version = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError) as error:
        said = "" if isinstance(error, subprocess.TimeoutExpired) else done.stderr.strip()[-500:]
        raise RuntimeCrashedError(
            f"{package} does not start on the emulated {emulator.sysroot.target.name}: {said or error}"
        ) from error
    return str(python), str(version)
