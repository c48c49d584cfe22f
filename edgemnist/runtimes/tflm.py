"""TensorFlow Lite for Microcontrollers in its Python wheel (``tflite-micro``): the oracle for microcontrollers.

The wheel has TFLM's reference kernels; the firmware's kernels (CMSIS-NN included) give the same bytes. They believe
what a file says of its shapes: where that is wrong they read and write beside their tensors, and go on. So that nobody
takes what comes of that for the truth, some inputs are run again among canaries (:mod:`edgemnist.tflm.canaries`).
"""

from __future__ import annotations

import functools
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.runner.base import Runtime, Session, missing_package, model_bytes
from edgemnist.support.errors import UnsafeModelError
from edgemnist.tflite.file import TfliteModel, parse_tflite
from edgemnist.tflite.kinds import ModelKind, operator_outputs
from edgemnist.tflm.canaries import CanaryInterpreter, can_be_apart

# The arena is only touched where it is used, so a large one costs nothing; one that is far too small makes the wheel
# crash instead of raising, so the first guess has to be safe.
_ARENA_SPARE = 16 << 20
_ARENA_FACTORS = (1, 8, 64)

_CANARIES = ((0xA5, False), (0x5A, True))
"""Two fillings of the memory beside tensors, and whether the tensors are in their order or the other way round."""

_REMEDY = "shapes or options in the file are wrong, so that nothing it computes can be relied on: convert it again"


class TflmSession(Session):
    """A model in the TFLM interpreter."""

    kernels = "reference"

    def __init__(self, content: bytes, *, keep_tensors: bool) -> None:
        from tflite_micro.python.tflite_micro import runtime

        self.version = _package_version()
        self._config = runtime.InterpreterConfig(1 if keep_tensors else 0)
        self._model = model = parse_tflite(content)
        self._canaries: tuple[CanaryInterpreter, ...] | None = None
        self._outputs = range(len(model.outputs))
        # Reading any other tensor (a constant, an index out of range) crashes the wheel.
        self._readable = frozenset(operator_outputs(model))
        self._interpreter = _allocate(functools.partial(runtime.Interpreter.from_bytes, content), self._config, model)

    def invoke(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Run the model once (see :meth:`Session.invoke`)."""
        for index, value in enumerate(inputs):
            self._interpreter.set_input(value, index)
        self._interpreter.invoke()
        return [np.array(self._interpreter.get_output(index)) for index in self._outputs]

    def confirm(self, inputs: Sequence[NDArray[Any]], outputs: Sequence[NDArray[Any]]) -> None:
        """Run the model again with its tensors elsewhere, among canaries (see :meth:`Session.confirm`)."""
        if self._canaries is None or self._has_memory:
            fit = can_be_apart(self._model)
            self._canaries = tuple(CanaryInterpreter(self._model, fill, back) for fill, back in _CANARIES if fit)
        if self._has_memory:
            # A reset would not do: it clears variables, and CALL_ONCE does not set them a second time.
            outputs = TflmSession(self._model.content, keep_tensors=False).invoke(inputs)
        for one in self._canaries:
            elsewhere = one.invoke(inputs)
            beside = one.touched()
            if beside is not None:
                raise UnsafeModelError(f"it writes beside the tensor {beside!r}; {_REMEDY}")
            if not all(_same(found, expected) for found, expected in zip(elsewhere, outputs, strict=True)):
                raise UnsafeModelError(f"its outputs depend on where in memory its tensors lie; {_REMEDY}")

    @property
    def _has_memory(self) -> bool:
        """Whether an output depends on the inputs before."""
        return self._model.subgraphs != 1 or any(tensor.is_variable for tensor in self._model.tensors)

    def tensor(self, index: int) -> NDArray[Any]:
        """Return a copy of an operator's output (see :meth:`Session.tensor`)."""
        if index not in self._readable:
            raise KeyError(f"tensor {index} is not the output of an operator")
        return np.array(self._interpreter.GetTensor(index, 0)["tensor_data"])


def _same(found: NDArray[Any], expected: NDArray[Any]) -> bool:
    return found.shape == expected.shape and found.tobytes() == expected.tobytes()


def _allocate(create: Any, config: Any, model: TfliteModel) -> Any:
    """Open the interpreter with the first arena that is large enough."""
    guess = _ARENA_SPARE + 4 * sum(tensor.bytes for tensor in model.tensors if tensor.data is None)
    for factor in _ARENA_FACTORS:
        try:
            return create(arena_size=guess * factor, intrepreter_config=config)
        except RuntimeError:
            if factor == _ARENA_FACTORS[-1] or guess * factor > _memory_bytes() // 8:
                raise
    raise AssertionError("unreachable")


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _package_version() -> str:
    from importlib.metadata import version

    return version("tflite-micro")


class TflmRuntime(Runtime):
    """The ``tflm`` runtime."""

    name = "tflm"
    process = "tflm"
    takes = frozenset({ModelKind.FLOAT32, ModelKind.INT8, ModelKind.INT16X8})
    install = "pip install 'edgemnist[tflm]'"

    def available(self) -> str | None:
        """Return None, or why TFLM can't run here (see :meth:`Runtime.available`)."""
        machine = f"{sys.platform} {platform.machine()}"
        reason = missing_package("tflite_micro", self.install)
        if reason is not None and machine != "linux x86_64":
            return f"the tflite-micro wheel exists for linux x86_64 only, this is {machine}"
        return reason

    def version(self) -> str:
        """Import TFLM and return the wheel's version."""
        from tflite_micro.python.tflite_micro import runtime  # noqa: F401 - to see that it loads

        return _package_version()

    def open(self, model: bytes | Path, *, keep_tensors: bool = False) -> TflmSession:
        """Open a ``.tflite`` model (see :meth:`Runtime.open`)."""
        return TflmSession(model_bytes(model), keep_tensors=keep_tensors)


RUNTIMES = (TflmRuntime(),)
