"""The model that is converted, in a process of its own: TensorFlow crashes for some, and this one needs none of it.

A Keras model or SavedModel goes through TensorFlow's converter, a float ``.tflite`` through ai-edge-quantizer; for the
stage both are a :class:`Source`. It is loaded once and asked for everything.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgemnist.commands.convert.explanation import explain, explain_crash
from edgemnist.commands.convert.quantisable import check_quantisable
from edgemnist.commands.convert.settings import CALIBRATED
from edgemnist.keras_io.formats import source_files
from edgemnist.runner.base import InputFacts
from edgemnist.runner.process import AnsweringProcess, ProcessEndedError, raised_over_there
from edgemnist.runner.protocol import Message
from edgemnist.runner.refusals import in_one_line
from edgemnist.support.errors import EdgeMnistError, InternalError, ModelError, RuntimeCrashedError
from edgemnist.support.logs import log_clause
from edgemnist.tflite.kinds import ModelKind

TIMEOUT = 3600.0
"""Seconds for one request, a conversion with all its calibration images included."""

_WORKER = "edgemnist.commands.convert.worker"


class Loader(Protocol):
    """Reads a model file, and loads the model for images of a size."""

    @property
    def files(self) -> tuple[Path, ...]:
        """What the model consists of."""

    def look(self, output: str | None = None) -> InputFacts:
        """Return what the file tells; ``output`` names one of several outputs."""

    def bind(self, image_shape: Sequence[int] | None, output: str | None = None) -> Source:
        """Load the model for images of (height, width, channels), None for those that it takes by itself."""


@dataclass(frozen=True)
class Converted:
    """The bytes of a ``.tflite`` file, and ai-edge-quantizer's recipe where that made it."""

    content: bytes
    recipe: Sequence[Any] | None


@dataclass(frozen=True, eq=False)
class Source:
    """A loaded model.

    ``files`` is what it was read from. It takes float32 of ``input_shape``, the batch left out, and tells ``classes``
    apart. ``loops`` names those of a TensorFlow graph, which recurrent layers become.
    """

    path: Path
    files: tuple[Path, ...]
    input_shape: tuple[int, ...]
    classes: int
    loops: tuple[str, ...] = field(repr=False)
    _worker: _Worker = field(repr=False)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the images that the input's shape suggests.

        :raises ModelError: the input has more than three dimensions.
        """
        height, width, channels = self._worker.ask({"command": "image_shape"}).header["image_shape"]
        return height, width, channels

    def predict(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the outputs, shape (count, classes), for inputs of shape (count, *``input_shape``)."""
        return np.asarray(self._worker.ask({"command": "predict"}, [inputs]).arrays[0], np.float32)

    def convert(self, mode: ModelKind, *, io: str, calibration: NDArray[np.float32] | None) -> Converted:
        """Return the model as a ``.tflite`` file.

        ``io``: type of input and output, for the calibrated modes. ``calibration``: normalised images, float32, shape
        (count, *``input_shape``); needed by the calibrated modes only.

        :raises ModelError: it cannot be converted; says why in a sentence, and where all the converter's words are.
            Also where TensorFlow crashed for something in the model that is known for it: no other machine would help.
        :raises RuntimeCrashedError: it crashed for another reason, or gave no answer within :data:`TIMEOUT`.
        """
        header = {"command": "convert", "mode": mode.value, "io": io}
        try:
            answer = self._worker.ask(header, [] if calibration is None else [calibration])
        except ModelError as error:
            why = explain(self._worker.said())
            message = f"TensorFlow cannot convert {str(self.path)!r} to {mode.value}: {why}" if why else str(error)
            raise ModelError(message + log_clause("convert", self._worker.said())) from error
        except _CrashedError as error:
            calibrated = mode in CALIBRATED
            known = bool(self.loops) and calibrated and error.ending.signal_number is not None
            message = explain_crash(
                error.ending.what, str(self.path), mode.value, loops=self.loops if known else (), calibrated=calibrated
            )
            raise (ModelError if known else RuntimeCrashedError)(message + error.details) from error
        return Converted(answer.arrays[0].tobytes(), answer.header["recipe"])

    def export(self, form: str) -> dict[str, bytes]:
        """Return the model in another format: "saved-model", its files by their paths, or "onnx", one named "".

        :raises MissingDependencyError: what writes ONNX is not installed.
        :raises ModelError: the model can't be written so.
        :raises RuntimeCrashedError: the process died or hung.
        """
        answer = self._worker.ask({"command": "export", "form": form})
        return {name: array.tobytes() for name, array in zip(answer.header["names"], answer.arrays, strict=True)}


