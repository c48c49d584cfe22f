"""Functions of one element in floating point, as runtimes fill lookup tables with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]


def _sigmoid(values: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-values)))


def _hard_swish(values: Floats) -> Floats:
    return np.asarray(values / 6 * np.clip(values + 3, 0, 6))


def _elu(values: Floats) -> Floats:
    return np.where(values < 0, np.expm1(np.minimum(values, 0)), values)


FUNCTIONS: Mapping[str, Callable[[Floats], Floats]] = {
    "LOGISTIC": _sigmoid, "TANH": np.tanh, "HARD_SWISH": _hard_swish, "ELU": _elu, "EXP": np.exp, "SQRT": np.sqrt,
    "RSQRT": lambda values: np.asarray(1 / np.sqrt(values)), "LOG": np.log,
}  # fmt: skip
"""By operator; of float64 values, in float64."""


def softmax(values: Floats, beta: float, axis: int = -1) -> Floats:
    """Return the softmax along an axis, in float64."""
    exponentials = np.exp(beta * (values - values.max(axis=axis, keepdims=True)))
    return np.asarray(exponentials / exponentials.sum(axis=axis, keepdims=True))
