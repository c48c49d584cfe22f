"""What a loader understood of a dataset: what it saw, what it passed over, and what it assumed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.values import ValueKind, ValueScale

UNREADABLE = "unreadable"
"""Why a picture was passed over that its user allowed to be passed over."""


@dataclass(frozen=True, kw_only=True)
class ClassCount:
    """How many images of a class the two splits have."""

    name: str
    train: int
    test: int


@dataclass(frozen=True, kw_only=True)
class PassedOver:
    """Files that were not taken: how many, why (with the remedy, where there is one), and the names of some."""

    count: int
    reason: str
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Division:
    """How training and test split came about.

    ``how`` is a clause for people. ``share`` (0..1) and ``seed`` say how a test split was divided off, class by class;
    None where both splits were given.
    """

    how: str = "given"
    share: float | None = None
    seed: int | None = None


@dataclass(frozen=True, kw_only=True)
class DatasetFacts:
    """What there is to say of a dataset before anything is done with it.

    ``sizes``: (height, width) of the images as they came and how many have it, the most frequent first. ``fitted`` says
    how they were brought to ``image_shape`` (height, width, channels), "" where nothing was changed. ``values``: what
    the numbers were taken for. ``scales``: those of wide files, with which
    :func:`~edgemnist.data.images.read_image` gives a single picture the brightness that it has in the set.
    ``remarks``: whatever else was assumed, a sentence each. ``classes`` and ``image_shape`` are filled in by the
    :class:`~edgemnist.data.base.Dataset` that has these facts.
    """

    classes: tuple[ClassCount, ...] = ()
    image_shape: tuple[int, int, int] = (0, 0, 0)
    sizes: tuple[tuple[tuple[int, int], int], ...] = ()
    fitted: str = ""
    values: str = "8 bits"
    scales: tuple[tuple[ValueKind, ValueScale], ...] = ()
    passed_over: tuple[PassedOver, ...] = ()
    division: Division = Division()
    remarks: tuple[str, ...] = ()

    def completed(
        self,
        image_shape: tuple[int, int, int],
        class_names: Sequence[str],
        train_labels: NDArray[np.int64],
        test_labels: NDArray[np.int64],
    ) -> DatasetFacts:
        """Return these facts with what follows from a dataset's arrays."""
        train, test = (np.bincount(labels, minlength=len(class_names)) for labels in (train_labels, test_labels))
        classes = tuple(
            ClassCount(name=name, train=int(trained), test=int(tested))
            for name, trained, tested in zip(class_names, train, test, strict=False)
        )
        sizes = self.sizes or ((image_shape[:2], len(train_labels) + len(test_labels)),)
        return replace(self, classes=classes, image_shape=image_shape, sizes=sizes)

    def as_json(self) -> dict[str, Any]:
        """Return the facts as JSON values."""
        sizes = [{"height": size[0], "width": size[1], "images": count} for size, count in self.sizes]
        scales = {kind: {"black": scale.black, "white": scale.white} for kind, scale in self.scales}
        return {**asdict(self), "image_shape": list(self.image_shape), "sizes": sizes, "scales": scales}
