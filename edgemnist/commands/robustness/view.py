"""A robustness report as tables for people: one for every model that is compared with the reference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edgemnist.commands.robustness.report import CLEAN, DROPS, ConditionResult, RobustnessReport, Summary
from edgemnist.commands.robustness.sheet import CorruptionSheet
from edgemnist.commands.robustness.stage import Robustness
from edgemnist.commands.robustness.statistics import Estimate
from edgemnist.commands.robustness.summary import in_points
from edgemnist.data.corruptions import MAX_SEVERITY
from edgemnist.support.progress import say
from edgemnist.support.tables import Column, numbers, print_table, print_text


def show(found: Robustness) -> None:
    """Print the report to stdout as tables."""
    if found.written and not found.plot:
        say("no plot drawn: matplotlib is not installed (pip install 'edgemnist[plot]')")
    report = found.report
    print_text(*_head(report))
    for index in range(len(report.models)):
        if index != report.reference or len(report.models) == 1:
            print_text("")
            _print_accuracies(report, index)
    print_text("")
    print_text(*_verdicts(report))
    for what, path in (("report", found.written), ("plot", found.plot)):
        if path:
            print_text(f"{what}: {path}")


def show_sheet(sheet: CorruptionSheet) -> None:
    """Print where a contact sheet is."""
    print_text(str(sheet.path))


def _head(report: RobustnessReport) -> Iterator[str]:
    yield f"{report.dataset}: {report.sampling}; {report.preprocessing}; seed {report.seed}"
    for model in report.models:
        yield f"{model.file} ({model.kind}, {model.bytes:,} bytes) in {model.runtime} {model.version}"


def _verdicts(report: RobustnessReport) -> Iterator[str]:
    yield "the severity at which MNIST-C was published is marked *"
    if report.reference is None:
        yield "no float model took part, so there is nothing to compare with; name it or convert with --float32"
    else:
        yield DROPS
    for verdict in report.verdicts:
        yield verdict.sentence


def _print_accuracies(report: RobustnessReport, index: int) -> None:
    """Print the accuracies of a model, those of the reference before them, by corruption and severity."""
    compared = report.reference is not None and index != report.reference
    shown = (report.reference, index) if compared and report.reference is not None else (index,)
    models = " / ".join(f"{report.models[one].file}" for one in shown)
    title = f"{models}, accuracy in % at severities 1 to {MAX_SEVERITY}"
    severities = numbers(*map(str, range(1, MAX_SEVERITY + 1)), rank=1)
    drop = numbers("drop, points") if compared else []
    rows = [[CLEAN, *[""] * MAX_SEVERITY, *_clean_cells(report.clean, shown, index, compared)]]
    for summary in report.summaries:
        cells = _severity_cells([one for one in report.results if one.condition.corruption == summary.name], shown)
        rows.append([summary.name, *cells, *_mean_cells(summary, shown, index, compared)])
    print_table([Column("corruption"), *severities, *numbers("mean"), *drop], rows, title)


def _clean_cells(clean: ConditionResult, shown: Sequence[int], index: int, compared: bool) -> list[str]:
    return [_cell(clean, shown), *([_points(clean.drop[index])] if compared else [])]


def _mean_cells(summary: Summary, shown: Sequence[int], index: int, compared: bool) -> list[str]:
    mean = "/".join(f"{100 * summary.accuracy[one].mean:.1f}" for one in shown)
    return [mean, *([_points(summary.drop[index])] if compared else [])]


def _severity_cells(results: Sequence[ConditionResult], shown: Sequence[int]) -> list[str]:
    cells = [""] * MAX_SEVERITY
    for result in results:
        mark = "*" if result.condition.published else ""
        cells[result.condition.severity - 1] = mark + _cell(result, shown)
    return cells


def _cell(result: ConditionResult, shown: Sequence[int]) -> str:
    return "/".join(f"{100 * result.accuracy[one].share:.1f}" for one in shown)


def _points(value: Estimate | None) -> str:
    return "" if value is None else in_points(value)
