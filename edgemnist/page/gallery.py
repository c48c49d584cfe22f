"""The test images on which a net does worst, for a page to show."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_SHOWN = 24
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, eq=False)
class Gallery:
    """Pictures, uint8, shape (count, height, width, channels), the worst first.

    ``labels``, ``said``: of each the index of its class and of the one that it is taken for; ``chances``: the
    probability of its class. ``words``: which they are, a sentence.
    """

    images: NDArray[np.uint8]
    labels: tuple[int, ...]
    said: tuple[int, ...]
    chances: tuple[float, ...]
    words: str

    def as_json(self) -> list[dict[str, Any]]:
        """Return what a script knows of each picture beside its pixels."""
        rows = zip(self.labels, self.said, self.chances, strict=True)
        return [{"is": label, "said": said, "probability": chance} for label, said, chance in rows]

    def base64(self) -> str:
        """Return the pixels."""
        return base64.b64encode(self.images.tobytes()).decode("ascii")


def worst_of(
    images: NDArray[np.uint8], labels: NDArray[np.int64], chances: NDArray[np.float64], of: str
) -> Gallery | None:
    """Return the pictures with the highest cross-entropy, -ln of the probability of their class; of equals the first.

    :param images: uint8, shape (count, height, width, channels); ``labels``: the index of each one's class.
    :param chances: class probabilities, shape (count, classes).
    :param of: whose images these are and how many, for people.
    """
    own = chances[np.arange(len(labels)), labels]
    said = chances.argmax(axis=1)
    shown = max(0, min(MOST_SHOWN, len(labels), _MOST_BYTES // max(1, images[0].nbytes) if len(images) else 0))
    # A wrong answer comes before a right one of the same probability: quantised ones are often equal.
    order = np.lexsort((said == labels, own))[:shown]
    if not shown:
        return None
    wrong = int((said != labels).sum())
    words = f"The {shown} with the highest loss of {of}: {wrong:,} of these are taken for another class."
    return Gallery(
        np.ascontiguousarray(images[order]), tuple(labels[order].tolist()), tuple(said[order].tolist()),
        tuple(own[order].tolist()), words,
    )  # fmt: skip
