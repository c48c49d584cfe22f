"""Run every model in every runtime that takes it, and compare."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.commands.parity.report import ModelEntry, NotRun, ParityReport, RunEntry
from edgemnist.harness.compare import agreement, difference, ties, top1
from edgemnist.harness.models import FLOAT_REFERENCES, digest_of, size_of
from edgemnist.harness.outputs import class_scores
from edgemnist.harness.runtimes import ORACLES
from edgemnist.harness.subjects import Subjects
from edgemnist.runner.base import RunResult, Runtime
from edgemnist.runner.client import DEFAULT_TIMEOUT, RuntimeWorker, WorkerProcess
from edgemnist.runner.registry import default_runtimes, find_runtime
from edgemnist.runner.run import LoadedModel, run_with
from edgemnist.support.errors import EdgeMnistError, InputError, MissingDependencyError, RuntimeCrashedError
from edgemnist.support.progress import Task, progress_task
from edgemnist.tflite.kinds import ModelKind
from edgemnist.tflite.normalisation import normalisation_name

_INTEGER_KINDS = frozenset({ModelKind.INT8, ModelKind.INT16X8})


Results = Mapping[tuple[Path, str], RunResult]
"""By model path and runtime name."""


def run_parity(
    subjects: Subjects, runtime_names: Sequence[str] = (), *, timeout: float = DEFAULT_TIMEOUT
) -> ParityReport:
    """Run the subjects in the named runtimes (none named: all that are not emulated); return the report, without gates.

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
    return _report(subjects, results, (*not_run, *failures))


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
    if isinstance(error, RuntimeCrashedError):
        return "crashed"
    return "missing" if isinstance(error, MissingDependencyError) else "refused"


def _report(subjects: Subjects, results: Results, not_run: tuple[NotRun, ...]) -> ParityReport:
    reference = _float_reference(subjects.models, results)
    oracles = {model.path: _oracle(model, results) for model in subjects.models}
    names = {model.path: model.name for model in subjects.models}
    expected = top1(_scores(subjects, reference[0], results[reference])) if reference else None
    runs = [
        _run_entry(result, names[path], subjects.split.labels, expected, _scores(subjects, path, result), oracles[path])
        for (path, _), result in results.items()
    ]
    order = list(names.values())
    return ParityReport(
        dataset=subjects.dataset,
        images=len(subjects.split),
        sampling=subjects.sampling,
        normalisation=normalisation_name(subjects.preprocessing.normalisation),
        preprocessing=subjects.preprocessing.in_words(),
        assumed=subjects.assumed,
        machine=_machine(),
        float_reference=f"{names[reference[0]]} in {reference[1]}" if reference else None,
        models=tuple(_model_entry(model, oracles[model.path]) for model in subjects.models),
        runs=tuple(sorted(runs, key=lambda run: (order.index(run.file), run.runtime))),
        not_run=not_run,
    )


def _float_reference(models: Sequence[LoadedModel], results: Results) -> tuple[Path, str] | None:
    """Return whose classes the others are compared with: the Keras model, else a float32 one in any runtime."""
    for kind in FLOAT_REFERENCES:
        paths = [model.path for model in models if model.kind is kind]
        for key in results:
            if key[0] in paths:
                return key
    return None


def _oracle(model: LoadedModel, results: Results) -> RunResult | None:
    if model.kind not in _INTEGER_KINDS:
        return None
    return next((results[model.path, name] for name in ORACLES if (model.path, name) in results), None)


def _scores(subjects: Subjects, path: Path, result: RunResult) -> NDArray[Any]:
    model = next(one for one in subjects.models if one.path == path)
    return class_scores(result.outputs, model, subjects.preprocessing.output)


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


def _model_entry(model: LoadedModel, oracle: RunResult | None) -> ModelEntry:
    return ModelEntry(
        file=model.name,
        kind=model.kind.value,
        bytes=size_of(model.path),
        sha256=digest_of(model.path),
        oracle=None if oracle is None else f"{oracle.runtime} {oracle.version}, {oracle.kernels} kernels",
    )


def _machine() -> str:
    """Name the processor, system and Python that the times were measured on."""
    processor = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        names = [line.split(":", 1)[1].strip() for line in information.read_text().splitlines() if "model name" in line]
        processor = names[0] if names else processor
    return f"{processor} ({platform.machine()}), {platform.system()}, Python {platform.python_version()}"
