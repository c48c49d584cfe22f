"""TensorFlow and legacy Keras, imported in one place with the settings that everything else relies on.

``tf.keras`` has to be the legacy Keras (tf-keras), because tensorflow-model-optimization wraps its layers;
``TF_USE_LEGACY_KERAS`` works only when it is set before TensorFlow is first imported.
"""

from __future__ import annotations

import importlib
import os
import warnings
from typing import Any

from edgemnist.errors import MissingDependencyError

_INSTALL = "install them with: pip install 'edgemnist[train]'"


def _quiet_import(name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(name)


def load_tensorflow() -> tuple[Any, Any]:
    """Return the modules ``(tensorflow, tf_keras)``.

    :raises MissingDependencyError: one of them is not installed.
    """
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # oneDNN reorders sums: results would vary with the CPU
    try:
        return _quiet_import("tensorflow"), _quiet_import("tf_keras")
    except ImportError as error:
        raise MissingDependencyError(f"this command needs TensorFlow and tf-keras ({error}); {_INSTALL}") from error


def load_model_optimization() -> Any:
    """Return the module ``tensorflow_model_optimization``.

    :raises MissingDependencyError: it is not installed.
    """
    load_tensorflow()
    try:
        return _quiet_import("tensorflow_model_optimization")
    except ImportError as error:
        raise MissingDependencyError(f"pruning needs tensorflow-model-optimization ({error}); {_INSTALL}") from error
