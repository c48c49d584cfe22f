"""Do the bytes of the WebAssembly equal the oracle's? Run when a page or a module is made, on the bytes that go in."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.harness.runtimes import ORACLES, OpenRuntimes
from edgemnist.page.engines.base import INPUT, PICTURE, Engine, Job, WebAnswers
from edgemnist.page.web_assembly import WebNetwork
from edgemnist.runner.client import DEFAULT_TIMEOUT, RuntimeWorker
from edgemnist.runner.run import LoadedModel, check_numbers, invoke_with
from edgemnist.support.errors import EnvironmentFailure, GateFailedError, MissingDependencyError
from edgemnist.support.progress import progress_task

_CHUNK_IMAGES = 100
"""Inputs in one request to the oracle, whose time is limited; a request opens the model anew."""


@dataclass(frozen=True, eq=False)
class Material:
    """What a network is put through.

    ``inputs``: shape (count, *input shape without batch), in the input's dtype. ``pictures``: what they are made of,
    uint8, shape (count, height, width, channels); None for a model that takes none. ``words``: which they are.
    """

    inputs: NDArray[Any]
    pictures: NDArray[np.uint8] | None
    words: str


@dataclass(frozen=True)
class EngineCheck:
    """An engine that ran the inputs, and how many of its outputs, or of the inputs that it quantised, differ."""

    engine: str
    version: str
    different: int


@dataclass(frozen=True, eq=False)
class Check:
    """What a page's bytes were compared with; ``oracle`` is "" and ``not_checked`` says why where that was impossible.

    ``failed``: engines that are here and could not run it, with the reason, a line each.
    ``expected``: the oracle's outputs, shape (count, outputs), in the output's dtype; empty where there is none.
    """

    inputs: int
    words: str
    engines: tuple[EngineCheck, ...]
    oracle: str
    expected: NDArray[Any]
    not_checked: str = ""
    failed: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether it was checked, and every byte is equal."""
        return not self.not_checked and all(one.different == 0 for one in self.engines)

    def as_json(self) -> dict[str, Any]:
        """Return what the page and ``--json`` tell."""
        return {
            "inputs": self.inputs,
            "of": self.words,
            "oracle": self.oracle,
            "engines": [
                {"engine": one.engine, "version": one.version, "different": one.different} for one in self.engines
            ],
            "failed": list(self.failed),
            "not_checked": self.not_checked,
        }

    def raise_different(self) -> None:
        """Raise if a byte differs.

        :raises GateFailedError: says where and how many.
        """
        wrong = [one for one in self.engines if one.different]
        if wrong:
            lines = [
                f"  - {one.engine} {one.version}: {one.different} of {self.inputs} inputs ({self.words})"
                for one in wrong
            ]
            head = f"the WebAssembly's bytes are not those of {self.oracle}, so nothing was written:"
            raise GateFailedError("\n".join([head, *lines]))


def check(
    networks: Sequence[WebNetwork],
    model: LoadedModel,
    material: Material,
    engines: Sequence[Engine],
    *,
    every: bool = True,
    timeout: float = DEFAULT_TIMEOUT,
) -> Check:
    """Run a model's networks in every engine and the model in the oracle, and count what differs; nothing is raised for
    that.

    :param networks: programs of the same model; an input is different where one of them is.
    :param every: whether each engine has to run; else one that fails is noted, and the last is only for when all do.
    :raises EnvironmentFailure: an engine that has to run, or the oracle, fails.
    """
    count = len(material.inputs)
    try:
        oracle, expected = oracle_outputs(model, material.inputs, timeout=timeout)
    except MissingDependencyError as error:
        return not_checked(f"no oracle is installed: {_in_one_line(error)}", count, material.words)
    jobs = [_job(network, material, expected) for network in networks]
    checks, failed = list[EngineCheck](), list[str]()
    with progress_task("WebAssembly", total=len(engines)) as task:
        for engine in engines:
            if engine.stands_in and checks and not every:
                continue
            task.update(description=f"WebAssembly in {engine.name}")
            try:
                found = [engine.answer(job) for job in jobs]
            except EnvironmentFailure as error:
                if every:
                    raise
                failed.append(_in_one_line(error))
                continue
            checks.append(EngineCheck(found[0].engine, found[0].version, _different(found, material, expected)))
            task.update(advance=1)
    reason = (
        "" if checks else "; ".join(failed) or "neither node nor Chromium nor wasmtime is here to run the WebAssembly"
    )
    return Check(count, material.words, tuple(checks), oracle, expected, reason, tuple(failed))


def not_checked(why: str, count: int = 0, words: str = "") -> Check:
    """Return a check that compared nothing; ``count`` and ``words`` are of the inputs that it was to be with."""
    return Check(count, words, (), "", np.zeros((0, 0), np.int8), why)


def oracle_outputs(
    model: LoadedModel, inputs: NDArray[Any], *, timeout: float = DEFAULT_TIMEOUT
) -> tuple[str, NDArray[Any]]:
    """Return the oracle's name with its version, and its outputs, shape (count, outputs).

    :raises MissingDependencyError: no oracle is installed.
    :raises UnsupportedModelError: each refused the model.
    """
    return outputs_of(model, inputs, ORACLES, timeout=timeout)


def outputs_of(
    model: LoadedModel,
    inputs: NDArray[Any],
    names: Sequence[str],
    *,
    timeout: float = DEFAULT_TIMEOUT,
    chunk: int = _CHUNK_IMAGES,
    seconds: float = math.inf,
) -> tuple[str, NDArray[Any]]:
    """Return the name and version of the first runtime that takes a model, and its outputs, shape (count, outputs).

    :param names: the runtimes to try; none are the usual ones.
    :param chunk: inputs in one request, of which each has ``timeout`` seconds.
    :param seconds: after so many the rest is left out: the outputs are of the first inputs then.
    :raises MissingDependencyError: none is installed.
    :raises UnsupportedModelError: each refused the model.
    """
    with OpenRuntimes(timeout=timeout) as opened:
        worker, version = opened.first(model.kind, lambda one: _first_try(one, model, inputs), names=names)
        parts, deadline = [], time.monotonic() + seconds
        with progress_task(worker.runtime, total=len(inputs)) as task:
            for first in range(0, len(inputs), chunk):
                parts.append(invoke_with(worker, model, inputs[first : first + chunk]))
                task.update(advance=len(parts[-1]))
                if time.monotonic() > deadline:
                    break
    outputs = np.concatenate(parts)
    check_numbers(worker.runtime, outputs)
    return f"{worker.runtime} {version}", outputs


def _first_try(worker: RuntimeWorker, model: LoadedModel, inputs: NDArray[Any]) -> str:
    invoke_with(worker, model, inputs[:1])
    return worker.version()


def _job(network: WebNetwork, material: Material, expected: NDArray[Any]) -> Job:
    rows = material.inputs if material.pictures is None else material.pictures
    fed = INPUT if material.pictures is None else PICTURE
    return Job(network.content, as_bytes(rows), fed, as_bytes(material.inputs).shape[1], as_bytes(expected).shape[1])


def as_bytes(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Return values, shape (count, ...), as they lie in a little-endian memory: uint8, shape (count, bytes)."""
    little = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    return little.reshape(len(values), -1).view(np.uint8)


def _different(found: Sequence[WebAnswers], material: Material, expected: NDArray[Any]) -> int:
    inputs, outputs = as_bytes(material.inputs), as_bytes(expected)
    same = [(one.inputs == inputs).all(axis=1) & (one.outputs == outputs).all(axis=1) for one in found]
    return len(inputs) - int(np.logical_and.reduce(same).sum())


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())
