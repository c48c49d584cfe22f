"""Where a study is stored: a journal file, which needs no server and works on shared folders, a database, or a proxy."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from edgemnist.search.optuna_library import load_optuna
from edgemnist.support.errors import EnvironmentFailure, InputError, MissingDependencyError, first_line

FORMS = "a path (a journal file), sqlite:///FILE, postgresql://…, mysql://… or grpc://HOST:PORT"
_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}


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
            path = Path(url)
            path.parent.mkdir(parents=True, exist_ok=True)
            return storages.JournalStorage(storages.journal.JournalFileBackend(str(path)))
        if scheme == "grpc":
            return _proxy(storages, rest)
        return _database(storages, f"{_DRIVERS.get(scheme, scheme)}://{rest}")
    except OSError as error:
        raise EnvironmentFailure(f"the storage {url!r} cannot be opened: {error.strerror or error}") from error


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
        # A connection that a server has closed meanwhile is noticed and opened anew.
        return storages.RDBStorage(url, engine_kwargs={"pool_pre_ping": True})
    except sqlalchemy.exc.ArgumentError:
        raise InputError(f"the storage {url!r} is no place that is known; give {FORMS}") from None
    except sqlalchemy.exc.NoSuchModuleError:
        raise InputError(f"the storage {url!r} is of no known kind of database; give {FORMS}") from None
    except (sqlalchemy.exc.OperationalError, ModuleNotFoundError) as error:
        raise EnvironmentFailure(f"the storage {url!r} cannot be reached: {first_line(error)}") from error
