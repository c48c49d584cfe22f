"""The bundle's files, and its model in the interpreter that this machine has."""

from __future__ import annotations

import hashlib
import json
import platform
import struct
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.framing import FramedImage, frame
from edgemnist.support.errors import EnvironmentFailure

from .engines import MODEL, open_engine
from .generated import GENERATED
from .preprocessing import Preprocessing

CHECKSUMS = "SHA256SUMS"
MANIFEST = "manifest.json"
GOLDEN = "golden.npz"
PROGRAMS = ("__init__", "classifier", "command", "engines", "generated", "preprocessing", "replay", "service")
NEEDED = ("classify.py", MANIFEST, MODEL, GOLDEN, *(f"edgemnist_pi/{name}.py" for name in PROGRAMS))
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
    for name, digest in expected.items():
        path = folder / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            wrong.append(name)
    if wrong:
        names = ", ".join(dict.fromkeys(wrong))
        raise EnvironmentFailure(f"the bundle in {folder} is damaged or half copied ({names}); copy it again")
    manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return manifest


class Candidate:
    """A class that a picture may be of; ``probability`` in 0..1."""

    def __init__(self, label: str, index: int, probability: float) -> None:
        self.label, self.index, self.probability = label, index, probability

    def as_json(self) -> dict[str, Any]:
        """Return the candidate as JSON values."""
        return {"label": self.label, "index": self.index, "probability": round(self.probability, 6)}


class Seen:
    """What came of a picture: what the net was shown, class probabilities of shape (classes,), the invoke's time."""

    def __init__(
        self, framed: FramedImage, names: Sequence[str], probabilities: NDArray[np.float64], microseconds: float
    ) -> None:
        self.framed, self.probabilities, self.microseconds = framed, probabilities, microseconds
        self._names = names

    def best(self, count: int) -> list[Candidate]:
        """Return the most probable classes, the best first; of equals the one with the lowest index."""
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return [Candidate(self._names[index], int(index), float(self.probabilities[index])) for index in order]


class Classifier:
    """A bundle's model on one thread.

    ``interpreter`` is its package, ``version`` that package's version; ``kernels`` is ``default`` (the fastest) or
    ``reference``, of which the generated C has only the former.
    """

    def __init__(self, folder: Path, *, kernels: str = "default", interpreter: str | None = None) -> None:
        self.manifest = read_manifest(folder)
        self._engine = open_engine(folder, self.manifest, kernels, interpreter)
        self.interpreter, self.version = self._engine.package, self._engine.version
        self.kernels = "default" if self.interpreter == GENERATED else kernels
        self.preprocessing = Preprocessing(self.manifest)

    def invoke(self, pixels: NDArray[np.uint8]) -> NDArray[Any]:
        """Run the model on uint8 pixels in the net's frame and return its output as it is, shape (outputs,)."""
        return self._run(self._prepared(pixels))

    def look(self, picture: NDArray[np.uint8], invert: str = "auto") -> Seen:
        """Return what comes of a picture of any size, uint8 of shape (height, width) or (height, width, 3)."""
        from edgemnist.data.images import SCALING  # Pillow's, which a replay does not need

        known, dataset = self.preprocessing, self.manifest.get("framed_as", self.manifest["dataset"])
        framed = frame(picture, known.image_shape, dataset, invert, SCALING, known.fit)
        prepared = self._prepared(framed.pixels)
        start = time.perf_counter_ns()
        output = self._run(prepared)
        microseconds = (time.perf_counter_ns() - start) / 1000
        return Seen(framed, known.class_names, known.probabilities(output), microseconds)

    def benchmark(self, images: NDArray[np.uint8], invokes: int) -> dict[str, Any]:
        """Time invokes one by one, in microseconds: input copied in, model run, output copied out."""
        inputs = [self._prepared(image) for image in images]

        def timed(index: int) -> float:
            start = time.perf_counter_ns()
            self._run(inputs[index % len(inputs)])
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

    def _prepared(self, pixels: NDArray[np.uint8]) -> NDArray[Any]:
        return self.preprocessing.input(pixels)

    def _run(self, prepared: NDArray[Any]) -> NDArray[Any]:
        output: NDArray[Any] = self._engine.invoke(prepared)
        return output
