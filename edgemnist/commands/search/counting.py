"""What a net costs before it is trained, counted by a process of its own, ``python -m`` of this module.

TensorFlow's converter spoils the memory of a process now and then. Here that ends a count, which is tried again, and no
training.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.commands.search.blocks import costs_of
from edgemnist.mcu.boards import find_board
from edgemnist.mcu.netcost import cost_of
from edgemnist.runner.process import AnsweringProcess, ProcessEndedError, raised_over_there
from edgemnist.runner.protocol import Message
from edgemnist.runner.worker import serve
from edgemnist.search.costs import Costs
from edgemnist.search.outcome import Item
from edgemnist.support.errors import InternalError, ModelError
from edgemnist.tflite.file import TfliteModel, parse_tflite
from edgemnist.tflite.kinds import ModelKind
from edgemnist.tflite.normalisation import Normalisation
from edgemnist.training.blueprint import blueprint_from

TIMEOUT = 900.0
"""Seconds for one net."""
_TRIES = 3


class CountingProcess:
    """The process, which is started with the first net and again after it ended."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._process = AnsweringProcess("edgemnist.commands.search.counting", timeout=TIMEOUT)

    def costs(self, item: Item, board: str, images: NDArray[np.uint8], classes: int) -> tuple[Costs, float]:
        """Return what a net with drawn weights costs on a board, and the processor seconds that it took to know.

        :param images: some of the training set, for the scales: (count, height, width, channels).

        :raises ModelError: it cannot be converted or compiled, or the process ended each time.
        :raises GateFailedError: it does not fit the board.
        :raises EdgeMnistError: no toolchain or emulator, or a tool failed.
        """
        header = {
            "command": "count", "blueprint": item.blueprint.as_json(), "optimise": item.optimise, "seed": item.seed,
            "board": board, "classes": classes,
        }  # fmt: skip
        ended: list[str] = []
        while len(ended) < _TRIES:
            try:
                answer = self._process.exchange(Message(header, [images])).header
            except ProcessEndedError as error:
                ended.append(error.what)
                continue
            if "error" in answer:
                message = str(answer["error"])
                raise raised_over_there(answer, message) or InternalError(
                    f"a fault while a net was counted: {message}; please report it"
                )
            return Costs(**answer["costs"]), float(answer["cpu_seconds"])
        raise ModelError(f"the process that counts {item.blueprint.name} {ended[-1]}, {_TRIES} times")

    def close(self) -> None:
        """End the process."""
        self._process.close()


# --- in the process ------------------------------------------------------------------------------------------------


def count(request: Message) -> Message:
    """Answer a request for the costs of a net."""
    start = sum(os.times()[:4])
    header, images = request.header, Normalisation().apply(request.arrays[0])
    model = untrained(header["blueprint"], header["classes"], header["seed"], images)
    found = costs_of(cost_of(model, find_board(header["board"]), header["optimise"]))
    return Message({"costs": found.as_json(), "cpu_seconds": sum(os.times()[:4]) - start})


def untrained(document: dict[str, Any], classes: int, seed: int, images: NDArray[np.float32]) -> TfliteModel:
    """Return an architecture's int8 model with drawn weights, which takes what one with others does.

    :param images: normalised, shape (count, height, width, channels).
    """
    from edgemnist.commands.convert.converter import tflite_bytes
    from edgemnist.keras_io.saving import save_model
    from edgemnist.keras_io.sources import load_source
    from edgemnist.keras_io.tensorflow import load_tensorflow
    from edgemnist.training.architectures import architecture_of, build_model

    _, keras = load_tensorflow()
    keras.backend.clear_session()
    _, height, width, channels = images.shape
    model = build_model(architecture_of(blueprint_from(document)), (height, width, channels), classes, seed)
    _settle(model, images)
    with tempfile.TemporaryDirectory(prefix="edgemnist-") as folder:
        path = Path(folder) / "untrained.keras"
        save_model(model, path)
        source = load_source(path, None)
        content = tflite_bytes(source, ModelKind.INT8, io="int8", calibration=source.arrange(images))
    return parse_tflite(content, name="untrained")


def _settle(model: Any, images: NDArray[np.float32]) -> None:
    """Give batch norms the statistics of images: else drawn weights come to values for which no scale is any good."""
    for layer in model.layers:
        if type(layer).__name__ == "BatchNormalization":
            layer.momentum = 0.0
    model(images, training=True)


if __name__ == "__main__":
    serve({"count": count})
