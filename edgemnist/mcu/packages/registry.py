"""Which platforms there are: every module of ``platforms/``. Their names cost no import."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from edgemnist.support.choices import unknown
from edgemnist.support.discovery import module_names, modules_of

if TYPE_CHECKING:
    from edgemnist.mcu.packages.base import Platform

_FOLDER = "edgemnist.mcu.packages.platforms"


def platform_names() -> tuple[str, ...]:
    """Return the name of every platform, sorted; a dash stands where its file has an underscore."""
    return tuple(name.replace("_", "-") for name in module_names(_FOLDER))


@functools.cache
def platforms() -> Mapping[str, Platform]:
    """Return every platform by name, sorted by name."""
    modules = modules_of(_FOLDER)
    found: list[Platform] = [module.PLATFORM for module in modules]
    return MappingProxyType(dict(zip(platform_names(), found, strict=True)))


def find_platform(name: str) -> Platform:
    """Return a platform by name.

    :raises InputError: there is no platform of that name; lists those there are.
    """
    known = platforms()
    if name not in known:
        raise unknown("platform", name, known)
    return known[name]
