"""What runs WebAssembly here, for the check: node, a browser, and a Python package where neither is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from edgemnist.page.engines.base import Engine
from edgemnist.page.engines.chromium import ChromiumEngine
from edgemnist.page.engines.node import NodeEngine
from edgemnist.page.engines.python import PythonEngine
from edgemnist.support.choices import unknown
from edgemnist.support.errors import MissingDependencyError

ENGINES: Mapping[str, Engine] = MappingProxyType(
    {one.name: one for one in (NodeEngine(), ChromiumEngine(), PythonEngine())}
)
"""Every engine by name; the last is taken where no other is there."""


def choose_engines(names: Sequence[str]) -> tuple[Engine, ...]:
    """Return the named engines; without names all that are here, the one last that is only for when no other runs.

    :raises InputError: there is no engine of that name.
    :raises MissingDependencyError: a named one is not here.
    """
    for name in names:
        if name not in ENGINES:
            raise unknown("--engine", name, ENGINES)
        reason = ENGINES[name].available()
        if reason is not None:
            raise MissingDependencyError(reason)
    if names:
        return tuple(ENGINES[name] for name in dict.fromkeys(names))
    return tuple(sorted((one for one in ENGINES.values() if one.available() is None), key=lambda one: one.stands_in))