class _CrashedError(RuntimeCrashedError):
    """The worker is gone; ``details`` is the clause that says where its last words are."""

    def __init__(self, path: Path, ending: ProcessEndedError) -> None:
        self.ending, self.details = ending, log_clause("convert", ending.said)
        super().__init__(f"the process that holds {str(path)!r} {ending.what}{self.details}")


class _Worker:
    """The process, and the folder for its temporary files, which is gone afterwards."""

    def __init__(self, path: Path) -> None:
        self._path, self._absolute = path, str(path.absolute())
        self._folder = Path(tempfile.mkdtemp(prefix="edgemnist-convert-"))
        self._process = AnsweringProcess(_WORKER, str(self._folder), timeout=TIMEOUT)

    def ask(self, header: Mapping[str, Any], arrays: Sequence[NDArray[Any]] = ()) -> Message:
        """Send a request and return the answer; an error of edgemnist's own over there is raised here.

        :raises RuntimeCrashedError: the process died or hung.
        """
        try:
            answer = self._process.exchange(Message(header, arrays))
        except ProcessEndedError as error:
            raise _CrashedError(self._path, error) from error
        if "error" in answer.header:
            raise self._error(answer.header)
        return answer

    def look(self, output: str | None) -> InputFacts:
        """Have the file read and return what it tells."""
        return InputFacts.from_header(self.ask({"command": "look", "path": self._absolute, "output": output}).header)

    def load(self, image_shape: Sequence[int] | None, output: str | None) -> Mapping[str, Any]:
        """Have the model loaded and return what is known of it."""
        shape = None if image_shape is None else list(image_shape)
        return self.ask({"command": "load", "path": self._absolute, "output": output, "image_shape": shape}).header

    def said(self) -> str:
        """Return what the process printed for the last request."""
        return self._process.said()

    def close(self) -> None:
        """End the process and delete its folder."""
        self._process.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _error(self, header: Mapping[str, Any]) -> EdgeMnistError:
        """Return the worker's error, with the names of file and folder that this process knows."""
        message = str(header["error"]).replace(repr(self._absolute), repr(str(self._path)))
        message = message.replace(str(self._folder), str(self._folder.parent))
        raised = raised_over_there(header, message)
        if raised is not None:
            return raised
        details = log_clause("convert", self._process.said())
        return InternalError(
            f"a fault in the conversion of {str(self._path)!r}: {in_one_line(message)}; please report it{details}"
        )


@dataclass(frozen=True, eq=False)
class _Opening:
    """See :class:`Loader`."""

    path: Path
    files: tuple[Path, ...]
    worker: _Worker

    def look(self, output: str | None = None) -> InputFacts:
        return self.worker.look(output)

    def bind(self, image_shape: Sequence[int] | None, output: str | None = None) -> Source:
        found = self.worker.load(image_shape, output)
        facts = tuple(found["input_shape"]), found["classes"], tuple(found["loops"])
        return Source(self.path, self.files, *facts, self.worker)


@contextmanager
def opening(path: Path) -> Iterator[Loader]:
    """Yield what loads a ``.keras`` or ``.h5`` file, a SavedModel folder or a float ``.tflite``; afterwards it is gone.

    :raises InputError: there is no such file, or it is none of these formats.
    :raises ModelError: it is a ``.tflite`` that is corrupt or quantised already.
    :raises MissingDependencyError: it is a ``.tflite``, and ai-edge-quantizer is not installed.
    """
    files = check_quantisable(path) if path.suffix == ".tflite" else source_files(path)
    worker = _Worker(path)

    try:
        yield _Opening(path, files, worker)
    finally:
        worker.close()
