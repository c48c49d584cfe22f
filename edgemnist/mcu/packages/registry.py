"""Which platforms there are: every module of this folder that defines ``PLATFORM``."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType

from edgemnist.mcu.packages.base import Platform
from edgemnist.support.discovery import modules_of
from edgemnist.support.errors import InputError


@functools.cache
def platforms() -> Mapping[str, Platform]:
    """Return every platform by name, sorted by name."""
    modules = modules_of("edgemnist.mcu.packages")
    found = [module.PLATFORM for module in modules if hasattr(module, "PLATFORM")]
    return MappingProxyType({platform.name: platform for platform in sorted(found, key=lambda one: one.name)})


def find_platform(name: str) -> Platform:
    """Return a platform by name.

    :raises InputError: there is no platform of that name; lists those there are.
    """
    known = platforms()
    if name not in known:
        raise InputError(f"unknown platform {name!r}; choose one of {', '.join(known)}")
    return known[name]
