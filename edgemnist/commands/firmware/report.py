"""The result of a firmware run as values; its JSON is the truth, the table is a view of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgemnist.harness.compare import Difference, Share
from edgemnist.mcu.build import FirmwareImage
from edgemnist.mcu.cycles import CycleEstimate, NoTimingModel
from edgemnist.mcu.link import StackState


@dataclass(frozen=True)
class Counts:
    """Instructions per inference, over ``inferences`` of them, to within ``resolution``; ``source``: who counted."""

    mean: float
    lowest: float
    highest: float
    inferences: int
    resolution: float
    source: str


@dataclass(frozen=True)
class CycleRange:
    """An estimate of cycles, and between which bounds the true count is expected."""

    expected: int
    low: int
    high: int


@dataclass(frozen=True)
class LayerCount:
    """Instructions and cycles of one layer in one inference (``None``: nobody counted), its MACs, its flash in bytes.

    The layers' cycles are estimated each by itself, so that their bounds do not add up to those of the whole.
    """

    operator: str
    instructions: float | None
    macs: int
    code_bytes: int
    constant_bytes: int
    cycles: CycleRange | None = None


@dataclass(frozen=True)
class MeasuredTime:
    """Milliseconds per inference by the board's own clock, over ``inferences`` of them."""

    mean_ms: float
    lowest_ms: float
    highest_ms: float
    inferences: int


@dataclass(frozen=True, eq=False)
class FirmwareReport:
    """One firmware run.

    ``device`` says on what it ran. ``accuracy`` is None for unlabelled inputs. ``difference`` is from ``oracle``.
    ``counts`` and ``estimate`` are None on a real board, ``time`` on an emulated one. ``functions``: instructions of
    one inference by function, empty without ``--profile``. ``seconds`` is the run's wall time, build not included.
    ``dump``: the file that got the tensors of the first inputs.
    """

    device: str
    images: str
    image: FirmwareImage | None
    accuracy: Share | None
    oracle: str
    difference: Difference
    counts: Counts | None
    layers: tuple[LayerCount, ...]
    estimate: CycleEstimate | NoTimingModel | None
    time: MeasuredTime | None
    stack: StackState
    seconds: float
    functions: Mapping[str, int]
    dump: Path | None = None

    @property
    def exact(self) -> bool:
        """Whether every output byte is the oracle's."""
        return self.difference.exact

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "device": self.device,
            "images": self.images,
            "accuracy": None if self.accuracy is None else asdict(self.accuracy) | {"share": self.accuracy.share},
            "oracle": self.oracle,
            "exact": self.exact,
            "difference": asdict(self.difference),
            "instructions": None if self.counts is None else asdict(self.counts),
            "layers": [asdict(layer) for layer in self.layers],
            "estimate": self._estimate(),
            "measured_time": None if self.time is None else asdict(self.time),
            "stack": asdict(self.stack),
            "seconds": round(self.seconds, 3),
            "functions": dict(self.functions),
            "dump": None if self.dump is None else str(self.dump),
            "firmware": None if self.image is None else self.image.as_json(),
        }

    def _estimate(self) -> dict[str, Any] | None:
        if self.estimate is None or isinstance(self.estimate, NoTimingModel):
            return None if self.estimate is None else {"cycles": None, "reason": self.estimate.reason}
        clock_hz = self.image.board.clock_hz if self.image else 0
        bounds = (self.estimate.cycles, self.estimate.low, self.estimate.high)
        return {
            "cycles": self.estimate.cycles,
            "cycles_low": self.estimate.low,
            "cycles_high": self.estimate.high,
            "clock_hz": clock_hz,
            "milliseconds": [round(1000 * cycles / clock_hz, 4) for cycles in bounds] if clock_hz else None,
            "fetch_stalls": self.estimate.fetch_stalls,
            "by_class": {share.kind.value: share.instructions for share in self.estimate.shares},
            "unknown": dict(self.estimate.unknown),
            "model": self.estimate.model,
            "basis": self.estimate.basis,
        }
