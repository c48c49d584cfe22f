"""The environment variables that edgemnist reads: all of them, so that their list in the reference is complete."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Variable:
    """An environment variable that a user may set: its name, and what it means in a few words."""

    name: str
    meaning: str

    def text(self) -> str | None:
        """Return its value, or None when it is not set or empty."""
        return os.environ.get(self.name) or None

    def folder(self) -> Path | None:
        """Return its value as a path, with ``~`` for the user's home folder, or None when it is not set or empty."""
        value = self.text()
        return Path(value).expanduser() if value else None


DATA = Variable(
    "EDGEMNIST_DATA",
    "Folder with one folder for each known dataset: its IDX files, gzipped or plain, or `NAME.npz`; also torchvision's "
    "layout (`MNIST/raw`). Looked at before all other places.",
)
CACHE = Variable(
    "EDGEMNIST_CACHE",
    "Folder for what edgemnist downloads and keeps: datasets, wheels and system packages for a Raspberry Pi, the cross "
    "compiler's cache. Default: `edgemnist` in the user's cache folder.",
)
MAX_BYTES = Variable(
    "EDGEMNIST_MAX_BYTES",
    "The most bytes that a data or model file may have when it is read, decompressed, for files that you trust. "
    "Default: 2 GiB for datasets, 256 MiB for models, and at most 100 times its compressed size beyond 64 MiB.",
)
DEBIAN_MIRROR = Variable(
    "EDGEMNIST_DEBIAN_MIRROR",
    "Address of the Debian mirror for the emulated Raspberry Pi's packages. Default: the one in apt's sources.",
)
USER_CACHE = Variable("XDG_CACHE_HOME", "The user's cache folder. Default: `~/.cache`.")
KERAS_HOME = Variable("KERAS_HOME", "Keras's folder, whose `datasets` are looked through. Default: `~/.keras`.")
TORCH_HOME = Variable(
    "TORCH_HOME", "PyTorch's folder, whose `datasets` are looked through. Default: `torch` in the user's cache folder."
)
C_COMPILER = Variable("CC", "This machine's C compiler, for generated code. Default: the first of cc, gcc, clang.")
MLFLOW_STORE = Variable(
    "MLFLOW_TRACKING_URI", "Where `--mlflow` without a value logs to: a folder, server or database. Default: `mlruns`."
)
MLFLOW_EXPERIMENT = Variable("MLFLOW_EXPERIMENT_NAME", "The MLflow experiment that runs go to. Default: `edgemnist`.")

API_KEY = Variable("EDGEMNIST_API_KEY", "The key that `serve` asks for, where no `--api-key-file` is given.")
SOURCE_DATE = Variable(
    "SOURCE_DATE_EPOCH", "Seconds since 1970: the date in a report, for builds that can be repeated. Default: now."
)

PYTHON_UTF8 = "PYTHONUTF8"
"""Python's own: "1" for UTF-8 whatever the locale; set for the processes that edgemnist starts."""

VARIABLES = (
    DATA, CACHE, MAX_BYTES, DEBIAN_MIRROR, USER_CACHE, KERAS_HOME, TORCH_HOME, C_COMPILER, MLFLOW_STORE,
    MLFLOW_EXPERIMENT, API_KEY, SOURCE_DATE,
)  # fmt: skip
"""Every variable, edgemnist's own first."""
