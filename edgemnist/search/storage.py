"""Where a study is stored: a journal file, which needs no server and works on shared folders, a database, a proxy."""

from __future__ import annotations

import importlib
import random
import re
import time
from pathlib import Path
from typing import Any

from edgemnist.search.optuna_library import load_optuna
from edgemnist.support.errors import EnvironmentFailure, InputError, MissingDependencyError, first_line

FORMS = "a path (a journal file), sqlite:///FILE, postgresql://…, mysql://… or grpc://HOST:PORT"
_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
_TRIES = 20
_PASSING = (
    "already exists",
    "uniqueviolation",
    "unique constraint",
    "duplicate",
    "too many",
    "connection slots",
    "locked",
)
"""What databases say when many come at once: the tables are being made, or no connection is free."""


def open_storage(url: str) -> Any:
    """Return Optuna's storage at a place; see ``FORMS``.

    :raises InputError: the place is none of them.
    :raises MissingDependencyError: what talks to it is not installed.
    :raises EnvironmentFailure: it cannot be reached.
    """
    storages = load_optuna().storages
    scheme, separator, rest = url.partition("://")
    try:
        if not separator:
            return _journal(storages.journal, storages.JournalStorage, Path(url).resolve())
        if scheme == "grpc":
            return _proxy(storages, rest)
        return _database(storages, f"{_DRIVERS.get(scheme, scheme)}://{rest}")
    except OSError as error:
        raise EnvironmentFailure(f"the storage {_shown(url)!r} cannot be opened: {error.strerror or error}") from error


def _journal(journal: Any, storage: Any, path: Path) -> Any:
    path.parent.mkdir(parents=True, exist_ok=True)
    # A lock of its own file: one that a dead worker left is seen to grow old, and taken away after half a minute.
    return storage(journal.JournalFileBackend(str(path), lock_obj=journal.JournalFileOpenLock(str(path))))


def _proxy(storages: Any, place: str) -> Any:
    host, _, port = place.rpartition(":")
    if not host or not port.isdigit():
        raise InputError(f"the storage 'grpc://{place}' has no host and port; give grpc://HOST:PORT")
    try:
        importlib.import_module("grpc")
    except ImportError:
        raise MissingDependencyError("gRPC is not installed; run `pip install grpcio protobuf`") from None
    storage = storages.GrpcStorageProxy(host=host, port=int(port))
    storage.wait_server_ready(timeout=20)
    return storage


def _database(storages: Any, url: str) -> Any:
    if url.startswith("postgresql+psycopg"):
        try:
            importlib.import_module("psycopg")
        except ImportError:
            raise MissingDependencyError(
                "psycopg, which talks to PostgreSQL, is not installed; run `pip install 'edgemnist[search-postgresql]'`"
            ) from None
    sqlalchemy: Any = importlib.import_module("sqlalchemy")
    try:
        return _made(sqlalchemy, storages, url)
    except sqlalchemy.exc.NoSuchModuleError:  # the more special of the next
        raise InputError(f"the storage {_shown(url)!r} is of no known kind of database; give {FORMS}") from None
    except (sqlalchemy.exc.ArgumentError, ValueError):
        raise InputError(f"the storage {_shown(url)!r} is no place that is known; give {FORMS}") from None
    except ImportError as error:
        raise MissingDependencyError(
            f"what talks to {_shown(url)!r} is not installed: {first_line(error)}; install that database's package"
        ) from error
    except (sqlalchemy.exc.DBAPIError, load_optuna().exceptions.StorageInternalError) as error:
        reason = first_line(error.__cause__ or error)
        raise EnvironmentFailure(f"the storage {_shown(url)!r} cannot be reached: {reason}") from error


def _made(sqlalchemy: Any, storages: Any, url: str) -> Any:
    """Return the storage; workers that make its tables, or that connect, at the same time get over it."""
    database = not url.startswith("sqlite")
    # A connection that a server has closed meanwhile is noticed and opened anew. A worker has few.
    pool = {"pool_size": 1, "max_overflow": 1, "pool_pre_ping": True} if database else {}
    for left in reversed(range(_TRIES)):
        try:
            storage = storages.RDBStorage(url, engine_kwargs=dict(pool))
        except (sqlalchemy.exc.DBAPIError, load_optuna().exceptions.StorageInternalError) as error:
            words = f"{error} {error.__cause__}".lower()
            if left == 0 or not any(word in words for word in _PASSING):
                raise
            time.sleep(random.uniform(0.1, 2.0))
            continue
        if not database:
            _let_one_write(sqlalchemy, storage.engine)
        return storage
    return None


def _shown(url: str) -> str:
    """Return a URL without its password."""
    return re.sub(r"(://[^:/@]*):[^@/]*@", r"\1:***@", url)


def _let_one_write(sqlalchemy: Any, engine: Any) -> None:
    """Let SQLite begin every transaction as one that writes: what it reads first nobody changes until it is over."""

    def connect(connection: Any, record: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA busy_timeout = 60000")

    sqlalchemy.event.listen(engine, "connect", connect)
    sqlalchemy.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    engine.dispose()
