"""A Debian system for another processor, unpacked into the user's cache folder: no root, nothing installed.

apt resolves and fetches the packages with folders of its own, so that this machine's apt knows nothing of it; their
signatures are checked against Debian's keyring as always. ``dpkg-deb`` unpacks them; no script of theirs runs.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgemnist.pi.mirror import debian_mirror
from edgemnist.pi.targets import Interpreter, Target
from edgemnist.pi.wheels import deploy_cache, locked_requirements, wheelhouse
from edgemnist.support import processes
from edgemnist.support.errors import EnvironmentFailure, MissingDependencyError, storage_errors
from edgemnist.support.files import partial_folder, write_json, write_text
from edgemnist.support.locking import alone_in
from edgemnist.support.progress import progress_task

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
RECORD = "sysroot.json"
_FORMAT = 1
_PACKAGES = ("python3", "libstdc++6")
_TIMEOUT = 600.0
_TRIPLETS = {"arm64": "aarch64-linux-gnu", "armhf": "arm-linux-gnueabihf"}
_APT_TOOLS = {"apt-get": "apt", "dpkg-deb": "dpkg"}


@dataclass(frozen=True)
class Sysroot:
    """An unpacked system in a folder of its own: Python, numpy and every interpreter that the target can have."""

    target: Target
    folder: Path

    @property
    def root(self) -> Path:
        """What is ``/`` for the programs in it."""
        return self.folder / "root"

    @property
    def python(self) -> Path:
        """Its Python."""
        major, minor = self.target.release.python
        return self.root / f"usr/bin/python{major}.{minor}"

    def packages(self, interpreter: Interpreter) -> tuple[Path, ...]:
        """Return the folders of Python packages for an interpreter."""
        return (self.folder / "wheels" / interpreter.package, self.root / "usr/lib/python3/dist-packages")


def find_sysroot(target: Target) -> Sysroot | None:
    """Return a target's system if it has been unpacked here by this version's recipe, and is complete."""
    sysroot = Sysroot(target, deploy_cache() / "sysroots" / target.name)
    try:
        record = json.loads((sysroot.folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if record.get("recipe") != _recipe(target) or not _is_complete(sysroot.folder, record.get("bytes", {})):
        return None
    return sysroot


def _sizes(folder: Path) -> dict[str, int]:
    """Return the bytes of every file below a folder; the digests of so many would take longer than using them."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}


def _is_complete(folder: Path, sizes: Mapping[str, int]) -> bool:
    try:
        return all((folder / name).lstat().st_size == size for name, size in sizes.items())
    except OSError:
        return False


def make_sysroot(target: Target) -> Sysroot:
    """Fetch and unpack a target's system, about 20 MB of packages and the wheels; replaces one of an older recipe.

    :raises MissingDependencyError: apt, dpkg, Debian's keyring or a mirror's address is missing.
    :raises EnvironmentFailure: something can't be fetched.
    """
    _check_tools()
    sysroot = Sysroot(target, deploy_cache() / "sysroots" / target.name)
    with (
        progress_task(f"Fetching {target.name}", total=3) as task,
        storage_errors(sysroot.folder),
        alone_in(sysroot.folder.parent, "another process that unpacks a system"),
    ):
        made_meanwhile = find_sysroot(target)
        if made_meanwhile is not None:
            return made_meanwhile
        with partial_folder(sysroot.folder.parent) as temporary:
            partial = Sysroot(target, temporary / target.name)
            packages = _fetch(target, temporary / "apt")
            task.update(advance=1)
            _unpack(packages, partial)
            task.update(advance=1)
            for interpreter in target.interpreters:
                _unpack_wheels(wheelhouse(target, interpreter), partial.packages(interpreter)[0])
            task.update(advance=1)
            names = [package.name for package in packages]
            content = {"recipe": _recipe(target), "packages": names, "bytes": _sizes(partial.folder)}
            write_json(partial.folder / RECORD, content)
            shutil.rmtree(sysroot.folder, ignore_errors=True)
            partial.folder.rename(sysroot.folder)
    return sysroot


