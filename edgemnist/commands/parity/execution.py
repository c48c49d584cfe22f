"""Run every model in every runtime that takes it, and compare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.commands.parity.oracle import Oracle, Results, find_oracle
from edgemnist.commands.parity.report import ModelEntry, NotRun, ParityReport, RunEntry
from edgemnist.harness.compare import agreement, difference, ties, top1
from edgemnist.harness.models import FLOAT_REFERENCES, digest_of, size_of
from edgemnist.harness.outputs import class_scores
from edgemnist.harness.subjects import Subjects
from edgemnist.runner.base import RunResult, Runtime, StepTime
from edgemnist.runner.client import DEFAULT_TIMEOUT, RuntimeWorker, WorkerProcess
from edgemnist.runner.latency import Latency, Timed, side_by_side
from edgemnist.runner.registry import default_runtimes, find_runtime, runtimes
from edgemnist.runner.run import LoadedModel, run_with
from edgemnist.support.errors import (
    EdgeMnistError,
    InputError,
    MissingDependencyError,
    RuntimeCrashedError,
    UnsafeModelError,
    WrongOutputError,
)
from edgemnist.support.machine import Conditions, MachineState, machine_name
from edgemnist.support.progress import Task, progress_task
from edgemnist.tflite.kinds import ModelKind
from edgemnist.tflite.normalisation import normalisation_name

_Key = tuple[Path, str]
"""A model's path and a runtime's name."""
_Job = tuple[Runtime, LoadedModel]

_HOWS = {
    RuntimeCrashedError: "crashed",
    MissingDependencyError: "missing",
    WrongOutputError: "wrong",
    UnsafeModelError: "unsafe",
}
"""What a runtime that failed on a model is in the report, by its error; "refused" for any other."""


@dataclass(frozen=True, eq=False)
class ParityRun:
    """A run's report, without gates, and ``results``: what the runtimes in it gave, by model path and runtime name."""

    report: ParityReport
    results: Results


def run_parity(
    subjects: Subjects, runtime_names: Sequence[str] = (), *, timeout: float = DEFAULT_TIMEOUT, profile: bool = False
) -> ParityReport:
    """Return the report of :func:`run_all`."""
    return run_all(subjects, runtime_names, timeout=timeout, profile=profile).report


def run_all(
    subjects: Subjects, runtime_names: Sequence[str] = (), *, timeout: float = DEFAULT_TIMEOUT, profile: bool = False
) -> ParityRun:
    """Run the subjects in the named runtimes (none named: all that are not emulated).

    A runtime that is not installed, refuses a model, crashes or hangs is in the report with its reason.

    :param timeout: seconds that one runtime may take for one model.
    :param profile: whether the steps of an invoke are timed too, in runtimes that offer it.
    :raises InputError: an unknown runtime, or none of those named takes any of the models.
    """
    chosen = [find_runtime(name) for name in dict.fromkeys(runtime_names or default_runtimes())]
    if not any(True for _ in _jobs(subjects.models, chosen)):
        kinds = ", ".join(f"{model.name} ({model.kind.value})" for model in subjects.models)
        raise InputError(f"none of {', '.join(runtime.name for runtime in chosen)} takes {kinds}; leave --runtime out")
    missing = {runtime.name: reason for runtime in chosen if (reason := runtime.available()) is not None}
    present = [runtime for runtime in chosen if runtime.name not in missing]
    ran = _run_all(subjects, present, timeout, profile)
    not_run = [NotRun(name, None, "missing", reason) for name, reason in missing.items()]
    return _run_of(subjects, ran, (*not_run, *ran.failures))


@dataclass(frozen=True, eq=False)
class _Ran:
    """What every runtime made of every model, how long it takes, what failed, and what the machine did meanwhile."""

    results: Results
    latencies: Mapping[_Key, Latency]
    profiles: Mapping[_Key, tuple[StepTime, ...]]
    failures: tuple[NotRun, ...]
    conditions: Conditions


