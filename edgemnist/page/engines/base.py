"""The seam: what runs a WebAssembly network over rows of bytes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SCRIPT = Path(__file__).parents[1] / "templates" / "answer.js"

PICTURE, INPUT = "picture", "input"


@dataclass(frozen=True, eq=False)
class Job:
    """What is to be run.

    ``rows``: uint8, shape (count, bytes): pictures, which the network quantises itself, or inputs as they lie in
    memory; ``fed`` says which. ``input_bytes``, ``output_bytes``: of one input and one output.
    """

    content: bytes
    rows: NDArray[np.uint8]
    fed: str
    input_bytes: int
    output_bytes: int


@dataclass(frozen=True, eq=False)
class WebAnswers:
    """What an engine made of a job: inputs and outputs as they lay in memory, uint8, shape (count, bytes)."""

    engine: str
    version: str
    inputs: NDArray[np.uint8]
    outputs: NDArray[np.uint8]


class Engine(ABC):
    """Something that runs WebAssembly. ``stands_in``: only where no other engine is there."""

    name: str
    stands_in = False

    @abstractmethod
    def available(self) -> str | None:
        """Return None where it is here, else the reason why not and the remedy."""

    @abstractmethod
    def version(self) -> str:
        """Return its version."""

    @abstractmethod
    def run(self, job: Job) -> NDArray[np.uint8]:
        """Return the input that the network got and its output, one after the other: shape (count, bytes).

        :raises EnvironmentFailure: it does not start, or fails.
        """

    def answer(self, job: Job) -> WebAnswers:
        """Run a job.

        :raises EnvironmentFailure: it does not start, or fails.
        """
        found = self.run(job)
        return WebAnswers(self.name, self.version(), found[:, : job.input_bytes], found[:, job.input_bytes :])


@cache
def answering_script() -> str:
    """Return the JavaScript that runs a job."""
    return SCRIPT.read_text(encoding="utf-8")


def as_rows(content: bytes, job: Job) -> NDArray[np.uint8]:
    """Return what the script gave, as rows."""
    return np.frombuffer(content, np.uint8).reshape(-1, job.input_bytes + job.output_bytes)
