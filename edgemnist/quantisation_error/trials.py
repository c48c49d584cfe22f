"""The experiments: every layer quantised alone, every layer left out, and int8 nets with one thing mended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.harness.outputs import real_scores
from edgemnist.quantisation_error.effects import Answers, Effect, answers, effect_of
from edgemnist.quantisation_error.pairing import INPUT, Pair
from edgemnist.quantisation_error.replay import Replay
from edgemnist.quantisation_error.report import Trial
from edgemnist.quantisation_error.variants import (
    Range,
    Variant,
    alone,
    float_net,
    int8_net,
    owners,
    positions,
    uniform,
    without,
)
from edgemnist.quantisation_error.weights import Weights
from edgemnist.runner.run import final_softmax_input
from edgemnist.tflite.preprocessing import OutputKind

RECALIBRATED = ("with ranges as these images have them", Weights.FILE, Range.SEEN)
WEIGHTS_PER_CHANNEL = ("with a scale for each channel of the weights", Weights.PER_CHANNEL, Range.FILE)
RANGE_PER_CHANNEL = ("with a range for each channel", Weights.FILE, Range.CHANNELS)
FLOAT_WEIGHTS = ("with float weights", Weights.FLOAT, Range.FILE)
FLOAT_ACTIVATIONS = ("with float activations", Weights.FILE, Range.NONE)

MENDED = (RECALIBRATED, WEIGHTS_PER_CHANNEL, RANGE_PER_CHANNEL, FLOAT_WEIGHTS, FLOAT_ACTIVATIONS)
"""What may be changed of an int8 net to see whether that was it, those first that are the easiest to have."""


@dataclass(frozen=True, eq=False)
class Material:
    """``floats``: float32, (images, *input shape), the batch of 1 included; ``integers`` the same for the int8 net.

    ``words`` says what they are, ``labels`` (images,), None where nobody knows them; ``output``: what the outputs are.
    ``drawn``: whether they are random, no pictures.
    """

    floats: NDArray[np.float32]
    integers: NDArray[Any]
    words: str
    labels: NDArray[np.int64] | None = None
    output: OutputKind = OutputKind.UNKNOWN
    drawn: bool = False


def logits_of(pair: Pair) -> int:
    """Return the float net's tensor of logits: what a final softmax reads, else the output."""
    found = final_softmax_input(pair.float_model)
    return pair.float_model.output().index if found is None else found


class Trials:
    """Makes experiments on a pair of nets and judges them on the same images.

    ``truth``: the labels, else the float net's classes. What is needed whatever comes out is run at once.
    """

    def __init__(self, pair: Pair, replay: Replay, material: Material) -> None:
        self._pair, self._replay, self._material = pair, replay, material
        self._tensors = (pair.float_model.output().index, logits_of(pair))
        self._nets = {place: (alone(pair, place), without(pair, place)) for place in positions(pair)}
        whole, every = int8_net(pair), [one for both in self._nets.values() for one in both]
        self._outputs = self._run([float_net(pair), whole, *every, *self._all_mended(None).values()])
        self.truth = material.labels
        self.float_net = self._answers(float_net(pair))
        if self.truth is None:
            self.truth = self.float_net.classes
        self.int8_net = self._answers(whole)

    def _run(self, variants: Iterable[Variant]) -> dict[Variant, tuple[NDArray[np.float32], ...]]:
        return self._replay.run(self._material.floats, variants, self._tensors)

    def _answers(self, variant: Variant) -> Answers:
        outputs, logits = self._outputs[variant]
        scores = real_scores(outputs.reshape(len(outputs), -1), self._material.output)
        return answers(scores, logits.reshape(len(outputs), -1), self.truth)

    def each(self) -> Mapping[int, tuple[Effect, Effect]]:
        """Return for every layer that is quantised by itself what it does alone, and what comes of leaving it out."""
        return {
            place: (
                effect_of(self._answers(one), self.float_net, self.float_net),
                effect_of(self._answers(other), self.int8_net, self.float_net),
            )
            for place, (one, other) in self._nets.items()
        }

    def mended(self, position: int | None = None) -> tuple[Trial, ...]:
        """Return the int8 net with one thing changed in all layers, or in one."""
        nets = self._all_mended(position)
        self._outputs |= self._run(net for net in nets.values() if net not in self._outputs)
        return tuple(
            Trial(name, position, effect_of(self._answers(net), self.int8_net, self.float_net))
            for name, net in nets.items()
        )

    def _all_mended(self, position: int | None) -> dict[str, Variant]:
        """Return those that change anything, by the names of the changes."""
        nets = {name: self._mended(weights, range_, position) for name, weights, range_ in MENDED}
        return {name: net for name, net in nets.items() if net != int8_net(self._pair)}

    def _mended(self, weights: Weights, range_: Range, position: int | None) -> Variant:
        every = uniform(self._pair, weights, range_)
        if position is None:
            return every
        layer_weights = None if position == INPUT else every.weights[position]
        layer_range = every.range_of(position) if position in owners(self._pair) else None
        return int8_net(self._pair).with_layer(position, layer_weights, layer_range)
