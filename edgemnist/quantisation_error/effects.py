"""What quantisation costs, on the same images before and after, so that chance is not blamed on a layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.harness.compare import Share, agreement, leads, top1
from edgemnist.support.statistics import STANDARD_ERRORS, paired_standard_error


@dataclass(frozen=True)
class Change:
    """Of ``count`` images ``gained`` are right after only, ``lost`` before only."""

    gained: int
    lost: int
    count: int

    @property
    def share(self) -> float:
        """Difference of the shares of right images, -1..1, below zero where it got worse."""
        return (self.gained - self.lost) / self.count if self.count else 0.0

    @property
    def standard_error(self) -> float:
        """Of that difference; see ``paired_standard_error``."""
        return paired_standard_error(self.gained, self.lost, self.count)

    @property
    def certain(self) -> bool:
        """Whether it is further from zero than two standard errors."""
        return abs(self.share) > STANDARD_ERRORS * self.standard_error

    @property
    def better(self) -> bool:
        """Whether it certainly got better."""
        return self.certain and self.share > 0

    @property
    def worse(self) -> bool:
        """Whether it certainly got worse."""
        return self.certain and self.share < 0


@dataclass(frozen=True, eq=False)
class Answers:
    """What a net makes of images: classes and whether they are right, shape (images,); real ``logits`` (images,
    classes), those before a final softmax.
    """

    classes: NDArray[np.int64]
    right: NDArray[np.bool_]
    logits: NDArray[np.float32]

    @property
    def accuracy(self) -> Share:
        """The share of right classes."""
        return Share(int(self.right.sum()), len(self.right))

    def margins(self) -> NDArray[np.float64]:
        """Return by how much each image's highest logit leads the second, (images,)."""
        if self.logits.shape[1] < 2:
            return np.asarray(np.abs(self.logits[:, 0]), np.float64)
        return leads(self.logits)


def answers(scores: NDArray[Any], logits: NDArray[Any], truth: NDArray[np.int64] | None) -> Answers:
    """Return a net's answers.

    :param scores: (images, classes), the highest is the class, of equals the first.
    :param truth: the right classes; None takes the net's own, as for the float net where nobody knows labels.
    """
    classes = top1(scores)
    right = np.ones(len(classes), np.bool_) if truth is None else np.asarray(classes == truth)
    return Answers(classes, right, logits.reshape(len(classes), -1))


@dataclass(frozen=True)
class Effect:
    """A net beside another one, its base, and beside the float net.

    ``accuracy``: share of images of the right class, ``change`` of it against the base. ``flips``: images whose class
    is not the float net's. ``logits``: mean absolute difference from the float net's logits, in their unit.
    """

    accuracy: Share
    change: Change
    flips: Share
    logits: float


def change_between(before: Answers, after: Answers) -> Change:
    """Return what changed for the same images."""
    return Change(int((after.right & ~before.right).sum()), int((before.right & ~after.right).sum()), len(before.right))


def effect_of(found: Answers, base: Answers, float_net: Answers) -> Effect:
    """Return what a net's answers are beside those of its base and of the float net."""
    same = agreement(found.classes, float_net.classes)
    gap = np.abs(found.logits.astype(np.float64) - float_net.logits.astype(np.float64))
    return Effect(
        accuracy=found.accuracy,
        change=change_between(base, found),
        flips=Share(same.total - same.count, same.total),
        logits=float(gap.mean()) if gap.size else 0.0,
    )
