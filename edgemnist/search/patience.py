"""A storage that is asked again while it cannot be reached: a database that starts anew ends no worker."""

from __future__ import annotations

import importlib
import random
import time
from collections.abc import Callable
from typing import Any

from edgemnist.search.optuna_library import load_optuna
from edgemnist.support.errors import EnvironmentFailure, first_line
from edgemnist.support.progress import say

PATIENCE_SECONDS = 600.0
"""After so long without an answer a worker gives up."""
_LONGEST_WAIT = 10.0


class Patient:
    """A storage whose every method is called again, ever more seldom, while nothing answers.

    A call may have been heard though its answer was lost. A trial that was made so is of nobody and is freed like that
    of a dead worker; a trial that was ended so is ended.
    """

    def __init__(self, storage: Any, seconds: float = PATIENCE_SECONDS) -> None:
        """Wrap a storage of Optuna."""
        self._storage = storage
        self._seconds = seconds

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return a method of the storage that is called until it answers.

        :raises EnvironmentFailure: by that method: the storage did not answer for so long.
        """
        method = getattr(self._storage, name)

        def patiently(*arguments: Any, **named: Any) -> Any:
            until, wait = time.monotonic() + self._seconds, 0.1
            while True:
                try:
                    return method(*arguments, **named)
                except Exception as error:
                    if not is_away(error):
                        raise
                    if time.monotonic() + wait > until:
                        raise EnvironmentFailure(
                            f"the study's storage has not answered for {self._seconds:g} seconds: "
                            f"{first_line(error.__cause__ or error)}; see that it runs, then run this again"
                        ) from error
                    if wait == 0.1:
                        say(f"the study's storage does not answer ({first_line(error.__cause__ or error)}): waiting")
                time.sleep(wait * random.uniform(0.5, 1.5))
                wait = min(2 * wait, _LONGEST_WAIT)

        return patiently


def is_away(error: BaseException) -> bool:
    """Whether an error of a storage says that it cannot be reached, rather than that something else is wrong."""
    inner = error.__cause__ if isinstance(error, load_optuna().exceptions.StorageInternalError) else error
    if isinstance(inner, OSError):
        return True
    kind = type(inner)
    if kind.__module__.startswith("sqlalchemy."):
        library: Any = importlib.import_module("sqlalchemy.exc")
        return isinstance(inner, (library.OperationalError, library.InterfaceError, library.TimeoutError))
    if kind.__module__.startswith("grpc."):
        code: Any = inner.code() if hasattr(inner, "code") else None
        # A proxy says UNKNOWN where its own storage does not answer.
        return getattr(code, "name", "") in ("UNAVAILABLE", "UNKNOWN", "DEADLINE_EXCEEDED")
    return False
