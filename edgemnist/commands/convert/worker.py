"""The process in which a model is loaded, run and converted: ``python -m edgemnist.commands.convert.worker FOLDER``.

``edgemnist.commands.convert.source`` starts it and talks to it. FOLDER takes the converter's temporary files; it is
deleted when the process leaves, which it does when stdin closes or the process that started it is gone.
"""

from __future__ import annotations

import dataclasses
import faulthandler
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgemnist.runner.base import InputFacts
from edgemnist.runner.protocol import Message
from edgemnist.runner.worker import serve
from edgemnist.support.errors import ModelError
from edgemnist.support.processes import when_orphaned
from edgemnist.tflite.kinds import ModelKind

_ATTEMPTS = 100


class Convertible(Protocol):
    """A model that can be run and converted; see :class:`edgemnist.commands.convert.source.Source`."""

    input_shape: tuple[int, ...]
    classes: int
    loops: tuple[str, ...]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""

    def predict(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the outputs, shape (count, classes)."""

    def convert(
        self, mode: ModelKind, io: str, calibration: NDArray[np.float32] | None
    ) -> tuple[bytes, Sequence[Any] | None]:
        """Return the bytes of a ``.tflite`` file and the recipe by which they were quantised, if there is one."""

    def export(self, form: str) -> dict[str, bytes]:
        """Return the files of another format by their paths."""


class Openable(Protocol):
    """A model file that was read; ``facts`` are what it tells."""

    facts: InputFacts

    def bind(self, image_shape: list[int] | None) -> Convertible:
        """Load the model for images of (height, width, channels), None for those that it takes by itself."""


class _Answers:
    """Answers requests about one model, the last that was loaded."""

    def __init__(self) -> None:
        self._model: Convertible | None = None
        self._opened: tuple[tuple[str, str | None], Openable] | None = None

    @property
    def model(self) -> Convertible:
        assert self._model is not None  # the first request loads it
        return self._model

    def look(self, request: Message) -> Message:
        return Message(dataclasses.asdict(self._open(request).facts))

    def load(self, request: Message) -> Message:
        model = self._model = self._open(request).bind(request.header["image_shape"])
        return Message({"input_shape": model.input_shape, "classes": model.classes, "loops": model.loops})

    def _open(self, request: Message) -> Openable:
        key = request.header["path"], request.header["output"]
        if self._opened is None or self._opened[0] != key:
            self._opened = key, _open(Path(key[0]), key[1])
        return self._opened[1]

    def image_shape(self, request: Message) -> Message:
        return Message({"image_shape": self.model.image_shape})

    def predict(self, request: Message) -> Message:
        return Message({}, [self.model.predict(request.arrays[0])])

    def convert(self, request: Message) -> Message:
        mode, io = ModelKind(request.header["mode"]), request.header["io"]
        try:
            content, recipe = self.model.convert(mode, io, request.arrays[0] if request.arrays else None)
        except ModelError as error:
            if error.__cause__ is not None:  # all that the converter says, for the log
                traceback.print_exception(error.__cause__, file=sys.stderr)
            raise
        return Message({"recipe": recipe}, [np.frombuffer(content, np.uint8)])

    def export(self, request: Message) -> Message:
        files = self.model.export(request.header["form"])
        return Message({"names": list(files)}, [np.frombuffer(content, np.uint8) for content in files.values()])


def _open(path: Path, output: str | None) -> Openable:
    if path.suffix == ".tflite":
        from edgemnist.commands.convert.float_tflite import OpenedTflite

        return OpenedTflite(path)
    from edgemnist.commands.convert.keras_model import OpenedKeras

    return OpenedKeras(path, output)


def main(folder: Path) -> None:
    """Answer requests until nobody is left who asks; then delete the folder."""
    faulthandler.enable()
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
    # The closing of stdin is seen only after a conversion that nobody waits for any more.
    when_orphaned(os.getppid(), partial(_leave, folder))
    answers = _Answers()
    try:
        serve(
            {
                "look": answers.look,
                "load": answers.load,
                "image_shape": answers.image_shape,
                "predict": answers.predict,
                "convert": answers.convert,
                "export": answers.export,
            }
        )
    finally:  # an answer that nobody takes any more is an error
        shutil.rmtree(folder, ignore_errors=True)


def _leave(folder: Path) -> None:
    """End this process in whatever it does. Its folder goes with it."""
    # The converter goes on writing while its files are removed.
    for _ in range(_ATTEMPTS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            break
    os._exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
