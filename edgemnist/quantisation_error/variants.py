"""Nets between float and int8: which layers have quantised weights, which tensors a quantised range, and which one."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace

from edgemnist.quantisation_error.pairing import INPUT, Pair
from edgemnist.quantisation_error.weights import Weights


class Range(enum.Enum):
    """What a tensor is rounded to: nothing, the int8 net's scale, that which the images ask for, one a channel."""

    NONE = "float"
    FILE = "as in the file"
    SEEN = "as these images have it"
    CHANNELS = "a range for each channel"


@dataclass(frozen=True)
class Variant:
    """A net between both. ``weights``: of each layer by position; ``ranges``: of the model's input, then of each."""

    weights: tuple[Weights, ...]
    ranges: tuple[Range, ...]

    def range_of(self, owner: int) -> Range:
        """Return the range of a layer's output, :data:`INPUT` for the model's input; others have none."""
        return self.ranges[owner + 1] if owner >= INPUT else Range.NONE

    def with_layer(self, position: int, weights: Weights | None = None, range_: Range | None = None) -> Variant:
        """Return the same net with other weights and another range of one layer, None leaves as it is."""
        changed = self
        if weights is not None and position != INPUT:
            all_weights = (*self.weights[:position], weights, *self.weights[position + 1 :])
            changed = replace(changed, weights=all_weights)
        if range_ is not None:
            ranges = (*self.ranges[: position + 1], range_, *self.ranges[position + 2 :])
            changed = replace(changed, ranges=ranges)
        return changed


def uniform(pair: Pair, weights: Weights, range_: Range) -> Variant:
    """Return the net in which all layers are alike; what has no weights, or no range of its own, counts as float."""
    return Variant(
        tuple(weights if layer.constants else Weights.FLOAT for layer in pair.layers),
        tuple(range_ if one in owners(pair) else Range.NONE for one in range(INPUT, len(pair.layers))),
    )


def owners(pair: Pair) -> frozenset[int]:
    """Return the positions that have a range of their own."""
    source = {INPUT} if pair.quantised(pair.source[1]).quantisation is not None else set()
    return frozenset(source | {layer.position for layer in pair.layers if layer.has_range})


def positions(pair: Pair) -> tuple[int, ...]:
    """Return what can be quantised alone: the model's input and every layer with weights or a range of its own."""
    quantised = [layer.position for layer in pair.layers if layer.is_quantised]
    return (*([INPUT] if INPUT in owners(pair) else []), *quantised)


def float_net(pair: Pair) -> Variant:
    """Return the net without any quantisation."""
    return uniform(pair, Weights.FLOAT, Range.NONE)


def int8_net(pair: Pair) -> Variant:
    """Return the net with all of it."""
    return uniform(pair, Weights.FILE, Range.FILE)


def alone(pair: Pair, position: int) -> Variant:
    """Return the float net with one layer quantised."""
    whole = int8_net(pair)
    weights = None if position == INPUT else whole.weights[position]
    return float_net(pair).with_layer(position, weights, whole.range_of(position))


def without(pair: Pair, position: int) -> Variant:
    """Return the int8 net with one layer in float."""
    return int8_net(pair).with_layer(position, Weights.FLOAT, Range.NONE)