def _run_all(subjects: Subjects, chosen: Sequence[Runtime], timeout: float, profile: bool) -> _Ran:
    """Run, then time what ran in turns; the processes are kept for that, since to start one takes seconds."""
    results: dict[_Key, RunResult] = {}
    failures: list[NotRun] = []
    jobs = list(_jobs(subjects.models, chosen))
    before = MachineState.now()
    with _processes({runtime.process for runtime, _ in jobs}, timeout) as processes:
        with progress_task("Parity", total=len(jobs)) as task:
            for runtime, model in jobs:
                outcome = _run_one(subjects, processes[runtime.process], runtime, model, task)
                if isinstance(outcome, NotRun):
                    failures.append(outcome)
                else:
                    results[model.path, runtime.name] = outcome
        ran = [(runtime, model) for runtime, model in jobs if (model.path, runtime.name) in results]
        timed = _timed(subjects, processes, ran)
        latencies, untimed = _time_all(ran, timed)
        profiles = _profiles(ran, timed) if profile else {}
    kept = {key: result for key, result in results.items() if key in latencies}
    return _Ran(kept, latencies, profiles, (*failures, *untimed), Conditions.between(before, MachineState.now()))


@contextmanager
def _processes(names: Iterable[str], timeout: float) -> Iterator[Mapping[str, WorkerProcess]]:
    """Keep a worker process for each name; each starts at its first request."""
    processes = {name: WorkerProcess(timeout=timeout) for name in names}
    try:
        yield processes
    finally:
        for process in processes.values():
            process.close()


def _timed(subjects: Subjects, processes: Mapping[str, WorkerProcess], ran: Sequence[_Job]) -> list[Timed]:
    inputs = {model.path: model.inputs(subjects.split.images, subjects.preprocessing) for _, model in ran}
    return [
        Timed(RuntimeWorker(runtime.name, processes[runtime.process]), model.runnable, inputs[model.path])
        for runtime, model in ran
    ]


def _time_all(ran: Sequence[_Job], every: Sequence[Timed]) -> tuple[dict[_Key, Latency], list[NotRun]]:
    """Return how long each takes; what ran and then fails while it is timed is no runtime to rely on."""
    latencies: dict[_Key, Latency] = {}
    failures: list[NotRun] = []
    with progress_task("Latency, in turns", total=None):
        found = side_by_side(every)
    for (runtime, model), outcome in zip(ran, found, strict=True):
        if isinstance(outcome, Latency):
            latencies[model.path, runtime.name] = outcome
        else:
            failures.append(NotRun(runtime.name, model.name, _how(outcome), str(outcome)))
    return latencies, failures


def _profiles(ran: Sequence[_Job], every: Sequence[Timed]) -> dict[_Key, tuple[StepTime, ...]]:
    found = {}
    for (runtime, model), one in zip(ran, every, strict=True):
        steps = one.worker.profile(one.model, one.inputs)
        if steps is not None:
            found[model.path, runtime.name] = steps
    return found


def _jobs(models: Sequence[LoadedModel], chosen: Sequence[Runtime]) -> Iterator[_Job]:
    """Yield what to run, runtimes that share a process next to each other."""
    for runtime in sorted(chosen, key=lambda runtime: (runtime.process, runtime.name)):
        yield from ((runtime, model) for model in models if model.kind in runtime.takes)


def _run_one(
    subjects: Subjects, process: WorkerProcess, runtime: Runtime, model: LoadedModel, task: Task
) -> RunResult | NotRun:
    task.update(description=f"{model.name} in {runtime.name}")
    try:
        return run_with(RuntimeWorker(runtime.name, process), model, subjects.split.images, subjects.preprocessing)
    except EdgeMnistError as error:
        return NotRun(runtime.name, model.name, _how(error), str(error))
    finally:
        task.update(advance=1)


def _how(error: EdgeMnistError) -> str:
    return next((how for kind, how in _HOWS.items() if isinstance(error, kind)), "refused")


