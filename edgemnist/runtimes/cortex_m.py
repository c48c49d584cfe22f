"""The compiler's C on an emulated Cortex-M4: the very image that ``edgemnist firmware build`` makes, in Unicorn."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.runner.base import Runtime, Session, missing_package, model_bytes
from edgemnist.support.errors import MissingDependencyError
from edgemnist.tflite.file import parse_tflite
from edgemnist.tflite.kinds import ModelKind


class CortexMSession(Session):
    """Firmware that stays on and takes one input after the other.

    With ``keep_tensors`` nothing is fused, and the firmware sends every operator's output before its answer.
    """

    def __init__(self, content: bytes, *, keep_tensors: bool) -> None:
        from edgemnist.compiler.reader import read_graph
        from edgemnist.mcu import DEFAULT_BOARD
        from edgemnist.mcu.boards import find_board
        from edgemnist.mcu.build import BuildSettings, build_firmware, for_core
        from edgemnist.mcu.emulators.unicorn import UnicornDevice, UnicornEmulator
        from edgemnist.mcu.execution import RunningDevice

        board = find_board(DEFAULT_BOARD)
        settings = for_core(BuildSettings(tensors=keep_tensors), board)
        self._model = parse_tflite(content)
        with tempfile.TemporaryDirectory(prefix="edgemnist-") as folder:
            image = build_firmware(self._model, board, settings, Path(folder))
        image.raise_too_large()
        self.version = UnicornEmulator().version()
        self.kernels = f"generated C on an emulated {board.core.title}, by {image.compiler}; the time is the emulator's"
        self._image = image
        self._device = RunningDevice(UnicornDevice(image.elf, board).ask)
        self._traced = image.traced
        self._tensors: dict[int, bytes] = {}
        # The device sends what is written; what a variable had before the inference is told by what went before.
        self._variables = read_graph(self._model).variables
        self._kept = {one.before: one.first.tobytes() for one in self._variables}

    def invoke(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Run the model once (see :meth:`Session.invoke`)."""
        from edgemnist.mcu.execution import values_of

        entries = [one.tobytes() for one in inputs]
        answer = self._device.run(b"".join(entries))
        if answer.tensors:
            self._tensors = {**self._kept, **self._traced.by_index(entries, answer.tensors)}
            self._kept = {one.before: self._tensors[one.after] for one in self._variables}
        outputs = [self._model.tensors[index] for index in self._model.outputs]
        values = zip(outputs, values_of(answer.output, outputs), strict=True)
        return [found.reshape(tensor.shape).copy() for tensor, found in values]

    def invoke_counted(self, inputs: Sequence[NDArray[Any]]) -> tuple[list[NDArray[Any]], int | None]:
        """Run the model in a firmware of its own, block by block (see :meth:`Session.invoke_counted`)."""
        from edgemnist.mcu.emulators.unicorn import UnicornEmulator
        from edgemnist.mcu.execution import run_emulated

        found = run_emulated(self._image, UnicornEmulator(), inputs, profiled=1)
        return list(found.outputs), found.profiles[0].whole.instructions()

    def tensor(self, index: int) -> NDArray[Any]:
        """Return an operator's output (see :meth:`Session.tensor`)."""
        return self._values(index, self._tensors[index])

    def _values(self, index: int, content: bytes) -> NDArray[Any]:
        tensor = self._model.tensors[index]
        return np.frombuffer(content, np.dtype(tensor.dtype)).reshape(tensor.shape).copy()


class CortexMRuntime(Runtime):
    """The ``cortex-m4`` runtime."""

    emulated = True
    name = "cortex-m4"
    process = "cortex-m4"
    takes = frozenset({ModelKind.INT8})
    install = "pip install 'edgemnist[mcu]'"

    def available(self) -> str | None:
        """Return None, or what is missing to build and emulate firmware (see :meth:`Runtime.available`)."""
        from edgemnist.mcu import DEFAULT_BOARD
        from edgemnist.mcu.boards import find_board
        from edgemnist.mcu.emulators.base import choose_emulator
        from edgemnist.mcu.toolchain import choose_toolchain

        board = find_board(DEFAULT_BOARD)
        try:
            choose_toolchain("auto", board.core)
            choose_emulator("unicorn", board)
        except MissingDependencyError as error:
            return str(error)
        return missing_package("elftools", self.install)

    def version(self) -> str:
        """Return the emulator's version."""
        from edgemnist.mcu.emulators.unicorn import UnicornEmulator

        return UnicornEmulator().version()

    def open(self, model: bytes | Path, *, keep_tensors: bool = False) -> CortexMSession:
        """Build a ``.tflite`` model's firmware and start it (see :meth:`Runtime.open`)."""
        return CortexMSession(model_bytes(model), keep_tensors=keep_tensors)


RUNTIMES = (CortexMRuntime(),)
