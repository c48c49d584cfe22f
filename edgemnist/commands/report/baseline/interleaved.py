"""Latency of two models in one process, taking turns, so that what the machine does meanwhile meets both."""

from __future__ import annotations

from edgemnist.commands.report.comparison import Finding, LatencyPair
from edgemnist.commands.report.measuring import Measured
from edgemnist.commands.report.report import Report
from edgemnist.commands.report.sections import Range
from edgemnist.harness.runtimes import QUICKEST
from edgemnist.runner.client import RuntimeWorker, runtime_worker
from edgemnist.runner.latency import Latency, Timed, ratio, side_by_side
from edgemnist.runner.registry import find_runtime
from edgemnist.support.errors import EdgeMnistError

_IMAGES = 8
_GENERATED = "host-c"


def interleaved(
    baseline: Measured, model: Measured, timeout: float
) -> tuple[tuple[LatencyPair, ...], tuple[Finding, ...]]:
    """Time both in the runtime of their answers and in the quickest interpreter that takes both.

    :param timeout: seconds for one window of one model.
    """
    pairs, findings = [], []
    for name in _runtimes(baseline, model):
        try:
            pairs.append(_timed(name, baseline, model, timeout))
            findings.append(_finding(pairs[-1]))
        except EdgeMnistError as error:
            findings.append(Finding(_title(name), "noted", f"not measured: {' '.join(str(error).split())}"))
    return tuple(pairs), tuple(findings)


def reported(baseline: Report, model: Report) -> tuple[tuple[LatencyPair, ...], tuple[Finding, ...]]:
    """Return the figures of two reports, which say nothing of each other: of two days, and maybe two machines."""
    old, new = (
        {row.runtime: row.median_us for row in one.runtimes.rows if row.file == one.subject.file}
        for one in (baseline, model)
    )
    pairs = tuple(LatencyPair(name, old[name], new[name], None, 0) for name in new if name in old)
    why = "not judged: a report has the figures of its own machine and day; name the older .tflite to have both timed"
    return pairs, (Finding("latency", "noted", why),)


def _runtimes(baseline: Measured, model: Measured) -> list[str]:
    """Return the quickest interpreter that takes both, the one that the answers are of, and the generated C."""
    here = [name for name in (*QUICKEST, _GENERATED) if find_runtime(name).available() is None]
    taking = [name for name in here if _takes(name, baseline, model)]
    names = [name for name in taking if name != _GENERATED][:1]
    main = model.main.run.runtime
    both = main if main == baseline.main.run.runtime and not find_runtime(main).emulated else None
    return list(dict.fromkeys([*names, *([both] if both else []), *(one for one in taking if one == _GENERATED)]))


def _takes(name: str, *models: Measured) -> bool:
    return all(one.subject.kind in find_runtime(name).takes for one in models)


def _timed(name: str, baseline: Measured, model: Measured, timeout: float) -> LatencyPair:
    with runtime_worker(name, timeout=timeout) as worker:
        found = side_by_side([_subject(worker, one) for one in (baseline, model)])
    failed = next((one for one in found if isinstance(one, EdgeMnistError)), None)
    if failed is not None:
        raise failed
    old, new = (one for one in found if isinstance(one, Latency))
    quotient = ratio(new, old)
    spread = Range(quotient.median, quotient.lowest, quotient.highest)
    return LatencyPair(name, old.median_us, new.median_us, spread, len(new.windows_us))


def _subject(worker: RuntimeWorker, measured: Measured) -> Timed:
    subjects, loaded = measured.subjects, measured.subject.model
    return Timed(worker, loaded.runnable, loaded.inputs(subjects.split.images[:_IMAGES], subjects.preprocessing))


def _finding(pair: LatencyPair) -> Finding:
    ratio = pair.ratio
    spread = f": {ratio.expected:.3f} times ({ratio.low:.3f} to {ratio.high:.3f})" if ratio else ""
    detail = f"{pair.baseline_us:,.1f} → {pair.model_us:,.1f} µs{spread} over {pair.windows} windows that alternate"
    return Finding(_title(pair.runtime), "noted", detail)


def _title(runtime: str) -> str:
    return f"latency in {runtime}"
