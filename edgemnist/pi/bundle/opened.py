"""The bundle's files, and its model in the interpreter that this machine has."""

from __future__ import annotations

import hashlib
import json
import platform
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.support.errors import EnvironmentFailure

from .engines import MODEL, open_engine
from .generated import GENERATED

CHECKSUMS = "SHA256SUMS"
MANIFEST = "manifest.json"
GOLDEN = "golden.npz"
LAUNCHERS = ("classify.py", "run.py")
"""The program of a classifier, and of another network: a bundle has one of them."""

PROGRAMS = (
    "__init__", "classifier", "command", "engines", "generated", "network", "opened", "preprocessing", "replay", "run",
    "service", "shared",
)  # fmt: skip
NEEDED = (MANIFEST, MODEL, GOLDEN, *(f"edgemnist_pi/{name}.py" for name in PROGRAMS))
_WARM_UP = 10


def read_manifest(folder: Path) -> dict[str, Any]:
    """Verify that the bundle in a folder is complete and return its manifest.

    :raises EnvironmentFailure: a file is missing or is not what it was when the bundle was made.
    """
    try:
        lines = (folder / CHECKSUMS).read_text(encoding="utf-8").splitlines()
        expected = {name: digest for digest, name in (line.split(maxsplit=1) for line in lines)}
    except (OSError, ValueError) as error:
        raise EnvironmentFailure(f"{folder / CHECKSUMS} cannot be read ({error}); copy the bundle again") from error
    wrong = [name for name in NEEDED if name not in expected]
    if not expected.keys() & set(LAUNCHERS):
        wrong.append(LAUNCHERS[0])
    for name, digest in expected.items():
        path = folder / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            wrong.append(name)
    if wrong:
        names = ", ".join(dict.fromkeys(wrong))
        raise EnvironmentFailure(f"the bundle in {folder} is damaged or half copied ({names}); copy it again")
    manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return manifest


class Opened:
    """A bundle's model on one thread.

    ``interpreter`` is its package, ``version`` that package's version; ``kernels`` is ``default`` (the fastest) or
    ``reference``, of which the generated C has only the former.
    """

    def __init__(self, folder: Path, *, kernels: str = "default", interpreter: str | None = None) -> None:
        self.manifest = read_manifest(folder)
        self.engine = open_engine(folder, self.manifest, kernels, interpreter)
        self.interpreter, self.version = self.engine.package, self.engine.version
        self.kernels = "default" if self.interpreter == GENERATED else kernels

    def golden_inputs(self, arrays: Mapping[str, NDArray[Any]]) -> Iterator[Sequence[NDArray[Any]]]:
        """Yield what the model is fed with for each golden vector, whose file holds ``arrays``."""
        raise NotImplementedError

    def benchmark(self, arrays: Mapping[str, NDArray[Any]], invokes: int) -> dict[str, Any]:
        """Time invokes one by one, in microseconds: inputs copied in, model run, outputs copied out."""
        inputs = list(self.golden_inputs(arrays))

        def timed(index: int) -> float:
            start = time.perf_counter_ns()
            self.engine.invoke(inputs[index % len(inputs)])
            return (time.perf_counter_ns() - start) / 1000

        first = timed(0)
        for index in range(_WARM_UP):
            timed(index)
        samples = [timed(index) for index in range(invokes)]
        median, p95 = (round(float(value), 1) for value in np.percentile(samples, [50, 95]))
        times = {"first_us": round(first, 1), "median_us": median, "p95_us": p95, "invokes": invokes}
        return {**self.described(), **times}

    def described(self) -> dict[str, Any]:
        """Return what runs here, as JSON values."""
        return {
            "model_sha256": self.manifest["model"]["sha256"],
            "interpreter": self.interpreter,
            "version": self.version,
            "kernels": self.kernels,
            "machine": platform.machine(),
            "bits": struct.calcsize("P") * 8,
            "python": platform.python_version(),
            "numpy": np.__version__,
        }
