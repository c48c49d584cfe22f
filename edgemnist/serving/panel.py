"""A model's engines side by side, each in a process of its own that no prediction waits for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.artifacts.context import ModelContext
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.harness.models import FLOAT_REFERENCES, work_subjects
from edgemnist.harness.outputs import probabilities
from edgemnist.harness.runtimes import QUICKEST, preferred_runtimes
from edgemnist.runner.client import RuntimeWorker, WorkerProcess
from edgemnist.runner.registry import find_runtime
from edgemnist.runner.run import LoadedModel, check_numbers, checked_rows
from edgemnist.support.errors import EdgeMnistError, InputError, RuntimeCrashedError, first_line
from edgemnist.tflite.kinds import ModelKind

GENERATED_C = "host-c"
"""The runtime whose bytes a microcontroller gives, too: what the others are compared with."""

EMULATED = "cortex-m4"

MOST_WAITING = 8
"""Pictures that may wait for one engine; more are refused, so that a slow one holds up nobody for long."""

_LITERT = ("litert-default", *QUICKEST)
_SESSION = "panel"
_OPENING_SECONDS = 120.0


@dataclass(frozen=True)
class PanelPlace:
    """An engine's place: its name in addresses, what people call it, and what it runs; or why it is not here.

    ``exact``: whether it runs the very model that is served, so that its bytes can be compared.
    """

    name: str
    title: str
    runtime: str
    model: LoadedModel | None
    exact: bool
    missing: str = ""


@dataclass(frozen=True, eq=False)
class PanelAnswer:
    """What an engine said to one picture.

    ``output``: shape (outputs,), as it lies in memory; ``chances``: class probabilities, shape (classes,).
    ``milliseconds``: in the runtime's process, the way there included. ``instructions``: of an emulated core.
    """

    place: PanelPlace
    version: str
    kernels: str
    output: NDArray[Any]
    chances: NDArray[np.float64]
    milliseconds: float
    instructions: int | None


class PanelBusyError(Exception):
    """Too many pictures wait for an engine."""


class PanelEngine:
    """One engine: a thread, and a process that is started by the first picture, and again after a crash.

    ``timeout``: seconds for a picture, after which the process is ended.
    """

    def __init__(self, place: PanelPlace, model: LoadedModel, context: ModelContext, timeout: float) -> None:
        self.place, self._model, self._context, self._timeout = place, model, context, timeout
        self._process = WorkerProcess(timeout=timeout)
        self._worker = RuntimeWorker(place.runtime, self._process)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"panel-{place.name}")
        self._waiting, self._open, self._refusal = 0, False, ""
        self._version = self._kernels = ""

    async def ask(self, images: NDArray[np.uint8]) -> PanelAnswer:
        """Return the answer to a picture, uint8, shape (1, height, width, channels).

        :raises PanelBusyError: too many wait.
        :raises EdgeMnistError: the runtime refuses the model, crashed or took too long.
        """
        if self._waiting >= MOST_WAITING:
            raise PanelBusyError(f"{self._waiting} pictures wait for {self.place.name}; ask again in a second")
        self._waiting += 1
        answer = asyncio.get_running_loop().run_in_executor(self._thread, self._answer, images)
        answer.add_done_callback(self._done)
        return await asyncio.shield(answer)  # who gives up does not take the process's answer for the next one's

    def close(self) -> None:
        """End the process; what waits is not answered."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._process.close()

    def _done(self, answer: asyncio.Future[PanelAnswer]) -> None:
        self._waiting -= 1
        if not answer.cancelled():
            answer.exception()  # seen, also where nobody waits for it any more

    def _answer(self, images: NDArray[np.uint8]) -> PanelAnswer:
        inputs = self._model.inputs(images, self._context.preprocessing)
        self._open_once(inputs)
        start = time.perf_counter()
        try:
            outputs, instructions = self._worker.count_session(_SESSION, [inputs])
        except RuntimeCrashedError:
            self._open = False
            raise
        milliseconds = (time.perf_counter() - start) * 1000
        rows = checked_rows(self.place.runtime, self._model, outputs[0][np.newaxis], 1)
        check_numbers(self.place.runtime, rows)
        chances = probabilities(rows, self._model, self._context.preprocessing)[0]
        return PanelAnswer(self.place, self._version, self._kernels, rows[0], chances, milliseconds, instructions)

    def _open_once(self, inputs: NDArray[Any]) -> None:
        """Open the model; why one is refused is kept, since it would be again."""
        if self._refusal:
            raise InputError(self._refusal)
        if self._open and self._process.lives:
            return
        self._process.timeout = _OPENING_SECONDS
        try:
            self._version, self._kernels = self._worker.open_session(_SESSION, self._model.runnable, [inputs])
        except RuntimeCrashedError:
            raise
        except EdgeMnistError as error:
            self._refusal = str(error)
            raise
        self._process.timeout, self._open = self._timeout, True


class Panel:
    """The engines of one model, by name."""

    def __init__(self, places: Sequence[PanelPlace], context: ModelContext, timeout: float) -> None:
        self.places = tuple(places)
        self.engines: Mapping[str, PanelEngine] = {
            place.name: PanelEngine(place, place.model, context, timeout) for place in places if place.model is not None
        }

    def close(self) -> None:
        """End every engine."""
        for engine in self.engines.values():
            engine.close()


def places_of(model: LoadedModel, serving: str) -> tuple[PanelPlace, ...]:
    """Return the engines that can be beside a model, in the order in which they are shown.

    ``serving``: the runtime that answers ``/predict``, which is among them.
    """
    if model.kind is not ModelKind.INT8:
        return (_place(serving, f"{model.kind.value}, as served", model),)
    litert = next((name for name in _LITERT if find_runtime(name).available() is None), _LITERT[0])
    titles = {litert: "int8, LiteRT", GENERATED_C: "Generated C", EMULATED: "Emulated Cortex-M4"}
    others = {} if serving in titles else {serving: "int8, as served"}
    return (_float_place(model), *(_place(name, title, model) for name, title in {**others, **titles}.items()))


def _place(runtime: str, title: str, model: LoadedModel) -> PanelPlace:
    reason = find_runtime(runtime).available()
    return PanelPlace(runtime, title, runtime, None if reason else model, exact=True, missing=reason or "")


def _float_place(model: LoadedModel) -> PanelPlace:
    """Return the place of the float model that the served one was made from, or of another one beside it."""
    found, why = _float_beside(model.path)
    if found is None:
        return PanelPlace("float", "Float", "", None, exact=False, missing=why)
    runtime = next((one for one in preferred_runtimes(found.kind) if find_runtime(one).available() is None), None)
    title = f"Float, {found.path.name}"
    if runtime is None:
        why = f"no runtime for {found.path.name} is installed; `edgemnist doctor` lists what each needs"
        return PanelPlace("float", title, "", None, exact=False, missing=why)
    return PanelPlace("float", title, runtime, found, exact=False)


def _float_beside(path: Path) -> tuple[LoadedModel | None, str]:
    """Return the float model of the work folder that a model was converted in, the quickest to open; or why none."""
    work = WorkFolder(path.resolve().parent)
    try:
        subjects = work_subjects(work, keras=True) if work.manifest_path.is_file() else ()
    except EdgeMnistError as error:
        return None, f"no float model is known beside {path.name}: {first_line(error)}"
    found = [one.model for one in subjects if one.kind in FLOAT_REFERENCES]
    if path.resolve() not in [one.path.resolve() for one in subjects] or not found:
        return None, f"nothing in the folder of {path.name} tells of a float model that it was made from"
    return max(found, key=lambda one: one.tflite is not None), ""