def _run_of(subjects: Subjects, ran: _Ran, not_run: tuple[NotRun, ...]) -> ParityRun:
    results: Results = ran.results
    reference = _float_reference(subjects.models, results)
    oracles = {model.path: find_oracle(model, results, not_run) for model in subjects.models}
    results, not_run = _comparable(subjects.models, results, not_run, oracles)
    names = {model.path: model.name for model in subjects.models}
    expected = top1(_scores(subjects, reference[0], results[reference])) if reference else None
    runs = [
        _run_entry(
            result,
            names[path],
            subjects.split.labels,
            expected,
            _scores(subjects, path, result),
            oracles[path].run,
            ran.latencies[path, name],
            ran.profiles.get((path, name)),
        )
        for (path, name), result in results.items()
    ]
    order = list(names.values())
    report = ParityReport(
        dataset=subjects.dataset,
        images=len(subjects.split),
        sampling=subjects.sampling,
        normalisation=normalisation_name(subjects.preprocessing.normalisation),
        preprocessing=subjects.preprocessing.in_words(),
        assumed=subjects.assumed,
        machine=machine_name(),
        conditions=ran.conditions,
        float_reference=f"{names[reference[0]]} in {reference[1]}" if reference else None,
        no_keras=_no_keras(subjects.models, results, not_run),
        models=tuple(_model_entry(model, oracles[model.path]) for model in subjects.models),
        runs=tuple(sorted(runs, key=lambda run: (order.index(run.file), run.runtime))),
        not_run=not_run,
    )
    return ParityRun(report, results)


def _float_reference(models: Sequence[LoadedModel], results: Results) -> _Key | None:
    """Return whose classes the others are compared with: the Keras model, else a float32 one in any runtime."""
    for kind in FLOAT_REFERENCES:
        paths = [model.path for model in models if model.kind is kind]
        for key in results:
            if key[0] in paths:
                return key
    return None


def _no_keras(models: Sequence[LoadedModel], results: Results, not_run: Sequence[NotRun]) -> str:
    """Return why the Keras model, which the others should be compared with, did not run; "" where it did or is none."""
    keras = [model for model in models if model.kind is ModelKind.KERAS]
    if not keras or any(key[0] == model.path for model in keras for key in results):
        return ""
    reasons = [entry.reason for entry in not_run if entry.runtime in _takers(keras[0])]
    return f"{keras[0].name} did not run: {reasons[0] if reasons else 'no runtime that takes it was named'}"


def _takers(model: LoadedModel) -> set[str]:
    return {name for name, runtime in runtimes().items() if model.kind in runtime.takes}


def _comparable(
    models: Sequence[LoadedModel], results: Results, not_run: tuple[NotRun, ...], oracles: Mapping[Path, Oracle]
) -> tuple[Results, tuple[NotRun, ...]]:
    """Take out what has other shapes or types than the oracle's: there is nothing to compare."""
    names = {model.path: model.name for model in models}
    kept, wrong = {}, []
    for (path, name), result in results.items():
        difference = oracles[path].difference_in_kind(result)
        if difference:
            wrong.append(NotRun(name, names[path], "wrong", difference))
        else:
            kept[path, name] = result
    return kept, (*not_run, *wrong)


def _scores(subjects: Subjects, path: Path, result: RunResult) -> NDArray[Any]:
    model = next(one for one in subjects.models if one.path == path)
    outputs = result.outputs.reshape(len(subjects.split), -1)
    return class_scores(outputs, model, subjects.preprocessing.output)


def _run_entry(
    result: RunResult,
    name: str,
    labels: NDArray[np.int64],
    expected: NDArray[np.int64] | None,
    scores: NDArray[Any],
    oracle: RunResult | None,
    latency: Latency,
    profile: tuple[StepTime, ...] | None,
) -> RunEntry:
    classes = top1(scores)
    other = None if oracle is result else oracle
    oracle_logits = None if other is None else other.logits
    return RunEntry(
        file=name,
        runtime=result.runtime,
        version=result.version,
        kernels=result.kernels,
        accuracy=agreement(classes, labels),
        agreement=None if expected is None else agreement(classes, expected),
        ties=ties(scores),
        is_oracle=result is oracle,
        outputs=None if other is None else difference(result.outputs, other.outputs),
        logits=None if result.logits is None or oracle_logits is None else difference(result.logits, oracle_logits),
        latency=latency,
        rss_bytes=result.rss_bytes,
        profile=profile,
    )


def _model_entry(model: LoadedModel, oracle: Oracle) -> ModelEntry:
    run, claims = oracle.run, oracle.claims
    return ModelEntry(
        file=model.name,
        kind=model.kind.value,
        bytes=size_of(model.path),
        sha256=digest_of(model.path),
        oracle=None if run is None else f"{run.runtime} {run.version}, {run.kernels} kernels",
        no_oracle=oracle.why_none,
        claims=None if claims is None else claims.standing.value,
        problems=() if claims is None else claims.problems,
    )
