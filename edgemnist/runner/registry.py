"""Which runtimes there are: every module of ``runtimes/`` that defines ``RUNTIMES``."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from edgemnist.runner.base import Runtime
from edgemnist.support.choices import unknown
from edgemnist.support.discovery import modules_of
from edgemnist.support.errors import MissingDependencyError
from edgemnist.tflite.kinds import ModelKind


@functools.cache
def runtimes() -> Mapping[str, Runtime]:
    """Return every runtime by name, installed or not, sorted by name."""
    modules = modules_of("edgemnist.runtimes")
    found = {runtime.name: runtime for module in modules for runtime in getattr(module, "RUNTIMES", ())}
    return MappingProxyType(dict(sorted(found.items())))


def default_runtimes() -> tuple[str, ...]:
    """Return the names of the runtimes that take part where none is named: all that are not emulated."""
    return tuple(name for name, runtime in runtimes().items() if not runtime.emulated)


def installed_for(kind: ModelKind, names: Sequence[str]) -> list[str]:
    """Return those of the named runtimes that take a kind of model and are installed here, in their order.

    :raises MissingDependencyError: there is none; says of each why.
    """
    takers = [runtime for name in names if kind in (runtime := find_runtime(name)).takes]
    reasons = {runtime.name: runtime.available() for runtime in takers}
    found = [name for name, reason in reasons.items() if reason is None]
    if not found:
        lines = [f"  - {name}: {reason}" for name, reason in reasons.items()]
        raise MissingDependencyError("\n".join([f"no runtime for a {kind.value} model is installed:", *lines]))
    return found


def find_runtime(name: str) -> Runtime:
    """Return a runtime by name.

    :raises InputError: there is no runtime of that name; lists those there are.
    """
    known = runtimes()
    if name not in known:
        raise unknown("runtime", name, known)
    return known[name]
