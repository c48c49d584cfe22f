"""Every operator of a pair of nets on the same images: in the whole nets, and by itself on the same inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.mismatch.compare import chunks, images_at_a_time
from edgemnist.mismatch.one_operator import one_operator
from edgemnist.quantisation_error.measures import Channels, Noise, NoiseTally, RangeUse, TensorTally
from edgemnist.quantisation_error.pairing import Layer, Pair
from edgemnist.quantisation_error.ranges import Seen, dequantise, quantise, rounded, seen
from edgemnist.quantisation_error.weights import Weights, float_operator
from edgemnist.runner.client import RuntimeWorker
from edgemnist.support.errors import EdgeMnistError, UnsupportedModelError
from edgemnist.support.progress import Task
from edgemnist.tflite.kinds import FIXED_RANGES


@dataclass(frozen=True)
class LayerMeasures:
    """An operator. ``accumulated``: its output in the int8 net beside that in the float net. ``own``: the int8 operator
    beside the float one on the same rounded activations; None where it can't be run alone. ``arithmetic``: by how many
    LSB the int8 operator differs, at most, from the float one with the same weights and the same rounding of outputs.
    ``range_use`` and ``channels`` are None for an output that is not quantised; of a fixed range nothing counts as
    clipped.
    """

    accumulated: Noise | None
    own: Noise | None
    arithmetic: float | None
    range_use: RangeUse | None
    channels: Channels | None


@dataclass(frozen=True, eq=False)
class Measured:
    """All operators, by position; what the input's range holds, None where it is a float; the float net's ranges by
    tensor; the int8 net's outputs in its own type, (images, *shape), and its logits as real numbers.
    """

    layers: tuple[LayerMeasures, ...]
    source: LayerMeasures
    ranges: Mapping[int, Seen]
    outputs: NDArray[Any]
    logits: NDArray[np.float32]


def measure(
    pair: Pair, floats: RuntimeWorker, int8: RuntimeWorker, inputs: tuple[NDArray[np.float32], NDArray[Any]],
    logits: int, task: Task,
) -> Measured:  # fmt: skip
    """Run both nets on the same images and return what there is to measure of every operator.

    :param inputs: for the float net and for the int8 net, each (images, *input shape), the batch of 1 included.
    :param logits: the float net's tensor of logits, an operator's output.
    :raises EdgeMnistError: a runtime refused a net.
    """
    tallies = [_LayerTally(pair, layer) for layer in pair.layers]
    source = _Output(pair, *pair.source)
    ranges: dict[int, Seen] = {}
    outputs, scores = [], []
    last = next(one for one in tallies if one.writes(logits))
    for part in chunks(len(inputs[0]), images_at_a_time(pair.float_model)):
        mine, its = (values[part] for values in inputs)
        found = {pair.source[0]: mine, **floats.trace(pair.float_model.content, [mine])}
        _check_numbers(pair, found)
        other = {pair.int8_model.inputs[0]: its, **int8.trace(pair.int8_model.content, [its])}
        source.add(found, other)
        for tally in tallies:
            tally.add(found, other)
            tally.add_own(floats, int8, found)
        for tensor, values in found.items():
            now = seen(values)
            ranges[tensor] = ranges[tensor].joined(now) if tensor in ranges else now
        outputs.append(other[pair.int8_model.outputs[0]])
        scores.append(last.real(other))
        task.update(advance=part.stop - part.start)
    return Measured(
        tuple(one.result() for one in tallies), source.result(), ranges, np.concatenate(outputs), np.concatenate(scores)
    )


def _check_numbers(pair: Pair, found: Mapping[int, NDArray[Any]]) -> None:
    """Refuse a float net whose values are no numbers.

    :raises UnsupportedModelError: names the first operator.
    """
    for layer in pair.layers:
        values = found[layer.outputs[0][0]]
        if not np.isfinite(values).all():
            what = f"operator {layer.float_index} {layer.kind} of the float net gives values that are not finite"
            raise UnsupportedModelError("there is no quantisation for infinity and NaN:", [what])


class _Output:
    """A tensor of both nets."""

    def __init__(self, pair: Pair, tensor: int, quantised: int, kind: str = "") -> None:
        self._float, self.info, self._kind = tensor, pair.quantised(quantised), kind
        one_scale = self.info.quantisation is not None and not self.info.quantisation.per_channel
        self.lsb = self.info.quantisation.scale if self.info.quantisation is not None and one_scale else 1.0
        self._noise = NoiseTally(self.lsb)
        self._tally = TensorTally(self.info) if one_scale else None

    def real(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Return the int8 net's values as real numbers."""
        return values if self.info.quantisation is None else dequantise(values, self.info.quantisation)

    def add(self, floats: Mapping[int, NDArray[Any]], int8: Mapping[int, NDArray[Any]]) -> None:
        mine, its = floats[self._float], int8[self.info.index].reshape(floats[self._float].shape)
        self._noise.add(self.real(its), mine)
        if self._tally is not None:
            self._tally.add(mine, its)

    def result(self, own: Noise | None = None, arithmetic: float | None = None) -> LayerMeasures:
        if self._tally is None:
            return LayerMeasures(self._noise.result(), own, arithmetic, None, None)
        use = self._tally.range_use()
        if self._kind in FIXED_RANGES:
            use = RangeUse(use.low, use.high, use.least, use.most, 0.0, 0.0, use.used, use.used_by_most)
        return LayerMeasures(self._noise.result(), own, arithmetic, use, self._tally.channels())