def _recipe(target: Target) -> list[object]:
    """Return what decides a sysroot's content; JSON values."""
    wheels = [locked_requirements(target, one).splitlines() for one in target.interpreters]
    return [_FORMAT, target.name, list(_debian_packages(target)), wheels]


def _debian_packages(target: Target) -> tuple[str, ...]:
    return (*_PACKAGES, *target.debian_packages)


def _check_tools() -> None:
    for tool, package in _APT_TOOLS.items():
        if shutil.which(tool) is None:
            raise MissingDependencyError(
                f"{tool} is not installed; the emulated Raspberry Pi is made of Debian packages. "
                f"On Debian and Ubuntu: sudo apt install {package}; elsewhere use a Debian container"
            )
    if not KEYRING.exists():
        raise MissingDependencyError(
            f"{str(KEYRING)!r}, which Debian's packages are verified with, is missing; "
            "run: sudo apt install debian-archive-keyring"
        )


def _fetch(target: Target, folder: Path) -> list[Path]:
    """Return the package files of the target's system and everything they depend on."""
    mirror = debian_mirror()
    for part in ("lists/partial", "cache/archives/partial", "log"):
        (folder / part).mkdir(parents=True)
    write_text(folder / "status", "")
    write_text(folder / "sources.list", f"deb [signed-by={KEYRING}] {mirror} {target.release.name} main\n")
    settings = {
        "Dir::State": folder,
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder / "cache",
        "Dir::Log": folder / "log",
        "Dir::Etc::sourcelist": folder / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "APT::Architecture": target.debian,
        "APT::Architectures": target.debian,
        "APT::Sandbox::User": "",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
    }
    options = [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]
    _run(["apt-get", *options, "-qq", "update"], target)
    # These keep what was fetched and run no hook of this machine's apt.
    keep = ["-o", "Binary::apt-get::APT::Keep-Downloaded-Packages=1", "-o", "APT::Update::Post-Invoke-Success="]
    install = ["install", "--yes", "--download-only", "--no-install-recommends", *_debian_packages(target)]
    _run(["apt-get", *options, *keep, "-qq", *install], target)
    return sorted((folder / "cache/archives").glob("*.deb"))


def _run(command: Sequence[str], target: Target) -> None:
    try:
        done = processes.run(
            command,
            timeout=_TIMEOUT,
            env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
        )
    except subprocess.TimeoutExpired as error:
        raise EnvironmentFailure(f"{command[0]} took more than {_TIMEOUT:g} s for {target.name}; try again") from error
    if done.returncode != 0:
        said = [line for line in (done.stderr + done.stdout).splitlines() if line.startswith("E:")]
        raise EnvironmentFailure(
            f"{command[0]} could not get the packages of {target.name} (is the network there?): "
            + "; ".join(said[-3:] or [f"code {done.returncode}"])
        )


def _unpack(packages: Sequence[Path], sysroot: Sysroot) -> None:
    sysroot.root.mkdir(parents=True)
    for package in packages:
        _run(["dpkg-deb", "--extract", str(package), str(sysroot.root)], sysroot.target)
    shutil.rmtree(sysroot.root / "usr/share", ignore_errors=True)  # documentation and translations
    # From trixie on, packages have nothing in /lib: a link from another package, which is not needed, leads there.
    for name in ("lib", "lib64", "bin"):
        if not (sysroot.root / name).exists() and (sysroot.root / "usr" / name).exists():
            (sysroot.root / name).symlink_to(f"usr/{name}")
    # Links that the packages' own scripts would make: Debian can have several of these libraries.
    libraries = sysroot.root / "usr/lib" / _TRIPLETS[sysroot.target.debian]
    for name in ("blas", "lapack"):
        for library in (libraries / name).glob("lib*.so.3"):
            (libraries / library.name).symlink_to(f"{name}/{library.name}")


def _unpack_wheels(wheels: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
