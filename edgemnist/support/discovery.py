"""A registry is a folder: what its modules define is found by importing them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType


def modules_of(package: str) -> Iterator[ModuleType]:
    """Import every module directly in a package, by name, and yield it."""
    folder = importlib.import_module(package)
    for entry in sorted(pkgutil.iter_modules(folder.__path__), key=lambda one: one.name):
        yield importlib.import_module(f"{package}.{entry.name}")
