"""``deploy pi --to`` against a real ssh server on this machine, and what can go wrong on the way."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edgemnist import cli
from edgemnist.pi.remote import Machine, RemoteSettings, ask_machine, install, read_installation, require_target
from edgemnist.pi.ssh import Connection, connection
from edgemnist.pi.targets import TARGETS, TFLITE_RUNTIME
from edgemnist.pi.wheels import deploy_cache
from edgemnist.support.errors import EdgeMnistError, EnvironmentFailure, InputError, StorageError
from tests.oracles import needs
from tests.pi.sshd import SSHD, Server, ssh_server

TARGET = "bookworm-x86_64"
ENOUGH = 10**9

pytestmark = [
    pytest.mark.skipif(not SSHD, reason="sshd is not installed; install it with: sudo apt install openssh-server"),
    needs("tflm", "tflite-runtime-reference", "litert-default"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a running ssh server; pip there finds nothing but what a bundle brings."""
    offline = "SetEnv PIP_NO_INDEX=1 PIP_CONFIG_FILE=/dev/null PIP_FIND_LINKS="
    with ssh_server(tmp_path_factory.mktemp("ssh") / "server", offline) as running:
        yield running


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the record of the installation out of the user's cache, but use the wheels and libraries that are there."""
    cache = tmp_path / "cache"
    (cache / "deploy").mkdir(parents=True)
    for name in ("wheels", "libraries"):
        shared = deploy_cache() / name
        shared.mkdir(parents=True, exist_ok=True)
        (cache / "deploy" / name).symlink_to(shared)
    monkeypatch.setenv("EDGEMNIST_CACHE", str(cache))


def _there(server: Server, folder: Path) -> RemoteSettings:
    return RemoteSettings(Connection(server.destination, server.config), str(folder), TARGET, sys.executable)


