"""Does a model classify better with another range of pixels than the one that it is given?"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from edgemnist.support.errors import ModelError

REFUSED_DROP = 0.10
"""Loss of accuracy (share of images) above which a conversion is refused."""

REPORTED_DROP = 0.01
"""Loss of accuracy above which the user is told; about two standard errors of 500 images at 98 %."""


def accuracy(outputs: NDArray[np.generic], labels: NDArray[np.int64]) -> float:
    """Return the share of images whose highest output is at their label; a tie goes to the lowest index."""
    return float((outputs.argmax(axis=1) == labels).mean())


def judge_normalisation(given: float, others: Mapping[str, float], finding: Callable[[str], str]) -> list[str]:
    """Warn when a model classifies more with another normalisation than with the given one; accuracies are in 0..1.

    ``others`` are named as ``--normalisation`` takes them; ``finding`` says what was found of one of them.

    :raises ModelError: it is more by above :data:`REFUSED_DROP`.
    """
    best = max(others, key=lambda name: others[name])
    if others[best] <= given + REPORTED_DROP:
        return []
    message = f"{finding(best)}: was it trained on that? Then say --normalisation={best}"
    if others[best] > given + REFUSED_DROP:
        raise ModelError(message)
    return [message]
