"""The seam: what a runtime has to offer to be run, timed and compared.

To add a runtime, add one module to ``edgemnist/runtimes`` that defines ``RUNTIMES``, a tuple of :class:`Runtime`
instances; it is found by its file (:func:`edgemnist.runner.registry.runtimes`). Runtimes are opened only inside a
worker process (``edgemnist.runner.worker``), never in the process of the command: some can't share one, and any of them
can crash.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.tflite.kinds import ModelKind


@dataclass(frozen=True)
class InputFacts:
    """What a model's file tells of how it is fed.

    ``sizes``: (height, width, channels) that its images have to have, None where the model leaves it to them.
    ``layout``: "nhwc" or "nchw", "" where the input's shape does not tell. ``pixels``: their range, as
    ``--normalisation`` names it, None where nothing tells. ``notes``: what was found and changed, a line each.
    """

    sizes: tuple[int | None, int | None, int | None] = (None, None, None)
    layout: str = ""
    pixels: str | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> InputFacts:
        """Read back what a process of its own answered: the fields, as JSON values."""
        height, width, channels = header["sizes"]
        return cls((height, width, channels), header["layout"], header["pixels"], tuple(header["notes"]))


class Session(ABC):
    """A model opened in a runtime, on one thread.

    ``version`` is the runtime's version; ``kernels`` says which implementations of the operators this model got.
    """

    version: str
    kernels: str

    @abstractmethod
    def invoke(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Run the model once.

        :param inputs: one array per model input, of the input's own shape (batch included) and dtype.
        :returns: one array per model output, of the output's own shape and dtype; copies, safe to keep.
        """

    def invoke_each(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Run the model once for each case.

        :param inputs: one array per model input, of shape (cases, *input shape).
        :returns: one array per model output, of shape (cases, *output shape).
        """
        rows = [self.invoke(case) for case in zip(*inputs, strict=True)]
        return [np.stack(column) for column in zip(*rows, strict=True)]

    def invoke_counted(self, inputs: Sequence[NDArray[Any]]) -> tuple[list[NDArray[Any]], int | None]:
        """Run the model once as :meth:`invoke` does; and how many instructions that took, None where nothing counts."""
        return self.invoke(inputs), None

    def confirm(self, inputs: Sequence[NDArray[Any]], outputs: Sequence[NDArray[Any]]) -> None:
        """Find out by running the model otherwise whether what it gave can be relied on; by default nothing is done.

        :param inputs: as for :meth:`invoke`, and ``outputs`` what it returned for them.
        :raises UnsafeModelError: it reads or writes memory that is none of its tensors.
        """
        return

    def tensor(self, index: int) -> NDArray[Any]:
        """Return a copy of an operator's output tensor, by its index in the file, as the last ``invoke`` left it.

        Only for a session opened with ``keep_tensors=True``.

        :raises NotImplementedError: the runtime cannot look inside a model.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot read intermediate tensors")

    def delegated_operators(self) -> frozenset[int]:
        """Return the positions in the file of the operators that a delegate computes; by default there is none."""
        return frozenset()

    def resident_bytes(self) -> int:
        """Return the resident memory in bytes of the process in which the runtime runs; off Linux its peak."""
        from edgemnist.support.memory import resident_bytes

        return resident_bytes()


class Runtime(ABC):
    """A runtime with one set of kernels.

    ``name`` is what ``--runtime`` takes. Runtimes with the same ``process`` may run one after another in one worker
    process, which saves start-up. ``takes`` are the kinds of model it is meant for; ``install`` is the exact command
    that installs it. An ``emulated`` one runs another machine's instructions: it is slow, its times say nothing, and it
    takes part only where it is named. ``shows_tensors``: whether its sessions can be opened with ``keep_tensors``.
    """

    emulated = False
    shows_tensors = True
    name: str
    process: str
    takes: frozenset[ModelKind]
    install: str

    @abstractmethod
    def available(self) -> str | None:
        """Return None when the runtime is installed here, else the reason why not and the remedy; imports nothing."""

    @abstractmethod
    def version(self) -> str:
        """Import the runtime and return its version."""

    def look(self, model: Path) -> InputFacts:
        """Return what a model's file tells of its input, where only the runtime can read it; by default nothing."""
        return InputFacts()

    @abstractmethod
    def open(self, model: bytes | Path, *, keep_tensors: bool = False) -> Session:
        """Open a model: the bytes of a ``.tflite`` file, or the path of any model file the runtime takes.

        With ``keep_tensors`` every operator's output can be read after ``invoke``, at some cost in memory.
        """

    def profile(self, model: bytes | Path, inputs: NDArray[Any]) -> tuple[StepTime, ...] | None:
        """Return how long each step of an invoke takes, in their order; None where the runtime offers no profile.

        :param inputs: shape (N, *image shape), in the model's input dtype.
        """
        return None


@dataclass(frozen=True)
class StepTime:
    """A step of an invoke, an operator or several in one, and its microseconds: a median over windows."""

    label: str
    microseconds: float


@dataclass(frozen=True)
class Loading:
    """How a runtime took a model that it loaded and ran once; ``delegated`` are operators' positions in the file."""

    version: str
    kernels: str
    delegated: frozenset[int]


@dataclass(frozen=True, eq=False)
class RunResult:
    """What a runtime made of N images.

    ``outputs``: shape (N, classes), the model's output dtype. ``logits``: the same shape, the input of the final
    softmax in its own dtype, or None when the model has none or the runtime cannot show it (or only by computing other
    outputs). ``rss_bytes``: resident memory of the worker process after the run, the runtime's own libraries included.
    """

    runtime: str
    version: str
    kernels: str
    outputs: NDArray[Any]
    logits: NDArray[Any] | None
    rss_bytes: int


def model_bytes(model: bytes | Path) -> bytes:
    """Return the content of a model given as bytes or as a path."""
    return model if isinstance(model, bytes) else model.read_bytes()


def missing_package(package: str, install: str) -> str | None:
    """Return None when ``package`` can be found, else the sentence that says how to install it; imports nothing."""
    from importlib.util import find_spec

    return None if find_spec(package) is not None else f"{package} is not installed; install it with: {install}"
