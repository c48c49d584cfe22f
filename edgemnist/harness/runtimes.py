"""Which runtime a model is run in where one is enough: the first installed that takes it and does not refuse it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import TypeVar

from edgemnist.runner.client import DEFAULT_TIMEOUT, RuntimeWorker, runtime_worker
from edgemnist.runner.registry import find_runtime, installed_for, runtimes
from edgemnist.runner.run import LoadedModel
from edgemnist.support.errors import InputError, UnsupportedModelError
from edgemnist.tflite.kinds import ModelKind

ORACLES = ("tflm", "tflite-runtime-reference")
"""The int8 oracle and its second witness, which takes the oracle's place where TFLM can't run."""

QUICKEST = ("tflite-runtime-default", "litert-default", "tensorflow-default")
"""The interpreters with their fast kernels, the first to start first."""

_EXACT_FIRST = (*ORACLES, "litert-reference", "tensorflow-reference", *QUICKEST)
_PREFERRED = {
    ModelKind.KERAS: ("keras",),
    ModelKind.INT8: _EXACT_FIRST,
    ModelKind.INT16X8: _EXACT_FIRST,
}

_Found = TypeVar("_Found")


def preferred_runtimes(kind: ModelKind) -> tuple[str, ...]:
    """Return the runtimes for a kind of model in the order in which they are tried.

    For integers those come first that give the bytes a microcontroller would. For everything else it is
    :data:`QUICKEST`, since there the results differ in the last bits only.
    """
    return _PREFERRED.get(kind, QUICKEST)


class OpenRuntimes:
    """Runtimes in worker processes, each kept until the end of the ``with`` block; see :func:`runtime_worker`.

    ``timeout`` is in seconds, per request.
    """

    def __init__(self, *, timeout: float = DEFAULT_TIMEOUT) -> None:
        self._timeout = timeout
        self._stack = ExitStack()
        self._workers: dict[str, RuntimeWorker] = {}

    def __enter__(self) -> OpenRuntimes:
        """Start nothing yet: a worker starts at its first request."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the worker processes."""
        self._stack.close()

    def first(
        self, kind: ModelKind, trial: Callable[[RuntimeWorker], _Found], names: Sequence[str] = ()
    ) -> tuple[RuntimeWorker, _Found]:
        """Return the first runtime that is installed, takes the kind of model and does not refuse it in ``trial``.

        :param trial: what has to work; its result is returned too.
        :param names: those to try, in their order; by default :func:`preferred_runtimes`.
        :raises MissingDependencyError: none that takes the kind is installed.
        :raises UnsupportedModelError: every one refused the model; has the reason of each.
        """
        worker, found, _ = self._first(kind, trial, names)
        return worker, found

    def first_and_refusals(
        self, kind: ModelKind, trial: Callable[[RuntimeWorker], _Found], names: Sequence[str] = ()
    ) -> tuple[RuntimeWorker, _Found, dict[str, str]]:
        """Do what :meth:`first` does, and return why others refused the model, by their names.

        Where a package's kernels of one kind refused it, its others are asked too: mostly they do as well, not always.
        """
        worker, found, refused = self._first(kind, trial, names)
        return worker, found, {**refused, **self._refusals_of_kin(kind, trial, refused)}

    def _first(
        self, kind: ModelKind, trial: Callable[[RuntimeWorker], _Found], names: Sequence[str]
    ) -> tuple[RuntimeWorker, _Found, dict[str, str]]:
        refused: dict[str, str] = {}
        for name in installed_for(kind, names or preferred_runtimes(kind)):
            worker = self._worker(name)
            try:
                return worker, trial(worker), refused
            except UnsupportedModelError as error:
                refused[name] = "; ".join(error.problems)
        problems = [f"{name}: {reason}" for name, reason in refused.items()]
        raise UnsupportedModelError("no runtime that is installed takes the model:", problems)

    def _refusals_of_kin(
        self, kind: ModelKind, trial: Callable[[RuntimeWorker], _Found], refused: Mapping[str, str]
    ) -> dict[str, str]:
        processes = {find_runtime(name).process for name in refused}
        kin = [name for name, one in runtimes().items() if one.process in processes and kind in one.takes]
        found: dict[str, str] = {}
        for name in kin:
            if name not in refused and find_runtime(name).available() is None:
                try:
                    trial(self._worker(name))
                except UnsupportedModelError as error:
                    found[name] = "; ".join(error.problems)
        return found

    def _worker(self, name: str) -> RuntimeWorker:
        if name not in self._workers:
            self._workers[name] = self._stack.enter_context(runtime_worker(name, timeout=self._timeout))
        return self._workers[name]


def named_for(kind: ModelKind, names: Sequence[str]) -> tuple[str, ...]:
    """Return the first of the named runtimes that takes a kind of model, or none: it is used, or it is an error."""
    return tuple(name for name in names if kind in find_runtime(name).takes)[:1]


def check_named(models: Sequence[LoadedModel], names: Sequence[str]) -> None:
    """Refuse named runtimes that would not be used.

    :raises InputError: an unknown runtime, or one that takes none of the models.
    """
    for name in names:
        if not any(model.kind in find_runtime(name).takes for model in models):
            kinds = ", ".join(f"{model.path.name} ({model.kind.value})" for model in models)
            raise InputError(f"the runtime {name!r} takes none of {kinds}; leave --runtime out for the usual one")
