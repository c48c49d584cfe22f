"""Optuna, imported where it is needed; it says nothing by itself."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

from edgemnist.support.errors import MissingDependencyError

LEAST = (5, 0)
"""The version from which a trial has constraints."""


def load_optuna() -> Any:
    """Return the module.

    :raises MissingDependencyError: it is not installed, or too old.
    """
    try:
        optuna = importlib.import_module("optuna")
    except ImportError:
        raise MissingDependencyError(
            "Optuna, which draws and stores what a search tries, is not installed; run "
            "`pip install 'edgemnist[search]'`"
        ) from None
    if tuple(int(part) for part in optuna.__version__.split(".")[:2]) < LEAST:
        raise MissingDependencyError(
            f"Optuna {optuna.__version__} is too old for a search; run `pip install --upgrade 'optuna>=5'`"
        )
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    return optuna
