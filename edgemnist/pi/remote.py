"""A bundle on a real Raspberry Pi over ssh: look at the machine, copy, install, replay."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from edgemnist.pi.bundle_files import MANIFEST_KIND
from edgemnist.pi.replay import Replay, parse_replay
from edgemnist.pi.ssh import Answer, Connection, run_script
from edgemnist.pi.targets import Target, find_target
from edgemnist.pi.wheels import deploy_cache
from edgemnist.support.errors import EnvironmentFailure, InputError, StorageError
from edgemnist.support.files import write_json
from edgemnist.support.progress import progress_task

DEFAULT_FOLDER = "edgemnist-pi"
NEEDED_BYTES = 300_000_000
"""Free space that an installation needs: the wheels, and unpacked numpy and interpreter."""

_ARCHITECTURES = {"arm64": "aarch64", "armhf": "armv7", "armv7l": "armv7", "amd64": "x86_64"}
_LOOK_SECONDS, _COPY_SECONDS, _INSTALL_SECONDS = 60.0, 900.0, 1800.0
_EXIT_FOREIGN = 8
_LOOK = """
release=$(. /etc/os-release 2>/dev/null; echo "${VERSION_CODENAME:-unknown}")
folder=$2; while [ ! -d "$folder" ]; do folder=$(dirname "$folder"); done
printf '%s\\n' "$release" "$(dpkg --print-architecture 2>/dev/null || uname -m)" "$(uname -m)" \
  "$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" \
  "$(df -Pk "$folder" | awk 'NR == 2 { print $4 }')"
