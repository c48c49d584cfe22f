"""What is known of a program whose first steps run by bands: calls, line buffers, parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from edgemnist.compiler.ops.fields import Field


@dataclass(frozen=True)
class Place:
    """Bytes from a tensor's start, or from its line buffer's, in the first band of a run; each next one adds some."""

    tensor: int
    offset: int
    advance: int = 0


@dataclass(frozen=True)
class Move:
    """Rows that a line buffer keeps from the band before: ``size`` bytes from ``offset`` go to its start."""

    tensor: int
    offset: int
    size: int


@dataclass(frozen=True)
class Call:
    """One step of one band, after its ``moves``. ``variant`` is the number of its parameters among the step's.

    ``reads`` has a place for each tensor that the step's node reads.
    """

    step: int
    variant: int
    reads: tuple[Place, ...]
    written: Place
    moves: tuple[Move, ...]


@dataclass(frozen=True)
class Run:
    """Bands one after the other that differ in nothing but how far they are."""

    bands: int
    calls: tuple[Call, ...]


@dataclass(frozen=True)
class LineBuffer:
    """The rows of a tensor that are there at once; ``kept``: some of them are needed in the next band too."""

    rows: int
    height: int
    bytes: int
    kept: bool


@dataclass(frozen=True)
class Span:
    """What is known of a whole tensor that other whole ones may be written over: see :mod:`.schedule`."""

    source: int
    target: int
    at_most: int


@dataclass(frozen=True, eq=False)
class Bands:
    """How the first ``steps`` steps of a program run: each band makes ``rows`` rows of the last one's output.

    ``parts``: of so many each band consists, in which the early steps make some of their rows at a time.
    ``buffers``: by tensor, of those that are never whole. ``variants``: each step's parameters, one tuple of fields for
    each kind of band. ``spans``: where whole tensors may lie on a network's input, of which rows die band by band.
    ``whole_arena``: the arena's bytes without bands.
    """

    steps: int
    rows: int
    runs: tuple[Run, ...]
    buffers: Mapping[int, LineBuffer]
    spans: tuple[Span, ...]
    parts: int = 1
    variants: tuple[tuple[tuple[Field, ...], ...], ...] = ()
    whole_arena: int = 0

    @property
    def count(self) -> int:
        """How many bands there are."""
        return sum(run.bands for run in self.runs)

    @property
    def calls(self) -> int:
        """Calls of kernels in an inference."""
        return sum(run.bands * len(run.calls) for run in self.runs)

    @property
    def moved_bytes(self) -> int:
        """Bytes of rows that are moved in an inference because the next band needs them too."""
        return sum(run.bands * move.size for run in self.runs for call in run.calls for move in call.moves)

    def calls_of(self, step: int) -> Iterator[Call]:
        """Yield the calls of a step in the order of the runs."""
        return (call for run in self.runs for call in run.calls if call.step == step)

    @property
    def summary(self) -> str:
        """What they are and what they cost, for people."""
        parts = f" in {self.parts} parts each" if self.parts > 1 else ""
        return (
            f"{self.count} bands of {self.rows} rows of step {self.steps - 1}'s output{parts}, no MAC more than "
            f"without, {self.calls} calls of kernels, {self.moved_bytes} bytes moved; without bands the arena takes "
            f"{self.whole_arena} bytes"
        )

    def as_json(self) -> dict[str, Any]:
        """Return the figures that the manifest shows; no row is computed twice, so that the MACs are the same."""
        return {
            "steps": self.steps,
            "bands": self.count,
            "rows": self.rows,
            "parts": self.parts,
            "calls": self.calls,
            "moved_bytes": self.moved_bytes,
            "further_macs": 0,
            "line_buffer_bytes": sum(buffer.bytes for buffer in self.buffers.values()),
            "whole_arena_bytes": self.whole_arena,
        }
