"""Commands on another machine through OpenSSH's client: keys and host keys are the user's own affair."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgemnist.support.errors import EnvironmentFailure, InputError, MissingDependencyError

_DESTINATION = re.compile(r"[A-Za-z0-9_.][\w.-]*@[A-Za-z0-9\[][\w.:\[\]-]*|[A-Za-z0-9][\w.-]*")
_EXIT_SSH = 255


@dataclass(frozen=True)
class Connection:
    """Where to: ``user@host``, or a host of the ssh configuration; ``config`` is a configuration file of its own."""

    destination: str
    config: Path | None = None

    def command(self, remote: Sequence[str]) -> list[str]:
        """Return the command that runs a program with arguments there; nothing is ever asked for."""
        options = ["-o", "BatchMode=yes", "-o", "ConnectTimeout=15", "-o", "ServerAliveInterval=15"]
        if self.config is not None:
            options += ["-F", str(self.config)]
        return ["ssh", *options, "--", self.destination, shlex.join(remote)]


@dataclass(frozen=True)
class Answer:
    """What a remote command did."""

    code: int
    output: str
    errors: str


def connection(destination: str, config: Path | None = None) -> Connection:
    """Check a destination and that ssh is here.

    :raises InputError: it is not of the form ``user@host`` or ``host``, or there is no such configuration file.
    :raises MissingDependencyError: ssh is not installed.
    """
    if not _DESTINATION.fullmatch(destination):
        raise InputError(f"--to {destination!r} is not of the form user@host; give for example pi@raspberrypi.local")
    if config is not None and not config.is_file():
        raise InputError(f"there is no ssh configuration {str(config)!r}")
    if shutil.which("ssh") is None:
        raise MissingDependencyError("ssh is not installed; install it with: sudo apt install openssh-client")
    return Connection(destination, config)


def run_script(
    there: Connection, script: str, arguments: Sequence[str] = (), *, content: Path | None = None, timeout: float
) -> Answer:
    """Run a shell script there with arguments ``$1`` ..., a file's content as its input.

    :raises EnvironmentFailure: no connection: unknown host key, no access, nobody answers, too slow.
    """
    command = there.command(["sh", "-c", script, "sh", *arguments])
    try:
        if content is None:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False)
        else:
            with content.open("rb") as file:
                done = subprocess.run(command, stdin=file, capture_output=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired as error:
        raise EnvironmentFailure(f"{there.destination} did not finish within {timeout:g} s") from error
    answer = Answer(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
    if answer.code == _EXIT_SSH:
        raise EnvironmentFailure(_why_not(there, answer.errors))
    return answer


def _why_not(there: Connection, said: str) -> str:
    """Turn what ssh says into what to do."""
    last = (said.strip().splitlines() or ["no reason given"])[-1]
    by_hand = shlex.join(["ssh", *(["-F", str(there.config)] if there.config else []), there.destination])
    if "REMOTE HOST IDENTIFICATION HAS CHANGED" in said:
        return (
            f"{there.destination} shows another host key than before: another machine may stand in its place. "
            "If it was set up anew, remove the old key with ssh-keygen -R and connect once with: " + by_hand
        )
    if "Host key verification failed" in said:
        return f"the host key of {there.destination} is not known; compare and accept it once with: {by_hand}"
    if "Permission denied" in said:
        return f"{there.destination} lets nobody in without a password; give it your key once with: ssh-copy-id"
    return f"no connection to {there.destination}: {last}"
