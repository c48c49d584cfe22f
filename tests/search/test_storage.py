"""Storages by URL, and what is said where one cannot be opened."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import optuna
import pytest
import sqlalchemy
from search_stand_in import stand_in_settings

from edgemnist.search.patience import Patient, is_away
from edgemnist.search.storage import open_storage
from edgemnist.search.study import SharedStudy, begin_study
from edgemnist.support.errors import EnvironmentFailure, InputError, MissingDependencyError


def test_a_path_is_a_journal_and_its_folder_is_made(tmp_path: Path) -> None:
    place = tmp_path / "new" / "study.journal"
    begin_study(open_storage(str(place)), "a", stand_in_settings())
    assert isinstance(open_storage(str(place)), optuna.storages.JournalStorage)
    assert SharedStudy(open_storage(str(place)), "a").settings == stand_in_settings()


def test_a_lock_that_a_dead_worker_left_is_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also by a worker that was told a relative path, from another folder than the journal's."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    storage = open_storage("folder/study.journal")
    storage._backend._lock.grace_period = 1
    assert storage._backend._lock.acquire()
    begun = time.process_time()
    begin_study(storage, "a", stand_in_settings())
    assert time.process_time() - begun < 1.0  # it slept meanwhile


@pytest.mark.parametrize(
    ("url", "error", "words"),
    [
        ("grpc://nowhere", InputError, "no host and port; give grpc://HOST:PORT"),
        ("grpc://:13000", InputError, "no host and port"),
        ("oracles://host/database", InputError, "no known kind of database; give a path"),
        ("postgresql://host:port/database", InputError, "no place that is known"),
        ("postgresql://nobody@127.0.0.1:1/none", EnvironmentFailure, "cannot be reached"),
        ("postgresql://nobody:secret@127.0.0.1:1/none", EnvironmentFailure, r"nobody:\*\*\*@127"),
        ("sqlite:////nowhere/at/all/study.db", EnvironmentFailure, "cannot be reached"),
        ("/dev/null/study.journal", EnvironmentFailure, "cannot be opened"),
    ],
)
def test_what_cannot_be_opened_is_told(url: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words) as raised:
        open_storage(url)
    assert raised.value.exit_code == (2 if error is InputError else 3)  # type: ignore[attr-defined]
    assert "\n" not in str(raised.value)


def test_a_database_without_its_driver_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'edgemnist\[search-postgresql\]'"):
        open_storage("postgresql://127.0.0.1/none")


def test_a_study_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    storage = open_storage(str(tmp_path / "journal"))
    with pytest.raises(InputError, match="no study 'b', it has none; begin one"):
        SharedStudy(storage, "b")
    begin_study(storage, "a", stand_in_settings())
    with pytest.raises(InputError, match="no study 'b', it has a"):
        SharedStudy(storage, "b")


def test_a_study_goes_on_with_the_settings_it_has(tmp_path: Path) -> None:
    storage = open_storage(str(tmp_path / "journal"))
    settings = stand_in_settings(versions={"tensorflow": "1"})
    begin_study(storage, "a", settings)
    again = begin_study(storage, "a", stand_in_settings(versions={"tensorflow": "2"}))
    assert again.settings == settings
    with pytest.raises(InputError, match="budget is 12, asked for is 13"):
        begin_study(storage, "a", stand_in_settings(budget=13))


def test_workers_that_make_the_tables_at_the_same_time_get_over_it(tmp_path: Path) -> None:
    code = "import sys; from edgemnist.search.storage import open_storage; open_storage(sys.argv[1])"
    command = [sys.executable, "-c", code, f"sqlite:///{tmp_path / 'study.db'}"]
    root = str(Path(__file__).resolve().parents[2])
    workers = [subprocess.Popen(command, env=os.environ | {"PYTHONPATH": root}) for _ in range(3)]
    assert [worker.wait() for worker in workers] == [0, 0, 0]


class Away:
    """A storage that does not answer at first."""

    def __init__(self, times: int, error: Exception) -> None:
        """Fail so many times."""
        self.left, self.error = times, error

    def get_all_studies(self) -> list[Any]:
        """Return nothing, in the end."""
        self.left -= 1
        if self.left >= 0:
            raise self.error
        return []


def _lost() -> Exception:
    return sqlalchemy.exc.OperationalError("SELECT 1", {}, Exception("server closed the connection"))


def test_a_storage_that_is_away_is_asked_again() -> None:
    internal = optuna.exceptions.StorageInternalError("it failed")
    internal.__cause__ = _lost()
    for error in (_lost(), internal, ConnectionError("refused")):
        assert Patient(Away(2, error), seconds=20).get_all_studies() == []


def test_what_is_wrong_otherwise_is_not_tried_again() -> None:
    internal = optuna.exceptions.StorageInternalError("it failed")
    internal.__cause__ = sqlalchemy.exc.DataError("INSERT", {}, Exception("too long"))
    for error in (internal, KeyError("none"), optuna.exceptions.UpdateFinishedTrialError()):
        assert not is_away(error)
        with pytest.raises(type(error)):
            Patient(Away(1, error), seconds=20).get_all_studies()


def test_patience_ends() -> None:
    with pytest.raises(EnvironmentFailure, match=r"not answered for 0\.2 seconds.*see that it runs"):
        Patient(Away(99, _lost()), seconds=0.2).get_all_studies()
