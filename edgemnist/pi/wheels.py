"""The Python packages of another system, fetched with pip into the user's cache."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from edgemnist.pi.targets import Interpreter, Target
from edgemnist.support import processes
from edgemnist.support.errors import EnvironmentFailure, InputError, MissingDependencyError, storage_errors
from edgemnist.support.files import package_versions, partial_folder, sha256_of, write_text
from edgemnist.support.locking import alone_in
from edgemnist.support.resources import cache_folder

CHECKSUMS = "SHA256SUMS"
TIMEOUT = 600.0


def deploy_cache() -> Path:
    """Return the folder in which wheels and sysroots are kept."""
    return cache_folder() / "deploy"


def wheelhouse(target: Target, interpreter: Interpreter) -> Path:
    """Return the folder with the wheels that an interpreter needs on a target, fetching them at the first call.

    The folder also has their checksums. A cached one with a damaged file is fetched again.

    :raises EnvironmentFailure: pip can't fetch them: no network, or no such wheel.
    """
    folder = deploy_cache() / "wheels" / f"{target.name}.{interpreter.package}"
    wanted = locked_requirements(target, interpreter)
    if _is_whole(folder, wanted):
        return folder
    with alone_in(folder.parent, "another download of wheels"), storage_errors(folder):
        if _is_whole(folder, wanted):
            return folder
        with partial_folder(folder.parent) as temporary:
            partial = temporary / "wheels"
            partial.mkdir()
            requirements = write_text(partial / "requirements.txt", wanted)
            fetch_wheels(target, ["--require-hashes", "--requirement", str(requirements)], partial, alone=True)
            shutil.rmtree(folder, ignore_errors=True)
            partial.rename(folder)
    return folder


def _is_whole(folder: Path, requirements: str) -> bool:
    """Whether a wheelhouse was made for these requirements and every file of it is what it was."""
    try:
        if (folder / "requirements.txt").read_text(encoding="utf-8") != requirements:
            return False
        verify_wheelhouse(folder)
    except (OSError, ValueError, InputError):
        return False
    return True


def verify_wheelhouse(folder: Path) -> None:
    """Check that every wheel of a wheelhouse is what it was.

    :raises InputError: one is missing or damaged, or it is no wheelhouse.
    """
    try:
        lines = (folder / CHECKSUMS).read_text(encoding="utf-8").splitlines()
        sums = {name: digest for digest, name in (line.split(maxsplit=1) for line in lines)}
    except (OSError, ValueError) as error:
        raise InputError(f"{str(folder)!r} is not a wheelhouse ({error}); leave it out and make it anew") from error
    wrong = [n for n, digest in sums.items() if not (folder / n).is_file() or sha256_of(folder / n) != digest]
    if wrong or not sums:
        raise InputError(f"the wheelhouse {str(folder)!r} is broken ({', '.join(wrong) or 'empty'}); make it anew")


def locked_file(target: Target, interpreter: Interpreter) -> Path:
    """Return the file with the versions and hashes of an interpreter's wheels on a target; scripts/lock makes it."""
    return Path(__file__).with_name("locked") / f"{target.name}.{interpreter.package}.txt"


def locked_requirements(target: Target, interpreter: Interpreter) -> str:
    """Return pip's requirements, a line each with the SHA-256 of the one wheel that fits."""
    return locked_file(target, interpreter).read_text(encoding="utf-8")


def fetch_wheels(target: Target, wanted: Sequence[str], folder: Path, *, alone: bool = False) -> None:
    """Fetch the wheels that a target loads, and what they need, into a folder, with the checksums of all that is there.

    ``wanted``: requirements, or options, of ``pip download``. ``alone``: without what they need.

    :raises MissingDependencyError: pip is not installed.
    :raises EnvironmentFailure: pip can't fetch them.
    """
    if not package_versions("pip"):  # find_spec would set off setuptools' hook for pip
        raise MissingDependencyError(f"pip is not installed for {sys.executable}; run: {sys.executable} -m ensurepip")
    major, minor = target.release.python
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--dest", str(folder)]
    command += ["--only-binary=:all:", "--implementation", "cp", "--python-version", f"{major}.{minor}"]
    for abi in (f"cp{major}{minor}", "abi3", "none"):
        command += ["--abi", abi]
    for platform in target.platforms:
        command += ["--platform", platform]
    if alone:
        command += ["--no-deps"]
    try:
        result = processes.run([*command, *wanted], timeout=TIMEOUT)
    except subprocess.TimeoutExpired as error:
        raise EnvironmentFailure(f"pip did not fetch the wheels within {TIMEOUT:g} s; try again") from error
    wheels = sorted(folder.glob("*.whl"))
    if result.returncode != 0 or not wheels:
        said = [line for line in result.stderr.splitlines() if line.startswith("ERROR")] or result.stderr.splitlines()
        raise EnvironmentFailure(
            f"pip could not fetch {' '.join(wanted)} for {target.name}: "
            + ("; ".join(said[-2:]) or "no wheels")
            + " (is the network there?)"
        )
    write_text(folder / CHECKSUMS, "".join(f"{sha256_of(wheel)}  {wheel.name}\n" for wheel in wheels))
