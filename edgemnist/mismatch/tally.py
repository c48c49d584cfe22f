"""How many elements of a tensor differ, by how much and where, over many images."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

WIDEST = 16
"""LSB up to which the histogram has a bar of its own; what is further away is counted at both ends."""

_NAMED_PLACES = 4
_ENOUGH = 8
_LOG_OF_A_MILLIONTH = math.log(1e-6)


@dataclass(frozen=True)
class Differences:
    """Elements of one tensor in many images, compared with the oracle's.

    ``elements`` compared, ``differing`` of them, in ``images`` images. ``lowest`` and ``highest`` signed difference
    (found less oracle's), ``bias``: its mean over those that differ; in LSB for integers, else in the tensor's unit.
    ``histogram``: for integers how many differ by how many LSB, the ends (-17, 17) holding all that is further away.
    ``where``: in words, empty where they are all over the tensor.
    """

    elements: int
    differing: int
    images: int
    lowest: float = 0.0
    highest: float = 0.0
    bias: float = 0.0
    histogram: tuple[tuple[int, int], ...] = ()
    where: str = ""

    @property
    def share(self) -> float:
        """Of the elements, 0..1."""
        return self.differing / self.elements if self.elements else 0.0

    @property
    def largest(self) -> float:
        """The largest absolute difference."""
        return max(-self.lowest, self.highest, 0.0)


class Tally:
    """Adds up images of one tensor."""

    def __init__(self, shape: Sequence[int], dtype: str) -> None:
        self._shape = tuple(shape)
        self._integer = np.dtype(dtype).kind in "iub"
        self._elements = self._differing = self._images = 0
        self._sum, self._lowest, self._highest = 0.0, math.inf, -math.inf
        self._bars = np.zeros(2 * WIDEST + 3, np.int64)
        self._places = np.zeros(self._shape, np.int32)  # takes no memory until something differs

    def add(self, found: NDArray[Any], oracle: NDArray[Any], unequal: NDArray[np.bool_] | None) -> None:
        """Add images of shape (N, *tensor shape).

        :param unequal: which elements differ, of the same shape; None where none does.
        """
        self._elements += oracle.size
        if unequal is None or not unequal.any():
            return
        self._images += int(unequal.any(axis=tuple(range(1, unequal.ndim))).sum())
        where = np.flatnonzero(unequal)
        self._differing += len(where)
        wide = np.int64 if self._integer else np.float64
        gaps = found.reshape(-1)[where].astype(wide) - oracle.reshape(-1)[where].astype(wide)
        self._sum += float(gaps.sum())
        self._lowest, self._highest = min(self._lowest, float(gaps.min())), max(self._highest, float(gaps.max()))
        if self._integer:
            self._bars += np.bincount(gaps.clip(-WIDEST - 1, WIDEST + 1) + WIDEST + 1, minlength=len(self._bars))
        self._places += unequal.sum(axis=0, dtype=np.int32)

    def result(self) -> Differences:
        """Return what has been added up."""
        differing = self._differing
        bars = [(int(bar) - WIDEST - 1, int(self._bars[bar])) for bar in np.flatnonzero(self._bars)]
        return Differences(
            elements=self._elements,
            differing=differing,
            images=self._images,
            lowest=self._lowest if differing else 0.0,
            highest=self._highest if differing else 0.0,
            bias=self._sum / differing if differing else 0.0,
            histogram=tuple(bars),
            where=", ".join(_where(self._places)) if differing else "",
        )


def _where(places: NDArray[np.int32]) -> Iterator[str]:
    """Yield in words where the differing elements of a tensor are, as far as that is no chance.

    :param places: how many images differ in each element.
    """
    differing = places > 0
    if places.ndim == 4 and min(places.shape[1:3]) > 2 and not differing[:, 1:-1, 1:-1].any():
        if int(places.sum()) >= _ENOUGH:
            yield "only at the border"
        return
    names = {4: ("", "row", "column", "channel"), 2: ("", "element")}.get(places.ndim, ("place",) * places.ndim)
    for axis, name in enumerate(names):
        indices = np.flatnonzero(differing.any(axis=tuple(other for other in range(places.ndim) if other != axis)))
        if name and _is_no_chance(len(indices), places.shape[axis], int(places.sum())):
            along = f" along axis {axis}" if name == "place" else ""
            yield f"only in {_listed(name, indices.tolist())} of {places.shape[axis]}{along}"


def _is_no_chance(hit: int, size: int, thrown: int) -> bool:
    """Whether differences that fall at random would leave out so many places less than once in a million times.

    In logarithms: of a wide tensor neither the power nor the binomial coefficient is a float.
    """
    if hit == size:
        return False
    choices = math.lgamma(size + 1) - math.lgamma(hit + 1) - math.lgamma(size - hit + 1)
    return thrown * math.log(hit / size) + choices < _LOG_OF_A_MILLIONTH


def _listed(name: str, indices: Sequence[int]) -> str:
    plural = name if len(indices) == 1 else f"{name}s"
    if len(indices) > 1 and indices[-1] - indices[0] == len(indices) - 1:
        return f"{plural} {indices[0]}-{indices[-1]}"
    if len(indices) <= _NAMED_PLACES:
        return f"{plural} {', '.join(map(str, indices))}"
    steps = set(np.diff(indices).tolist())
    if len(steps) == 1:
        return f"every {steps.pop()}th of {plural} from {indices[0]}"
    return f"{len(indices)} {plural}"
