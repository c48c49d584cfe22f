"""Gates that are limits: the least accuracy, how far integers may be off, how many times as long a runtime may take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from edgemnist.commands.parity.report import GateResult, ModelEntry, ParityReport, RunEntry
from edgemnist.runner.latency import ratio
from edgemnist.runner.registry import find_runtime
from edgemnist.support.errors import InputError
from edgemnist.tflite.kinds import ModelKind


def int8_models(report: ParityReport, option: str) -> list[ModelEntry]:
    """Return the int8 and int16x8 models, which a gate is about.

    :raises InputError: there is none.
    """
    models = [model for model in report.models if model.kind in (ModelKind.INT8.value, ModelKind.INT16X8.value)]
    if not models:
        raise InputError(f"{option} needs an int8 model; convert one with `edgemnist convert --int8`")
    return models


def why_not(report: ParityReport, runtime: str, file: str) -> str:
    """Return why a runtime has no result for a model."""
    reasons = [entry.reason for entry in report.not_run if entry.runtime == runtime and entry.file in (None, file)]
    return reasons[0] if reasons else "it does not take this kind of model"


def floor_gates(report: ParityReport, percent: float) -> Iterator[GateResult]:
    """Judge every model by the runtime in which it does worst."""
    for model in report.models:
        gate = f"--min-accuracy {percent:g} ({model.file})"
        runs = [run for run in report.runs if run.file == model.file]
        if not runs:
            reasons = [entry.reason for entry in report.not_run if entry.file in (None, model.file)]
            yield GateResult(gate, False, f"nothing ran it: {'; '.join(reasons)}")
            continue
        worst = min(runs, key=lambda run: run.accuracy.count)
        found = f"{100 * worst.accuracy.share:.2f} % in {worst.runtime}"
        # The share of whole images: below a millionth of a point is rounding.
        passed = 100 * worst.accuracy.share >= percent - 1e-6
        yield GateResult(gate, passed, f"expected at least {percent:g} %, got {found}")


def lsb_gates(report: ParityReport, limits: Mapping[str, int]) -> Iterator[GateResult]:
    """Judge how far a runtime's integers are from the oracle's.

    :raises InputError: there is no int8 model.
    """
    for runtime, limit in limits.items():
        for model in int8_models(report, "--max-lsb"):
            gate = f"--max-lsb {runtime}={limit} ({model.file})"
            run = _run(report, runtime, model.file)
            if run is None:
                yield GateResult(gate, False, f"{runtime} did not run: {why_not(report, runtime, model.file)}")
            elif run.outputs is None and not run.is_oracle:
                yield GateResult(gate, False, f"there is no oracle to compare with: {model.no_oracle}")
            else:
                found = [one.max_difference for one in (run.outputs, run.logits) if one is not None]
                most = max(found, default=0.0)
                detail = f"expected at most {limit} from {model.oracle}, got {most:g}"
                yield GateResult(gate, most <= limit, detail)


def latency_gates(report: ParityReport, limits: Mapping[tuple[str, str], float]) -> Iterator[GateResult]:
    """Judge pairs of runtimes by the quotients of windows that lie next to each other in time.

    :raises InputError: no model is of a kind that both runtimes take.
    """
    for pair, limit in limits.items():
        files = [model.file for model in report.models if all(_takes(name, model) for name in pair)]
        if not files:
            raise InputError(f"--max-latency-ratio {'/'.join(pair)}: no model is one that both take; name others")
        yield from (_latency_gate(report, pair, limit, file) for file in files)


def _latency_gate(report: ParityReport, pair: tuple[str, str], limit: float, file: str) -> GateResult:
    gate = f"--max-latency-ratio {'/'.join(pair)}={limit:g} ({file})"
    runs = [_run(report, runtime, file) for runtime in pair]
    for runtime, run in zip(pair, runs, strict=True):
        if run is None:
            return GateResult(gate, False, f"{runtime} did not run: {why_not(report, runtime, file)}")
    first, second = (run.latency for run in runs if run is not None)
    found = ratio(first, second)
    windows = f"{found.lowest:.3g} to {found.highest:.3g} over {len(first.windows_us)} windows"
    detail = f"expected at most {limit:g}, got {found.median:.3g} ({windows})"
    return GateResult(gate, found.median <= limit, detail)


def _run(report: ParityReport, runtime: str, file: str) -> RunEntry | None:
    return next((run for run in report.runs if (run.runtime, run.file) == (runtime, file)), None)


def _takes(runtime: str, model: ModelEntry) -> bool:
    return model.kind in {kind.value for kind in find_runtime(runtime).takes}
