"""What fails a parity run: integers that differ from the oracle's, an accuracy drop, and what ``limits`` has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from edgemnist.commands.parity.limits import floor_gates, int8_models, latency_gates, lsb_gates, why_not
from edgemnist.commands.parity.report import GateResult, ModelEntry, ParityReport, RunEntry
from edgemnist.harness.compare import Difference
from edgemnist.harness.gates import Gates
from edgemnist.harness.models import FLOAT_REFERENCES
from edgemnist.harness.runtimes import ORACLES
from edgemnist.support.errors import EnvironmentFailure, GateFailedError, InputError, ModelError

_FLOAT_REFERENCES = tuple(kind.value for kind in FLOAT_REFERENCES)


def check_gates(report: ParityReport, gates: Gates) -> ParityReport:
    """Return the report with the results of the gates in it.

    :raises InputError: a gate can't be decided, because no float model or no int8 model takes part.
    """
    exact = gates.require_exact
    results = [_exact_gate(report, name, model) for name in exact for model in int8_models(report, "--require-exact")]
    if gates.min_accuracy is not None:
        results.extend(floor_gates(report, gates.min_accuracy))
    if gates.max_accuracy_drop is not None:
        results.extend(_drop_gates(report, gates.max_accuracy_drop))
    results.extend(lsb_gates(report, gates.max_lsb))
    results.extend(latency_gates(report, gates.max_latency_ratio))
    return replace(report, gates=tuple(results))


def raise_failed(report: ParityReport) -> None:
    """Raise if a gate of the report failed, or nothing ran.

    :raises GateFailedError: says for every failed gate what failed and by how much.
    :raises ModelError: no runtime ran anything, and at least one because of the model.
    :raises EnvironmentFailure: no runtime ran anything, because all are missing or crashed.
    """
    failed = [result for result in report.gates if not result.passed]
    if failed:
        lines = [f"  - {result.gate}: {result.detail}" for result in failed]
        raise GateFailedError("\n".join([f"{len(failed)} of {len(report.gates)} parity gates failed:", *lines]))
    if not report.runs:
        lines = [f"  - {entry.runtime}: {entry.reason}" for entry in report.not_run]
        by_model = any(entry.how not in ("missing", "crashed") for entry in report.not_run)
        message = "\n".join(["no runtime could run any of the models:", *lines])
        raise (ModelError if by_model else EnvironmentFailure)(message)


def _exact_gate(report: ParityReport, runtime: str, model: ModelEntry) -> GateResult:
    runs = {run.runtime: run for run in report.runs if run.file == model.file}
    gate = f"--require-exact {runtime} ({model.file})"
    if runtime not in runs:
        return GateResult(gate, False, f"{runtime} did not run: {why_not(report, runtime, model.file)}")
    if runs[runtime].is_oracle:
        return _witness_gate(report, gate, runtime, model.file, runs)
    if model.oracle is None:
        return GateResult(gate, False, f"there is no oracle to compare with: {model.no_oracle}")
    return GateResult(gate, runs[runtime].exact is True, _describe(runs[runtime], model.oracle))


def _witness_gate(report: ParityReport, gate: str, oracle: str, file: str, runs: dict[str, RunEntry]) -> GateResult:
    """Decide the gate of the oracle itself: the other of the two has to give the same bytes."""
    witness = next(name for name in ORACLES if name != oracle)
    if witness not in runs:
        reason = f"it is the oracle, and its second witness {witness} did not run: {why_not(report, witness, file)}"
        return GateResult(gate, False, reason)
    described = _describe(runs[witness], f"{oracle} {runs[oracle].version}")
    return GateResult(gate, runs[witness].exact is True, described)


def _describe(run: RunEntry, oracle: str) -> str:
    parts = [
        f"{name} {_describe_difference(found)}"
        for name, found in (("outputs", run.outputs), ("logits", run.logits))
        if found is not None
    ]
    return f"{run.runtime} {run.version} against {oracle}: {'; '.join(parts)}"


def _describe_difference(found: Difference) -> str:
    counts = f"{found.elements.count} of {found.elements.total} differ"
    return counts if found.exact else f"{counts} ({found.images} images, at most {found.max_difference:g})"


def _drop_gates(report: ParityReport, limit: float) -> Iterator[GateResult]:
    """Compare the accuracy of every converted model with that of the float reference."""
    reference = next(
        (run for run in report.runs if f"{run.file} in {run.runtime}" == report.float_reference),
        None,
    )
    gate = f"--max-accuracy-drop {limit:g}"
    floats = [model.file for model in report.models if model.kind in _FLOAT_REFERENCES]
    if reference is None and floats:
        yield GateResult(gate, False, f"there is no float model to compare with: {_failures(report, floats)}")
        return
    if reference is None:
        raise InputError(
            "--max-accuracy-drop needs the float model to compare with: give its float32 .tflite as well, "
            "or run in a work folder with `edgemnist convert --float32 --int8` done"
        )
    converted = [model.file for model in report.models if model.kind not in _FLOAT_REFERENCES]
    runs = [run for run in report.runs if run.file in converted]
    if not runs and converted:
        yield GateResult(gate, False, f"no converted model ran: {_failures(report, converted)}")
        return
    if not runs:
        raise InputError("--max-accuracy-drop found no converted model that ran; convert one with --int8")
    for file in dict.fromkeys(run.file for run in runs):
        yield _drop_gate([run for run in runs if run.file == file], reference, limit)


def _failures(report: ParityReport, files: Sequence[str]) -> str:
    """Return why models did not run."""
    found = [f"{entry.runtime}: {entry.reason}" for entry in report.not_run if entry.file in files]
    return "; ".join(found) or "no runtime that takes it took part"


def _drop_gate(runs: Sequence[RunEntry], reference: RunEntry, limit: float) -> GateResult:
    """Judge a model by the runtime in which it does worst."""
    worst = min(runs, key=lambda run: run.accuracy.count)
    drop = 100 * (reference.accuracy.share - worst.accuracy.share)
    return GateResult(
        gate=f"--max-accuracy-drop {limit:g} ({worst.file})",
        # Shares of the same images: a difference below a millionth of a point is rounding, not an image.
        passed=drop <= limit + 1e-6,
        detail=f"{100 * worst.accuracy.share:.2f} % in {worst.runtime} against {100 * reference.accuracy.share:.2f} % "
        f"of {reference.file} in {reference.runtime}: a drop of {drop:.2f} points, allowed {limit:g}",
    )
