"""What the layers of two reports take, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgemnist.commands.report.baseline.matching import Group, groups_of, name_of, shapes_of
from edgemnist.commands.report.comparison import LayerCosts, LayerPair
from edgemnist.commands.report.device import covered
from edgemnist.commands.report.report import Report
from edgemnist.commands.report.sections import Firmware, Layer, MemoryMap


@dataclass(frozen=True)
class Both:
    """Two reports and their layers; ``groups`` and ``pairs`` go together, none where one report tells no layers."""

    baseline: Report
    model: Report
    groups: tuple[Group, ...]
    pairs: tuple[LayerPair, ...]

    @classmethod
    def of(cls, baseline: Report, model: Report) -> Both:
        """Match the layers of two reports."""
        groups = groups_of(baseline.layers, model.layers) if baseline.layers and model.layers else ()
        return cls(baseline, model, groups, tuple(_pair(one, baseline, model) for one in groups))

    @property
    def all_same(self) -> bool:
        """Whether no layer is another one."""
        return all(one.state == "same" for one in self.groups)

    @property
    def shared_growth(self) -> int:
        """Bytes by which the code grew that layers share: another layer may bring it, or have some for itself."""
        return _shared(self.model.firmware) - _shared(self.baseline.firmware)

    def touched(self) -> frozenset[int]:
        """Return the model's steps in which a layer that is not the same runs, or what it made is still needed."""
        memory = self.model.memory
        if memory is None:
            return frozenset()
        others = {one.step for group in self.groups if group.state != "same" for one in group.model}
        made = [one for one in memory.blocks if one.first in others]
        return frozenset(
            step
            for step in range(len(memory.steps))
            if step in others or any(one.first <= step <= one.last for one in made)
        )


def in_use(memory: MemoryMap, step: int) -> int:
    """Return how many bytes of the arena are in use in a step."""
    return covered((one.offset, one.offset + one.bytes) for one in memory.blocks if one.first <= step <= one.last)


def _pair(group: Group, baseline: Report, model: Report) -> LayerPair:
    return LayerPair(
        state=group.state,
        baseline_layer=name_of(group.baseline),
        model_layer=name_of(group.model),
        shape=shapes_of(group),
        baseline=_costs(group.baseline, baseline.firmware, baseline.memory),
        model=_costs(group.model, model.firmware, model.memory),
        unexplained=(),
    )


def _costs(layers: Sequence[Layer], firmware: Firmware | None, memory: MemoryMap | None) -> LayerCosts | None:
    if not layers:
        return None
    steps = sorted({one.step for one in layers if one.step is not None})
    rows = [] if firmware is None else [firmware.layers[step] for step in steps]
    counts = [one.instructions for one in rows if one.instructions is not None]
    return LayerCosts(
        file_bytes=sum(one.file_bytes for one in layers),
        flash_bytes=None if firmware is None else sum(one.code_bytes + one.constant_bytes for one in rows),
        arena_bytes=None if memory is None else max((in_use(memory, step) for step in steps), default=0),
        instructions=None if firmware is None or len(counts) < len(rows) else sum(counts),
    )


def _shared(firmware: Firmware | None) -> int:
    return 0 if firmware is None else firmware.model_code_bytes - sum(one.code_bytes for one in firmware.layers)
