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
    """Firmware that stays on and takes one input after the other; it can't show tensors inside of the network."""

    def __init__(self, content: bytes) -> None:
        from edgemnist.mcu import DEFAULT_BOARD
        from edgemnist.mcu.boards import find_board
        from edgemnist.mcu.build import BuildSettings, build_firmware, for_core
        from edgemnist.mcu.emulators.unicorn import UnicornDevice, UnicornEmulator

        board = find_board(DEFAULT_BOARD)
        with tempfile.TemporaryDirectory(prefix="edgemnist-") as folder:
            image = build_firmware(parse_tflite(content), board, for_core(BuildSettings(), board), Path(folder))
        image.raise_too_large()
        self.version = UnicornEmulator().version()
        self.kernels = f"generated C on an emulated {board.core.title}, by {image.compiler}; the time is the emulator's"
        self._device = UnicornDevice(image.elf, board)
        self._output = image.output

    def invoke(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Run the model once (see :meth:`Session.invoke`)."""
        from edgemnist.mcu.execution import ask

        return [np.array(ask(self._device.ask, inputs[0], self._output))]


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
        return CortexMSession(model_bytes(model))


RUNTIMES = (CortexMRuntime(),)