"""
_COPY = f"""
set -e
if [ -e "$1" ]; then grep -q '{MANIFEST_KIND}' "$1/manifest.json" 2>/dev/null || exit {_EXIT_FOREIGN}; fi
trap 'rm -rf "$1.partial"' EXIT
rm -rf "$1.partial"
mkdir -p "$1.partial"
tar xzf - -C "$1.partial" --strip-components=1
(cd "$1.partial" && sha256sum --check --quiet SHA256SUMS >&2)
rm -rf "$1"
mv "$1.partial" "$1"
"""
_INSTALL = 'cd "$1" && exec sh install.sh --target "$2" --interpreter "$3" --python "$4"'
_REPLAY = """
cd "$1" || exit 1
program=classify.py
[ ! -f run.py ] || program=run.py
exec .venv/bin/python -B $program --parity --json --interpreter "$2"
"""


@dataclass(frozen=True)
class RemoteSettings:
    """Where a bundle goes: ``folder`` is relative to the user's home unless absolute.

    ``target`` None: what the machine says it is. ``python`` makes the environment there.
    """

    connection: Connection
    folder: str = DEFAULT_FOLDER
    target: str | None = None
    python: str = "python3"


@dataclass(frozen=True)
class Machine:
    """What a remote machine is: its target, the Python there as ``3.11`` (empty: none), free space in bytes."""

    target: str
    python: str
    free_bytes: int


@dataclass(frozen=True)
class Installation:
    """Where a bundle was installed: what the runtime ``pi`` connects to."""

    connection: Connection
    folder: str
    package: str


def ask_machine(settings: RemoteSettings) -> Machine:
    """Ask a machine what it is.

    :raises EnvironmentFailure: no connection, or no answer that can be read.
    """
    answer = run_script(settings.connection, _LOOK, [settings.python, settings.folder], timeout=_LOOK_SECONDS)
    lines = answer.output.splitlines()
    if answer.code != 0 or len(lines) != 5 or not lines[4].isdigit():
        raise EnvironmentFailure(
            f"{settings.connection.destination} is no Linux system that can be looked at: "
            + ((answer.errors or answer.output).strip()[-300:] or f"code {answer.code}")
        )
    release, architecture, kernel, python, free = lines
    short = "armv6" if kernel == "armv6l" else _ARCHITECTURES.get(architecture, architecture)
    return Machine(f"{release}-{short}", python, int(free) * 1024)


def require_target(machine: Machine, settings: RemoteSettings) -> Target:
    """Return the target that a machine is, if the bundle can run there.

    :raises InputError: the system or the processor is none of the targets; says why and which there are.
    :raises EnvironmentFailure: it has another Python than the target's, or none.
    :raises StorageError: too little space.
    """
    where = settings.connection.destination
    try:
        target = find_target(settings.target or machine.target)
    except InputError as error:
        raise InputError(f"{where} is {machine.target}: {error}") from error
    wanted = "{}.{}".format(*target.release.python)
    if machine.python != wanted:
        found = f"is {machine.python}" if machine.python else "is not there"
        raise EnvironmentFailure(
            f"{target.name} needs Python {wanted}, on {where} {settings.python} {found}; name another with --python"
        )
    if machine.free_bytes < NEEDED_BYTES:
        raise StorageError(
            f"{where} has {machine.free_bytes / 1e6:,.0f} MB free, the installation needs "
            f"{NEEDED_BYTES / 1e6:,.0f} MB: free some space or name another folder with --folder"
        )
    return target


def install(archive: Path, settings: RemoteSettings, target: Target, package: str) -> Replay:
    """Copy a bundle's archive to the machine, install it there, replay it, and return the report.

    An older bundle in that folder is replaced when the new one has arrived whole.

    :raises InputError: the folder there holds something else.
    :raises EnvironmentFailure: copying or installing failed; the reason is the machine's own.
    """
    there = settings.connection
    with progress_task(f"Copying to {there.destination}", total=3) as task:
        answer = run_script(there, _COPY, [settings.folder], content=archive, timeout=_COPY_SECONDS)
        _check_copied(answer, settings)
        task.update(advance=1, description=f"Installing on {there.destination}")
        arguments = [settings.folder, target.name, package, settings.python]
        answer = run_script(there, _INSTALL, arguments, timeout=_INSTALL_SECONDS)
        if answer.code not in (0, 1):
            raise EnvironmentFailure(f"installing on {there.destination} failed:\n{_last_words(answer)}")
        task.update(advance=1, description=f"Replay on {there.destination}")
        answer = run_script(there, _REPLAY, [settings.folder, package], timeout=_INSTALL_SECONDS)
        replay = parse_replay(there.destination, answer.code, answer.output, answer.errors)
    write_installation(Installation(there, settings.folder, package))
    return replace(replay, where=f"{there.destination} ({target.name}), {package}")


def _check_copied(answer: Answer, settings: RemoteSettings) -> None:
    where = settings.connection.destination
    if answer.code == _EXIT_FOREIGN:
        raise InputError(f"{settings.folder!r} on {where} holds something else than a bundle; name another --folder")
    if answer.code == 0:
        return
    kind: Callable[[str], EnvironmentFailure] = EnvironmentFailure
    if "No space left" in answer.errors:
        kind = StorageError
    raise kind(f"copying to {settings.folder!r} on {where} failed, what was there is untouched:\n{_last_words(answer)}")


def _last_words(answer: Answer) -> str:
    return "\n".join((answer.errors or answer.output).strip().splitlines()[-5:]) or f"code {answer.code}"


def _record() -> Path:
    return deploy_cache() / "pi.json"


def write_installation(installation: Installation) -> None:
    """Remember where a bundle was installed last."""
    config = installation.connection.config
    content = {
        "destination": installation.connection.destination,
        "config": str(config.resolve()) if config else None,
        "folder": installation.folder,
        "package": installation.package,
    }
    write_json(_record(), content)


def read_installation() -> Installation | None:
    """Return where a bundle was installed last, or None."""
    try:
        content = json.loads(_record().read_text(encoding="utf-8"))
        config = Path(content["config"]) if content["config"] else None
        there = Connection(str(content["destination"]), config)
        return Installation(there, str(content["folder"]), str(content["package"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
