"""Latency of two models in one process, taking turns, so that what the machine does meanwhile meets both."""

from __future__ import annotations

import statistics
import time

from edgemnist.commands.report.comparison import Finding, LatencyPair
from edgemnist.commands.report.measuring import Measured
from edgemnist.commands.report.report import Report
from edgemnist.commands.report.sections import Range
from edgemnist.harness.runtimes import QUICKEST
from edgemnist.runner.client import RuntimeWorker, runtime_worker
from edgemnist.runner.registry import find_runtime
from edgemnist.support.errors import EdgeMnistError

MOST_WINDOWS, LEAST_WINDOWS = 9, 5
SECONDS = 15.0
"""About how long one runtime is measured; a slow model gets fewer windows."""

_IMAGES = 8


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
    """Return the quickest interpreter that is installed and takes both, and the one that the answers are of."""
    quick = [name for name in QUICKEST if find_runtime(name).available() is None]
    names = [name for name in quick if _takes(name, baseline, model)][:1]
    main = model.main.run.runtime
    both = main if main == baseline.main.run.runtime and not find_runtime(main).emulated else None
    return list(dict.fromkeys([*names, *([both] if both else [])]))


def _takes(name: str, *models: Measured) -> bool:
    return all(one.subject.kind in find_runtime(name).takes for one in models)


def _timed(name: str, baseline: Measured, model: Measured, timeout: float) -> LatencyPair:
    with runtime_worker(name, timeout=timeout) as worker:
        start = time.monotonic()
        _window(worker, baseline, model, first=True)  # not counted: it starts the process
        seconds = max(time.monotonic() - start, 1e-3)
        windows = int(min(MOST_WINDOWS, max(LEAST_WINDOWS, SECONDS / seconds)))
        times = [_window(worker, baseline, model, first=number % 2 == 0) for number in range(windows)]
    old, new = ([one[side] for one in times] for side in (0, 1))
    ratios = [after / before for before, after in times]
    spread = Range(statistics.median(ratios), min(ratios), max(ratios))
    return LatencyPair(name, statistics.median(old), statistics.median(new), spread, windows)


def _window(worker: RuntimeWorker, baseline: Measured, model: Measured, *, first: bool) -> tuple[float, float]:
    """Return the medians of the baseline and the model in microseconds; ``first``: whether the baseline begins."""
    if first:
        return _median(worker, baseline), _median(worker, model)
    after = _median(worker, model)
    return _median(worker, baseline), after


def _median(worker: RuntimeWorker, measured: Measured) -> float:
    subjects, loaded = measured.subjects, measured.subject.model
    inputs = loaded.inputs(subjects.split.images[:_IMAGES], subjects.preprocessing)
    return worker.run(loaded.runnable, inputs).latency.median_us


def _finding(pair: LatencyPair) -> Finding:
    ratio = pair.ratio
    spread = f": {ratio.expected:.3f} times ({ratio.low:.3f} to {ratio.high:.3f})" if ratio else ""
    detail = f"{pair.baseline_us:,.1f} → {pair.model_us:,.1f} µs{spread} over {pair.windows} windows that alternate"
    return Finding(_title(pair.runtime), "noted", detail)


def _title(runtime: str) -> str:
    return f"latency in {runtime}"
