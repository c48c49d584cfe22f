"""Workers in processes of their own, on every kind of storage: killed or stopped, they come to the same front."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from postgres import Postgres, postgres_programs, running_postgres
from search_stand_in import stand_in_outcome, stand_in_settings

from edgemnist.search.outcome import Outcome
from edgemnist.search.planner import Planner
from edgemnist.search.storage import open_storage
from edgemnist.search.study import SharedStudy, begin_study
from tests.search.standing_in import STUDY, TIMING

REPOSITORY = Path(__file__).resolve().parents[2]
ENVIRONMENT = os.environ | {"PYTHONPATH": f"{REPOSITORY}{os.pathsep}{REPOSITORY / 'scripts'}"}
SETTINGS = stand_in_settings(budget=8, population=5, finalists=2, seeds=2)
PATIENCE = 300.0
"""Seconds after which a study that should be over is not; a machine with much else to do is slow."""

PROXY = """
import sys
from optuna.storages import get_storage, run_grpc_proxy_server
from edgemnist.search.storage import open_storage
run_grpc_proxy_server(get_storage(open_storage(sys.argv[1])), host="127.0.0.1", port=int(sys.argv[2]))
"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """Return a server of PostgreSQL's."""
    if postgres_programs() is None:
        pytest.skip("PostgreSQL is not installed")
    with running_postgres() as server:
        yield server


@pytest.fixture(params=["journal", "postgresql", "proxy"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the place of a storage without studies."""
    if request.param == "journal":
        yield str(tmp_path / "journal")
        return
    with database(request.getfixturevalue("postgres"), request.param) as place:
        if request.param == "postgresql":
            yield place
            return
        with contextlib.ExitStack() as stack:
            port = free_port()
            proxy = subprocess.Popen([sys.executable, "-c", PROXY, place, str(port)], env=ENVIRONMENT)
            stack.callback(proxy.wait)
            stack.callback(proxy.kill)
            yield f"grpc://127.0.0.1:{port}"


@contextlib.contextmanager
def database(server: Postgres, name: str) -> Iterator[str]:
    """Make a database and return its URL."""
    place = ["-h", str(server.folder), "-U", "edgemnist", name]
    subprocess.run([str(server.programs / "createdb"), *place], check=True)
    yield server.url.replace("/postgres?", f"/{name}?")
    subprocess.run([str(server.programs / "dropdb"), "--force", *place], check=True)


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Workers:
    """Processes that work on a study."""

    def __init__(self, url: str, folder: Path, seconds: float) -> None:
        """Start none yet."""
        self.command = [sys.executable, "-m", "tests.search.standing_in", url, str(seconds), str(folder / "log")]
        self.log = folder / "log"
        self.log.touch()
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> subprocess.Popen[bytes]:
        """Start one more."""
        self.processes.append(subprocess.Popen(self.command, env=ENVIRONMENT, cwd=REPOSITORY))
        return self.processes[-1]

    def begun(self) -> list[tuple[int, str]]:
        """Return the process and the key of every item that was begun."""
        return [(int(line.split()[0]), line.split()[1]) for line in self.log.read_text().splitlines()]

    def end(self) -> None:
        """Wait until all that were not killed have come to the study's end."""
        until = time.monotonic() + PATIENCE
        for one in self.processes:
            assert one.wait(max(1.0, until - time.monotonic())) in (0, -signal.SIGKILL)

    def kill(self) -> None:
        """Leave none behind."""
        for one in self.processes:
            one.kill()
            one.wait()


@pytest.fixture
def workers(url: str, tmp_path: Path) -> Iterator[Callable[[float], Workers]]:
    """Return what makes a study's workers, by the seconds of a training."""
    with contextlib.ExitStack() as stack:

        def make(seconds: float) -> Workers:
            made = Workers(url, tmp_path, seconds)
            stack.callback(made.kill)
            return made

        yield make


def until(condition: Callable[[], Any]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def _have_begun(team: Workers, count: int) -> bool:
    return len(team.begun()) >= count


def undisturbed() -> tuple[Planner, dict[str, Outcome]]:
    """Return what the study comes to where nothing happens."""
    planner, outcomes = Planner(SETTINGS), dict[str, Outcome]()
    while items := planner.current(outcomes):
        outcomes |= {item.key: stand_in_outcome(item, SETTINGS) for item in items}
    return planner, outcomes


def assert_undisturbed(study: SharedStudy) -> None:
    """Check that nothing is lost, nothing there twice, and that rounds and front are those of a study in peace."""
    planner, outcomes = undisturbed()
    assert study.is_over()
    assert study.outcomes() == outcomes
    assert study.rounds() == planner.rounds
    assert Planner(SETTINGS, study.rounds()).front(study.outcomes()) == planner.front(outcomes) != []
    trials = study._storage.get_all_trials(study._number, deepcopy=False)
    stored = Counter(_key(trial) for trial in trials if trial.state.name in ("COMPLETE", "PRUNED"))
    assert stored == Counter(list(outcomes))
    assert all(trial.state.is_finished() for trial in trials)
    study.rest()


def _key(trial: Any) -> str:
    item = trial.user_attrs["item"]
    return f"{item['candidate']}/{item['rung']}/{item['seed']}"


def test_workers_that_are_killed_change_nothing(url: str, workers: Callable[[float], Workers]) -> None:
    study = begin_study(open_storage(url), STUDY, SETTINGS, TIMING)
    team = workers(0.6)
    for _ in range(3):
        team.start()
    for count in (3, 6):  # each in mid-work: one of those that began an item last
        until(partial(_have_begun, team, count))
        alive = {one.pid: one for one in team.processes if one.poll() is None}
        last = [alive[process] for process, _ in team.begun()[-3:] if process in alive]
        victim = random.choice(last or list(alive.values()))
        victim.kill()
        victim.wait()
        team.start()
    team.end()
    assert_undisturbed(study)


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_worker_that_stood_still_is_taken_over_and_goes_on(url: str, workers: Callable[[float], Workers]) -> None:
    study = begin_study(open_storage(url), STUDY, SETTINGS, TIMING)
    team = workers(0.5)
    sleeper = team.start()
    until(lambda: team.begun())
    sleeper.send_signal(signal.SIGSTOP)  # as if its machine had lost its network
    slept_on = team.begun()[-1][1]
    other = team.start()
    until(lambda: (other.pid, slept_on) in team.begun())
    other.send_signal(signal.SIGSTOP)
    before = len([pid for pid, _ in team.begun() if pid == sleeper.pid])
    sleeper.send_signal(signal.SIGCONT)
    until(lambda: len([pid for pid, _ in team.begun() if pid == sleeper.pid]) > before or sleeper.poll() == 0)
    other.send_signal(signal.SIGCONT)
    team.end()
    assert [key for _, key in team.begun()].count(slept_on) >= 2
    assert_undisturbed(study)


def test_a_database_that_starts_anew_ends_no_worker(postgres: Postgres, tmp_path: Path) -> None:
    with database(postgres, "anew") as url:
        study = begin_study(open_storage(url), STUDY, SETTINGS, TIMING)
        team = Workers(url, tmp_path, 0.3)
        try:
            for _ in range(2):
                team.start()
            until(lambda: len(team.begun()) >= 4)
            postgres.stop()
            time.sleep(1.0)
            postgres.start()
            team.end()
            assert_undisturbed(study)
        finally:
            team.kill()
