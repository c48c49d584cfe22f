"""TensorFlow and legacy Keras, imported in one place with the settings that everything else relies on.

``tf.keras`` has to be the legacy Keras (tf-keras), because tensorflow-model-optimization wraps its layers;
``TF_USE_LEGACY_KERAS`` works only when it is set before TensorFlow is first imported.
"""

from __future__ import annotations

import importlib
import os
import platform
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from edgemnist.support.errors import MissingDependencyError

_INSTALL = "install them with: pip install 'edgemnist[train]'"


def _quiet_import(name: str) -> Any:
    if name in sys.modules:
        return sys.modules[name]
    with warnings.catch_warnings(), _silent_stderr():
        warnings.simplefilter("ignore")
        return importlib.import_module(name)


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Drop what is written to file descriptor 2: TensorFlow's C++ start-up notes ignore TF_CPP_MIN_LOG_LEVEL."""
    sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:  # no stderr at all: nothing to silence
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def load_tensorflow() -> tuple[Any, Any]:
    """Return the modules ``(tensorflow, tf_keras)``.

    On x86-64 oneDNN is turned on, which TensorFlow itself does only where the CPU has AVX-512 VNNI: training takes a
    third of the time (10 s instead of 28 s an epoch of 55,000 images, tiny net, 2 cores without AVX-512). Two runs on
    one machine are bit-identical with it; two kinds of CPU may differ in the last bits with it and without it.

    :raises MissingDependencyError: one of them is not installed.
    """
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if platform.machine() in ("x86_64", "AMD64"):
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
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
