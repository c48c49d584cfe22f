"""An ssh server on the loopback, with keys and configuration of its own in a temporary folder."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin") or ""
NAME = "pi-under-test"


@dataclass(frozen=True)
class Server:
    """A running server: ``config`` is the client's configuration, which knows the host ``pi-under-test``."""

    folder: Path
    port: int

    @property
    def config(self) -> Path:
        """The client's configuration."""
        return self.folder / "config"

    @property
    def known_hosts(self) -> Path:
        """The host keys that the client knows."""
        return self.folder / "known_hosts"

    @property
    def destination(self) -> str:
        """What ``--to`` takes."""
        return f"{getpass.getuser()}@{NAME}"


@contextmanager
def ssh_server(folder: Path, *settings: str) -> Iterator[Server]:
    """Run a server that lets the present user in with a key; ``settings`` are further lines of its configuration."""
    folder.mkdir(mode=0o700)
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    shutil.copy(folder / "user.pub", folder / "authorized_keys")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    server = Server(folder, port)
    host_key = (folder / "host.pub").read_text().split()[:2]
    server.known_hosts.write_text(f"[127.0.0.1]:{port} {' '.join(host_key)}\n")
    _write_configurations(server, settings)
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # sshd's own demand, when root runs it
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([SSHD, "-D", "-e", "-f", folder / "sshd_config"], stderr=log)
        try:
            _wait(server, process)
            yield server
        finally:
            process.terminate()
            process.wait(timeout=20)


def _write_configurations(server: Server, settings: tuple[str, ...]) -> None:
    folder = server.folder
    lines = [
        f"Port {server.port}",
        "ListenAddress 127.0.0.1",
        f"HostKey {folder / 'host'}",
        f"AuthorizedKeysFile {folder / 'authorized_keys'}",
        f"PidFile {folder / 'pid'}",
        "UsePAM no",
        "StrictModes no",
        "PasswordAuthentication no",
        *settings,
    ]
    (folder / "sshd_config").write_text("\n".join(lines) + "\n")
    client = [
        f"Host {NAME}",
        "HostName 127.0.0.1",
        f"Port {server.port}",
        f"IdentityFile {folder / 'user'}",
        "IdentitiesOnly yes",
        "IdentityAgent none",
        f"UserKnownHostsFile {server.known_hosts}",
        "GlobalKnownHostsFile /dev/null",
        "StrictHostKeyChecking yes",
    ]
    server.config.write_text("\n".join(client) + "\n")


def _wait(server: Server, process: subprocess.Popen[bytes]) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", server.port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    sys.stderr.write((server.folder / "log").read_text())
    raise RuntimeError("sshd did not start")
