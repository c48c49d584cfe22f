"""How much accuracy a model may lose, or gain when it is fed otherwise, before something is said or refused."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

REFUSED_DROP = 0.10
"""Loss of accuracy (share of images) above which a conversion is refused."""

REPORTED_DROP = 0.01
"""Loss of accuracy above which the user is told; about two standard errors of 500 images at 98 %."""


def accuracy(outputs: NDArray[np.generic], labels: NDArray[np.int64]) -> float:
    """Return the share of images whose highest output is at their label; a tie goes to the lowest index."""
    return float((outputs.argmax(axis=1) == labels).mean())