class _LayerTally:
    """A layer; of several outputs the first is measured."""

    def __init__(self, pair: Pair, layer: Layer) -> None:
        self._pair, self._layer = pair, layer
        self._output = _Output(pair, *layer.outputs[0], layer.kind)
        self._own, self._arithmetic, self._why = NoiseTally(self._output.lsb), NoiseTally(self._output.lsb), ""
        self._read = [pair.quantised(tensor) for _, tensor in layer.inputs]
        if self._output.info.quantisation is None or any(one.quantisation is None for one in self._read):
            self._why = "it is not quantised"

    def writes(self, tensor: int) -> bool:
        """Whether a tensor of the float net is what is measured of the layer."""
        return self._layer.outputs[0][0] == tensor

    def real(self, int8: Mapping[int, NDArray[Any]]) -> NDArray[np.float32]:
        """Return the int8 net's output as real numbers."""
        return self._output.real(int8[self._output.info.index])

    def add(self, floats: Mapping[int, NDArray[Any]], int8: Mapping[int, NDArray[Any]]) -> None:
        self._output.add(floats, int8)

    def add_own(self, floats: RuntimeWorker, int8: RuntimeWorker, found: Mapping[int, NDArray[Any]]) -> None:
        """Give both operators the float net's activations as the int8 net's inputs round them."""
        if self._why:
            return
        rounded_, whole = [], []
        for (tensor, _), info in zip(self._layer.inputs, self._read, strict=True):
            if info.quantisation is not None:
                whole.append(quantise(found[tensor], info.quantisation, info.dtype))
                rounded_.append(dequantise(whole[-1], info.quantisation))
        try:
            cut = one_operator(self._pair.int8_model, self._layer.int8_index)
            answer = self._output.real(int8.invoke(cut.content, whole)[0])
            exact, with_weights = (self._float(floats, which, rounded_) for which in (Weights.FLOAT, Weights.FILE))
        except EdgeMnistError as error:
            self._why = str(error)
            return
        quantisation, shape = self._output.info.quantisation, exact.shape
        self._own.add(answer.reshape(shape), exact)
        if quantisation is not None:
            self._arithmetic.add(answer.reshape(shape), rounded(with_weights, quantisation, self._output.info.dtype))

    def _float(
        self, floats: RuntimeWorker, which: Weights, inputs: Sequence[NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        cut = float_operator(self._pair, self._layer, which)
        return np.asarray(floats.invoke(cut.content, inputs)[0])

    def result(self) -> LayerMeasures:
        if self._why:
            return self._output.result()
        return self._output.result(self._own.result(), self._arithmetic.result().largest)
