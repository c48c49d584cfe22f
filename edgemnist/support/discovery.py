"""A registry is a folder: what its modules define is found by importing them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType


def module_names(package: str) -> list[str]:
    """Return the names of the modules directly in a package, sorted; imports none of them."""
    return sorted(entry.name for entry in pkgutil.iter_modules(importlib.import_module(package).__path__))


def modules_of(package: str) -> Iterator[ModuleType]:
    """Import every module directly in a package, by name, and yield it."""
    for name in module_names(package):
        yield importlib.import_module(f"{package}.{name}")
