"""Runs nets between float and int8 operator by operator, and what several of them have in common once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.mismatch.compare import chunks
from edgemnist.quantisation_error.pairing import INPUT, Layer, Pair
from edgemnist.quantisation_error.ranges import Seen, range_for, rounded
from edgemnist.quantisation_error.variants import Range, Variant
from edgemnist.quantisation_error.weights import Weights, float_operator
from edgemnist.runner.client import RuntimeWorker

Floats = NDArray[np.float32]

CHUNK_BYTES = 128 << 20
"""Of the live tensors of all variants together, about."""


@dataclass(frozen=True, eq=False)
class _Branch:
    """Variants that agree so far. ``tensors``: what is still read, by the float net's tensor, with its range."""

    variants: frozenset[Variant]
    tensors: Mapping[int, tuple[Floats, Range]]


class Replay:
    """A pair of nets in a float runtime; ``ranges`` is what the float net's tensors are over the images.

    int8 is simulated: weights are what the int8 file's stand for, every output is rounded to its range. What is left
    out of that is the rounding of sums and of tables, about 1 LSB, which ``layers`` measures.
    """

    def __init__(self, pair: Pair, worker: RuntimeWorker, ranges: Mapping[int, Seen]) -> None:
        self._pair, self._worker, self._ranges = pair, worker, ranges
        self._last_read = {tensor: layer.position for layer in pair.layers for tensor, _ in layer.inputs}
        self._written = dict([pair.source, *(one for layer in pair.layers for one in layer.outputs)])

    def run(
        self, inputs: Floats, variants: Iterable[Variant], wanted: Sequence[int]
    ) -> dict[Variant, tuple[Floats, ...]]:
        """Return tensors of the float net, each (images, *shape), in each variant.

        :param inputs: float32, (images, *input shape), the batch of 1 included.
        :param wanted: their indices.
        """
        every = tuple(dict.fromkeys(variants))
        if not every:
            return {}
        parts: dict[Variant, list[tuple[Floats, ...]]] = {one: [] for one in every}
        for part in chunks(len(inputs), self._images_at_a_time(len(every))):
            for variant, found in self._run(inputs[part], every, wanted).items():
                parts[variant].append(found)
        return {one: tuple(np.concatenate(each) for each in zip(*found, strict=True)) for one, found in parts.items()}

    def _images_at_a_time(self, variants: int) -> int:
        sizes = [tensor.elements * 4 for tensor in self._pair.float_model.tensors if tensor.data is None]
        return max(1, CHUNK_BYTES // max(2 * max(sizes, default=1) * variants, 1))

    def _run(
        self, inputs: Floats, variants: Sequence[Variant], wanted: Sequence[int]
    ) -> dict[Variant, tuple[Floats, ...]]:
        source, quantised = self._pair.source
        branches = self._split(_Branch(frozenset(variants), {}), {source: inputs}, {source: (quantised, INPUT)})
        for layer in self._pair.layers:
            branches = [new for which in Weights for new in self._step(layer, which, branches)]
            branches = [self._without_dead(one, layer.position, wanted) for one in branches]
        return {
            variant: tuple(one.tensors[tensor][0] for tensor in wanted) for one in branches for variant in one.variants
        }

    def _step(self, layer: Layer, which: Weights, branches: Sequence[_Branch]) -> list[_Branch]:
        """Return the branches after a layer, of the variants with these weights of it."""
        chosen = []
        for branch in branches:
            left = frozenset(one for one in branch.variants if one.weights[layer.position] is which)
            if left:
                chosen.append(_Branch(left, branch.tensors))
        if not chosen:
            return []
        cut = float_operator(self._pair, layer, which)
        stacked = [np.concatenate([self._read(one, *pair) for one in chosen]) for pair in layer.inputs]
        found = self._worker.invoke(cut.content, stacked)
        count = len(found[0]) // len(chosen)
        tensors = {output: (other, owner) for (output, other), owner in zip(layer.outputs, layer.owners, strict=True)}
        after: list[_Branch] = []
        for number, branch in enumerate(chosen):
            part = slice(number * count, (number + 1) * count)
            outputs = {output: values[part] for output, values in zip(cut.outputs, found, strict=True)}
            after += self._split(branch, outputs, tensors)
        return after

    def _read(self, branch: _Branch, tensor: int, quantised: int) -> Floats:
        """Return what an operator reads: an int8 net may change the scale in between, with QUANTIZE."""
        values, range_ = branch.tensors[tensor]
        info = self._pair.quantised(quantised)
        if range_ is not Range.FILE or info.quantisation is None or self._written[tensor] == quantised:
            return values
        return rounded(values, info.quantisation, info.dtype)

    def _split(
        self, branch: _Branch, values: Mapping[int, Floats], tensors: Mapping[int, tuple[int, int]]
    ) -> list[_Branch]:
        """Return a branch with further tensors, split by the ranges that its variants give them."""
        groups: dict[tuple[Range, ...], set[Variant]] = {}
        for variant in branch.variants:
            groups.setdefault(tuple(variant.range_of(owner) for _, owner in tensors.values()), set()).add(variant)
        return [
            _Branch(
                frozenset(variants),
                {**branch.tensors, **{one: (self._applied(values[one], one, tensors[one][0], range_), range_)
                                      for one, range_ in zip(tensors, ranges, strict=True)}},
            )
            for ranges, variants in groups.items()
        ]  # fmt: skip

    def _applied(self, values: Floats, tensor: int, quantised: int, range_: Range) -> Floats:
        info = self._pair.quantised(quantised)
        if range_ is Range.NONE or info.quantisation is None:
            return values
        if range_ is Range.FILE:
            return rounded(values, info.quantisation, info.dtype)
        chosen = range_for(self._ranges[tensor], info, channels=range_ is Range.CHANNELS)
        return rounded(values, chosen, info.dtype)

    def _without_dead(self, branch: _Branch, position: int, wanted: Sequence[int]) -> _Branch:
        alive: dict[int, Any] = {
            tensor: value
            for tensor, value in branch.tensors.items()
            if tensor in wanted or self._last_read.get(tensor, -1) > position
        }
        return _Branch(branch.variants, alive)
