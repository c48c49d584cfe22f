"""Which corruptions there are: every :class:`Corruption` that a module of this folder defines."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from edgemnist.data.corruptions.base import Corruption
from edgemnist.support.choices import unknown
from edgemnist.support.discovery import modules_of

GROUPS = ("mnist_c", "sweeps")
"""Names that stand for several: those of MNIST-C, and the others."""


@functools.cache
def corruptions() -> Mapping[str, Corruption]:
    """Return every corruption by name: those of MNIST-C, then the others, each part sorted by name."""
    modules = modules_of("edgemnist.data.corruptions")
    values = [value for module in modules for value in vars(module).values()]
    found = {value.name: value for value in values if isinstance(value, Corruption)}
    return MappingProxyType(dict(sorted(found.items(), key=lambda item: (item[1].published is None, item[0]))))


def find_corruption(name: str) -> Corruption:
    """Return a corruption by name; ``shot-noise`` is ``shot_noise``.

    :raises InputError: there is none of that name; lists those there are.
    """
    known = corruptions()
    found = known.get(name.replace("-", "_"))
    if found is None:
        raise unknown("corruption", name, known)
    return found


def select_corruptions(names: Sequence[str]) -> tuple[Corruption, ...]:
    """Return the corruptions of the names, each once, in the order of :func:`corruptions`; none named: all of them.

    ``mnist_c`` stands for the fifteen of MNIST-C, ``sweeps`` for the others.

    :raises InputError: an unknown name; lists those there are.
    """
    everything = tuple(corruptions().values())
    wanted = {name.replace("-", "_") for name in names} or set(GROUPS)
    chosen = {find_corruption(name).name for name in names if name.replace("-", "_") not in GROUPS}
    return tuple(one for one in everything if one.name in chosen or _group(one) in wanted)


def _group(one: Corruption) -> str:
    return GROUPS[one.published is None]
