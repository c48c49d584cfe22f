"""What can be said of a blueprint's costs without building it: multiply-accumulates, weights, and a table of counts.

Instructions add up block by block: the table holds what blocks took in nets that were built and counted, and a net of
known blocks is their sum. A block that is not known is taken for the least that any known one took for a
multiply-accumulate, or that any core can do with, so that the sum is rather too low than too high.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field

from edgemnist.training.blueprint import Block, Blueprint

LEAST = 0.1
"""Instructions for a multiply-accumulate that no core does with less of: Helium's, with 16 in an instruction, took 0.13
and more. Others are higher, which shows with the first nets that are counted."""

HEAD = "head"
"""The part of a net after its last block."""


@dataclass(frozen=True)
class Part:
    """A block, or the head, with what goes into it; ``key`` tells apart what may take other instructions.

    ``depthwise``: those of ``macs`` that are of depthwise convolutions.
    """

    name: str
    key: str
    macs: int
    weights: int
    depthwise: int = 0


def parts_of(blueprint: Blueprint, image_shape: tuple[int, int, int], classes: int) -> Iterator[Part]:
    """Yield a net's parts in their order.

    ``image_shape`` is (height, width, channels) in pixels.

    :raises InputError: an image of that shape is too small.
    """
    shapes = list(blueprint.shapes(image_shape))
    for number, block in enumerate(blueprint.blocks, start=1):
        before, after = shapes[number - 1], shapes[number]
        # The first block's input is not a ReLU's; and a block's zero point decides how its successor sums.
        key = json.dumps([asdict(block), before, number == 1], sort_keys=True)
        yield Part(f"block{number}", key, *_counts(block, before, after))
    height, width, channels = shapes[-1]
    values = channels if blueprint.head == "average" else height * width * channels
    key = json.dumps([blueprint.head, shapes[-1], classes])
    yield Part(HEAD, key, values * classes, values * classes)


def _counts(block: Block, before: tuple[int, int, int], after: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return a block's multiply-accumulates, weights, and the multiply-accumulates of its depthwise convolution."""
    height, width = block.strided(*before[:2])
    inner, outer, taps = before[2], after[2], block.kernel**2
    pixels, all_before = height * width, before[0] * before[1]
    if block.kind == "conv":
        return pixels * taps * inner * outer, taps * inner * outer, 0
    if block.kind == "residual":
        shortcut = inner * outer if block.stride > 1 or inner != outer else 0
        both = taps * inner * outer + taps * outer * outer + shortcut
        return pixels * both, both, 0
    wide = inner * block.expansion  # of a separable block as many as go in
    expand = inner * wide if block.expansion > 1 else 0
    rest = taps * wide + wide * outer
    return all_before * expand + pixels * rest, expand + rest, pixels * taps * wide


@dataclass
class BlockTable:
    """Instructions of blocks in nets that were counted.

    ``known``: the least that a block took in any net, by its key. ``spread``: by which share it took more in another,
    at most: which kernel a layer gets depends on its weights' scales too. ``errors``: of nets all of whose blocks were
    known before, the sum less the count, as a share of that.
    """

    known: dict[str, float] = field(default_factory=dict)
    least: float = math.inf
    spread: float = 0.0
    errors: list[float] = field(default_factory=list)

    def learn(self, parts: list[Part], counted: Mapping[str, float]) -> None:
        """Add a net's counts by part; where all of them were known before, the sum is compared first."""
        total = sum(counted.values())
        if total <= 0:
            return
        if all(part.key in self.known for part in parts):
            self.errors.append(sum(self.known[part.key] for part in parts) / total - 1)
        for part in parts:
            if part.name in counted:
                self._learn_block(part, counted[part.name])

    def _learn_block(self, part: Part, instructions: float) -> None:
        before = self.known.get(part.key, instructions)
        low, high = sorted((before, instructions))
        self.known[part.key] = low
        if low > 0:
            self.spread = max(self.spread, high / low - 1)
        if part.macs > 0:
            self.least = min(self.least, instructions / part.macs)

    def at_least(self, parts: list[Part]) -> float:
        """Return the instructions that a net will hardly take fewer of."""
        least = self.least if math.isfinite(self.least) else LEAST
        return sum(self.known.get(part.key, least * part.macs) for part in parts)

    def margin(self) -> float:
        """Return the share by which such a sum may be too high: the largest spread seen, at least a fiftieth."""
        return max(0.02, self.spread)
