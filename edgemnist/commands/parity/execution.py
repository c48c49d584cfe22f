"""Run every model in every runtime that takes it, and compare."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
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
from edgemnist.runner.base import RunResult, Runtime
from edgemnist.runner.client import DEFAULT_TIMEOUT, RuntimeWorker, WorkerProcess
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
from edgemnist.support.progress import Task, progress_task
from edgemnist.tflite.kinds import ModelKind
from edgemnist.tflite.normalisation import normalisation_name

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
    subjects: Subjects, runtime_names: Sequence[str] = (), *, timeout: float = DEFAULT_TIMEOUT
) -> ParityReport:
    """Return the report of :func:`run_all`."""
    return run_all(subjects, runtime_names, timeout=timeout).report


def run_all(subjects: Subjects, runtime_names: Sequence[str] = (), *, timeout: float = DEFAULT_TIMEOUT) -> ParityRun:
    """Run the subjects in the named runtimes (none named: all that are not emulated).

    A runtime that is not installed, refuses a model, crashes or hangs is in the report with its reason.

    :param timeout: seconds that one runtime may take for one model.
    :raises InputError: an unknown runtime, or none of those named takes any of the models.
    """
    chosen = [find_runtime(name) for name in dict.fromkeys(runtime_names or default_runtimes())]
    if not any(True for _ in _jobs(subjects.models, chosen)):
        kinds = ", ".join(f"{model.name} ({model.kind.value})" for model in subjects.models)
        raise InputError(f"none of {', '.join(runtime.name for runtime in chosen)} takes {kinds}; leave --runtime out")
    missing = {runtime.name: reason for runtime in chosen if (reason := runtime.available()) is not None}
    present = [runtime for runtime in chosen if runtime.name not in missing]
    results, failures = _run_all(subjects, present, timeout)
    not_run = [NotRun(name, None, "missing", reason) for name, reason in missing.items()]
    return _run_of(subjects, results, (*not_run, *failures))


def _run_all(
    subjects: Subjects, chosen: Sequence[Runtime], timeout: float
) -> tuple[dict[tuple[Path, str], RunResult], list[NotRun]]:
    results: dict[tuple[Path, str], RunResult] = {}
    failures: list[NotRun] = []
    jobs = list(_jobs(subjects.models, chosen))
    with progress_task("Parity", total=len(jobs)) as task:
        for _, group in groupby(jobs, key=lambda job: job[0].process):
            process = WorkerProcess(timeout=timeout)
            try:
                for runtime, model in group:
                    outcome = _run_one(subjects, process, runtime, model, task)
                    if isinstance(outcome, NotRun):
                        failures.append(outcome)
                    else:
                        results[model.path, runtime.name] = outcome
            finally:
                process.close()
    return results, failures


def _jobs(models: Sequence[LoadedModel], chosen: Sequence[Runtime]) -> Iterator[tuple[Runtime, LoadedModel]]:
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


def _run_of(subjects: Subjects, results: Results, not_run: tuple[NotRun, ...]) -> ParityRun:
    reference = _float_reference(subjects.models, results)
    oracles = {model.path: find_oracle(model, results, not_run) for model in subjects.models}
    results, not_run = _comparable(subjects.models, results, not_run, oracles)
    names = {model.path: model.name for model in subjects.models}
    expected = top1(_scores(subjects, reference[0], results[reference])) if reference else None
    runs = [
        _run_entry(
            result, names[path], subjects.split.labels, expected, _scores(subjects, path, result), oracles[path].run
        )
        for (path, _), result in results.items()
    ]
    order = list(names.values())
    report = ParityReport(
        dataset=subjects.dataset,
        images=len(subjects.split),
        sampling=subjects.sampling,
        normalisation=normalisation_name(subjects.preprocessing.normalisation),
        preprocessing=subjects.preprocessing.in_words(),
        assumed=subjects.assumed,
        machine=_machine(),
        float_reference=f"{names[reference[0]]} in {reference[1]}" if reference else None,
        no_keras=_no_keras(subjects.models, results, not_run),
        models=tuple(_model_entry(model, oracles[model.path]) for model in subjects.models),
        runs=tuple(sorted(runs, key=lambda run: (order.index(run.file), run.runtime))),
        not_run=not_run,
    )
    return ParityRun(report, results)


def _float_reference(models: Sequence[LoadedModel], results: Results) -> tuple[Path, str] | None:
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
        latency=result.latency,
        rss_bytes=result.rss_bytes,
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


def _machine() -> str:
    """Name the processor, system and Python that the times were measured on."""
    processor = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        names = [
            line.split(":", 1)[1].strip()
            for line in information.read_text(encoding="utf-8").splitlines()
            if "model name" in line
        ]
        processor = names[0] if names else processor
    return f"{processor} ({platform.machine()}), {platform.system()}, Python {platform.python_version()}"
