"""Two releases side by side, as values: the model that a report is about, and the baseline, an earlier one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edgemnist.commands.report.sections import CheckState, Estimate, Proportion, Range

LayerState = Literal["same", "new", "gone", "changed"]
"""``same``: of the baseline's kind, type and shapes. ``changed``: of its kind only, or fused with one that is not."""


@dataclass(frozen=True)
class Finding:
    """A thing that was compared; ``detail`` says what was expected and what was found, or why nothing was compared."""

    name: str
    state: CheckState
    detail: str


@dataclass(frozen=True)
class AccuracyChange:
    """Accuracy of the model less that of the baseline.

    ``paired``: on the same images, image by image; then ``only_baseline`` and ``only_model`` are the images that only
    one of the two gets right, and ``p_value`` is that of McNemar's exact test, two-sided. ``basis`` says what it is of.
    """

    paired: bool
    basis: str
    baseline: Proportion
    model: Proportion
    gain: Estimate
    only_baseline: int | None
    only_model: int | None
    p_value: float | None


@dataclass(frozen=True)
class Growth:
    """A figure of both in ``unit``, and its growth: in layers that are not the same, and in all the rest.

    ``allowed``: how much of the rest needs no explanation. None: there is nothing to tell it by.
    """

    name: str
    unit: str
    baseline: float
    model: float
    in_changed_layers: float | None
    in_the_rest: float | None
    allowed: float


@dataclass(frozen=True)
class LayerCosts:
    """What a layer takes: of the file; of the firmware's flash; of the arena while it runs; instructions."""

    file_bytes: int
    flash_bytes: int | None
    arena_bytes: int | None
    instructions: float | None


@dataclass(frozen=True)
class LayerPair:
    """A layer, or several that are fused, in both. ``unexplained``: what it costs more without being another."""

    state: LayerState
    baseline_layer: str
    model_layer: str
    shape: str
    baseline: LayerCosts | None
    model: LayerCosts | None
    unexplained: tuple[str, ...]


@dataclass(frozen=True)
class LatencyPair:
    """Median microseconds of one invoke in a runtime. ``ratio``: model over baseline, the median of ``windows`` that
    alternate, and the least and the most of them; None where the figures are of two machines or days.
    """

    runtime: str
    baseline_us: float
    model_us: float
    ratio: Range | None
    windows: int


@dataclass(frozen=True)
class Comparison:
    """``file`` and what follows is the baseline's; ``source`` says where its figures come from. ``tolerance``: a share.

    ``findings`` are what the verdict takes over; the rest shows how they come about.
    """

    file: str
    kind: str
    bytes: int
    sha256: str
    source: str
    tolerance: float
    accuracy: AccuracyChange | None
    growths: tuple[Growth, ...]
    layers: tuple[LayerPair, ...]
    latency: tuple[LatencyPair, ...]
    findings: tuple[Finding, ...]
