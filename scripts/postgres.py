"""A PostgreSQL server of one's own, in a temporary folder and on a socket there: for tests and benchmarks."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_DEBIAN = "/usr/lib/postgresql"
_USERS = ("postgres", "nobody")


@dataclass(frozen=True)
class Postgres:
    """A running server. ``url``: as ``edgemnist search --storage`` takes it; ``process``: the number of its first."""

    url: str
    folder: Path
    programs: Path
    user: Mapping[str, int]

    @property
    def process(self) -> int:
        """Return the number of the process that all others are children of."""
        return int((self.folder / "data" / "postmaster.pid").read_text().split()[0])

    def stop(self) -> None:
        """Stop it; connections are cut."""
        self._control("stop", "-m", "fast")

    def start(self) -> None:
        """Start it again, with what it had."""
        self._control("start", "-l", str(self.folder / "log"))

    def _control(self, *arguments: str) -> None:
        command = [str(self.programs / "pg_ctl"), "-D", str(self.folder / "data"), "-w", "-t", "60", *arguments]
        log = self.folder / "control.log"
        with log.open("ab") as output:
            done = subprocess.run(command, cwd=self.folder, stdout=output, stderr=output, check=False, **_as(self.user))
        if done.returncode:
            raise RuntimeError(f"pg_ctl {arguments[0]} failed:\n{log.read_text()}")


def postgres_programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, None where it is not installed; Debian has them beside the path."""
    for version in sorted(Path(_DEBIAN).glob("*/bin/initdb"), key=lambda one: int(one.parts[-3]), reverse=True):
        return version.parent
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


@contextlib.contextmanager
def running_postgres(most_connections: int = 100) -> Iterator[Postgres]:
    """Run a server until the block is left, as another user where this is root's process: it refuses to run as root."""
    programs = postgres_programs()
    if programs is None:
        raise RuntimeError("PostgreSQL is not installed; run `apt-get install postgresql`")
    user = _unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    try:
        if user:
            os.chown(folder, user["user"], user["group"])
        command = [str(programs / "initdb"), "-D", str(folder / "data"), "-U", "edgemnist", "-A", "trust", "-E", "UTF8"]
        command += ["--locale=C", "--no-sync"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, **_as(user))
        lines = ["listen_addresses = ''", f"unix_socket_directories = '{folder}'"]
        lines += [f"max_connections = {most_connections}", "shared_buffers = 64MB"]
        with (folder / "data" / "postgresql.conf").open("a") as settings:
            settings.write("\n".join(lines) + "\n")
        server = Postgres(f"postgresql://edgemnist@/postgres?host={folder}", folder, programs, user)
        server.start()
        try:
            yield server
        finally:
            with contextlib.suppress(RuntimeError):
                server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def cpu_seconds(process: int) -> float:
    """Return the seconds of CPU that a process and all those below it have used, those that have ended included."""
    used, ticks = 0.0, os.sysconf("SC_CLK_TCK")
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            own, waited = sum(map(int, fields[11:13])), sum(map(int, fields[13:15]))
            if int(path.parent.name) == process:
                used += own + waited
            elif int(fields[1]) == process:
                used += own
    return used / ticks


def _unprivileged() -> dict[str, int]:
    """Return the user to run as, nothing where this process is nobody special."""
    if os.geteuid() != 0:
        return {}
    for name in _USERS:
        with contextlib.suppress(KeyError):
            found = pwd.getpwnam(name)
            return {"user": found.pw_uid, "group": found.pw_gid}
    raise RuntimeError(f"PostgreSQL does not run as root, and there is none of {', '.join(_USERS)} here")


def _as(user: Mapping[str, int]) -> dict[str, Any]:
    # A signal that ends the tests is not for the server, which is stopped.
    return {**user, "extra_groups": [] if user else None, "start_new_session": True}


def kill(process: int) -> None:
    """End a process as if its machine had lost its power."""
    os.kill(process, signal.SIGKILL)
