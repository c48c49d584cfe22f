"""A moving average of the weights, which generalises better than the weights themselves while the rate is high."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

DECAY = 0.998
"""Share of the average that a step keeps: it reaches back some 500 steps, a little more than an epoch of 55,000."""

_STATISTICS = ("moving_mean", "moving_variance")


class WeightAverage:
    """An exponential moving average of a model's trainable weights and batch-norm statistics.

    ``values`` is all the state there is. Early steps count more, so that the first weights are soon forgotten: step n
    (from 0) keeps min(``decay``, (1 + n) / (10 + n)), as TensorFlow's ExponentialMovingAverage does. Until step
    ``start`` there is nothing to average, and steps count from there.
    """

    def __init__(self, tensorflow: Any, model: Any, start: int = 0, decay: float = DECAY) -> None:
        self._tf = tensorflow
        self._start = start
        self._decay = decay
        self._variables = averaged_variables(model)
        self.values = tuple(tensorflow.Variable(variable, trainable=False) for variable in self._variables)

    def update(self, number: Any) -> None:
        """Take in the weights after step ``number`` (int64 scalar, from 0)."""
        count = self._tf.cast(number - self._start, self._tf.float32)
        kept = self._tf.minimum(self._decay, (1.0 + count) / (10.0 + count))
        change = self._tf.where(count < 0.0, 1.0, 1.0 - kept)
        for value, variable in zip(self.values, self._variables, strict=True):
            value.assign_sub(change * (value - variable))

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Give the model the averages; put its own weights back at the end."""
        own = [variable.numpy() for variable in self._variables]
        for variable, value in zip(self._variables, self.values, strict=True):
            variable.assign(value)
        try:
            yield
        finally:
            for variable, value in zip(self._variables, own, strict=True):
                variable.assign(value)


def averaged_variables(model: Any) -> tuple[Any, ...]:
    """Return what has a meaningful average: not masks, thresholds, counters and ranges of the wrappers."""
    statistics = [w for w in model.non_trainable_weights if w.name.split("/")[-1].split(":")[0] in _STATISTICS]
    return (*model.trainable_weights, *statistics)
