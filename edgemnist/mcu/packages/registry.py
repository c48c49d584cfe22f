"""Which platforms there are: every module of this folder that defines ``PLATFORM``."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType

from edgemnist.errors import InputError
from edgemnist.mcu.packages.base import Platform


@functools.cache
def platforms() -> Mapping[str, Platform]:
    """Return every platform by name, sorted by name."""
    import edgemnist.mcu.packages as folder

    found: dict[str, Platform] = {}
    for entry in pkgutil.iter_modules(folder.__path__):
        module = importlib.import_module(f"{folder.__name__}.{entry.name}")
        platform = getattr(module, "PLATFORM", None)
        if platform is not None:
            found[platform.name] = platform
    return MappingProxyType(dict(sorted(found.items())))


def find_platform(name: str) -> Platform:
    """Return a platform by name.

    :raises InputError: there is no platform of that name; lists those there are.
    """
    known = platforms()
    if name not in known:
        raise InputError(f"unknown platform {name!r}; choose one of {', '.join(known)}")
    return known[name]