@pytest.mark.slow
@pytest.mark.skipif(sys.version_info[:2] != TARGETS[TARGET].release.python, reason=f"{TARGET} has Python 3.11")
def test_it_installs_replays_and_becomes_a_runtime(
    server: Server,
    real_models: Path,
    real_data: Path,
    tmp_path: Path,
    own_cache: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model, out, there = real_models / "compact_int8.tflite", tmp_path / "bundle.tar.gz", tmp_path / "home" / "pi bundle"
    arguments = ["deploy", "pi", str(model), "--out", str(out), "--to", server.destination, "--json"]
    options = ["--ssh-config", str(server.config), "--target", TARGET, "--python", sys.executable]
    assert cli.run([*arguments, *options, "--folder", str(there)]) == 0
    (replay,) = json.loads(capsys.readouterr().out)["replays"]
    assert replay["passed"] and replay["images"] == 100
    assert server.destination in replay["where"]
    installed = {path.name.split("-")[0] for path in (there / ".venv").rglob("*.dist-info")}
    assert {"numpy", "tflite_runtime"} <= installed and not installed & {"tensorflow", "edgemnist"}
    assert [path.name for path in there.parent.iterdir()] == ["pi bundle"]
    assert read_installation() is not None

    names = "pi-reference,pi-default"
    arguments = ["parity", str(model), "--images", "40", "--runtime", f"{names},tflm", "--require-exact", names]
    assert cli.run([*arguments, "--json"]) == 0
    ran = {run["runtime"]: run for run in json.loads(capsys.readouterr().out)["runs"]}
    assert ran["pi-reference"]["kernels"] == "reference, over ssh"
    assert ran["pi-reference"]["version"] == "2.14.0"


def test_a_folder_of_the_user_is_left_alone(server: Server, bundle: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="holds something else than a bundle"):
        install(_archive(tmp_path, b"never read"), _there(server, mine), TARGETS[TARGET], TFLITE_RUNTIME)
    assert [path.name for path in mine.iterdir()] == ["thesis.txt"]


def _archive(folder: Path, content: bytes) -> Path:
    path = folder / "archive.tar.gz"
    path.write_bytes(content)
    return path


def test_a_cut_archive_leaves_what_was_there(server: Server, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailure, match="what was there is untouched"):
        install(_archive(tmp_path, b"\x1f\x8b cut"), _there(server, tmp_path / "x"), TARGETS[TARGET], TFLITE_RUNTIME)
    assert not list(tmp_path.glob("x*"))


def test_a_disk_that_fills_while_copying(bundle: Path, tmp_path: Path) -> None:
    from edgemnist.pi.bundle_archive import archived

    limited = 'ForceCommand ulimit -f 8; exec sh -c "$SSH_ORIGINAL_COMMAND"'
    with (
        ssh_server(tmp_path / "server", limited) as server,
        archived(bundle) as archive,
        pytest.raises(EnvironmentFailure, match="what was there is untouched"),
    ):
        install(archive, _there(server, tmp_path / "there"), TARGETS[TARGET], TFLITE_RUNTIME)
    assert not list(tmp_path.glob("there*"))


def test_what_the_machine_is(server: Server, tmp_path: Path) -> None:
    machine = ask_machine(_there(server, tmp_path / "not" / "yet"))
    assert machine.target.endswith(("-x86_64", "-aarch64"))
    assert machine.python == f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert machine.free_bytes > 0
    assert ask_machine(replace(_there(server, tmp_path), python="python9")).python == ""


@pytest.mark.parametrize(
    ("machine", "kind", "message"),
    [
        (Machine("bookworm-armv6", "3.11", ENOUGH), InputError, "ARMv6"),
        (Machine("trixie-armv7", "3.13", ENOUGH), InputError, "is trixie-armv7: .*no interpreter has a wheel"),
        (Machine("noble-riscv64", "3.12", ENOUGH), InputError, "is noble-riscv64: .*hoose one of bookworm-aarch64"),
        (Machine("bookworm-aarch64", "3.12", ENOUGH), EnvironmentFailure, "needs Python 3.11.* is 3.12"),
        (Machine("bookworm-aarch64", "", ENOUGH), EnvironmentFailure, "python3 is not there"),
        (Machine("bookworm-aarch64", "3.11", 10**8), StorageError, "100 MB free"),
    ],
)
def test_machines_that_cannot_run_it(machine: Machine, kind: type[EdgeMnistError], message: str) -> None:
    with pytest.raises(kind, match=message):
        require_target(machine, RemoteSettings(Connection("pi@pi")))


def test_an_unknown_host_key_is_not_accepted(server: Server, tmp_path: Path) -> None:
    known = server.known_hosts.read_text()
    try:
        server.known_hosts.write_text("")
        with pytest.raises(EnvironmentFailure, match=r"host key of .* is not known; compare and accept it once with"):
            ask_machine(_there(server, tmp_path))
        assert server.known_hosts.read_text() == ""

        other = (server.folder / "user.pub").read_text().split()[:2]
        server.known_hosts.write_text(f"[127.0.0.1]:{server.port} {' '.join(other)}\n")
        with pytest.raises(EnvironmentFailure, match="shows another host key than before"):
            ask_machine(_there(server, tmp_path))
    finally:
        server.known_hosts.write_text(known)


def test_no_access_and_nobody_there(server: Server, tmp_path: Path) -> None:
    keys = server.folder / "authorized_keys"
    known = keys.read_text()
    try:
        keys.write_text("")
        with pytest.raises(EnvironmentFailure, match="ssh-copy-id"):
            ask_machine(_there(server, tmp_path))
    finally:
        keys.write_text(known)
    config = tmp_path / "config"
    config.write_text("Host nobody\nHostName 127.0.0.1\nPort 1\n")
    with pytest.raises(EnvironmentFailure, match=r"no connection to pi@nobody: .*refused"):
        ask_machine(RemoteSettings(Connection("pi@nobody", config)))


@pytest.mark.parametrize("destination", ["-oProxyCommand=evil", "pi@", "pi@host;rm -rf /", "", "a b"])
def test_strange_destinations_are_refused(destination: str) -> None:
    with pytest.raises(InputError, match="user@host"):
        connection(destination)


def test_without_an_installation_the_runtime_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from edgemnist.runner.registry import find_runtime

    monkeypatch.setenv("EDGEMNIST_CACHE", str(tmp_path))
    assert "edgemnist deploy pi MODEL --to USER@HOST" in str(find_runtime("pi-default").available())
