"""A study for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edgemnist.commands.search.report import Candidate, StudyReport
from edgemnist.search.costs import COSTS
from edgemnist.support.tables import Column, numbers, print_table, print_text

_SHOWN = 12


def show(report: StudyReport) -> None:
    """Print a study: its best nets, and how it got there."""
    settings, shown = report.settings, report.candidates[:_SHOWN]
    print_text(f"search {report.name} on {settings.dataset}: {_state(report)}")
    if shown:
        columns = [
            *numbers("K"),
            Column("net"),
            *numbers("chosen by", "test int8", "instructions", "flash B", "arena B"),
        ]
        print_table([*columns, *numbers("ms", rank=1), Column("blocks", rank=2)], list(_rows(report, shown)))
    print_text(*_lines(report))


def _state(report: StudyReport) -> str:
    trained = len(report.candidates)
    state = "finished" if report.finished else f"{report.running} being tried now"
    return f"{trained} net{'' if trained == 1 else 's'} trained, {report.over} over a limit, {state}"


def _rows(report: StudyReport, shown: Sequence[Candidate]) -> Iterator[list[str]]:
    board = report.settings.boards[0]
    for number, one in enumerate(shown, start=1):
        costs = one.costs[board]
        yield [
            f"{number}",
            f"{one.item.blueprint.name}{'*' if one.on_front else ''}",
            f"{one.accuracy:.2%}",
            f"{100 * one.mean:.2f} ± {100 * one.deviation:.2f} %" if one.mean is not None else "",
            f"{costs.instructions:,.0f}",
            f"{costs.flash:,}",
            f"{costs.arena:,}",
            "" if costs.milliseconds is None else f"{costs.milliseconds:.1f}",
            _blocks(one),
        ]


def _blocks(one: Candidate) -> str:
    return " ".join(
        f"{block.kind[:4]}{block.channels}{f'/{block.stride}' if block.stride > 1 else ''}{'p' if block.pool else ''}"
        for block in one.item.blueprint.blocks
    )


def _lines(report: StudyReport) -> Iterator[str]:
    settings = report.settings
    limits = ", ".join(f"at most {most:,.0f} {COSTS[name]}" for name, most in settings.limits.most.items())
    yield f"limits   {limits or 'none'}; {settings.boards[0]}"
    yield (
        f"chosen by: accuracy on held-out training images after {settings.rungs[-1]} epochs or fewer; * on the front of "
        f"{' and '.join(settings.objectives)}"
    )
    if report.finalists:
        exact = all(one.exact for one in report.finalists)
        yield (
            f"test int8: {settings.seeds} seed{'s' if settings.seeds > 1 else ''}, {settings.epochs} epochs, the whole "
            f"test set, read once each; {'every byte of 20 images' if exact else 'NOT every byte'} equal to the oracle's"
        )
    if report.optimism is not None:
        yield f"optimism {100 * report.optimism:+.2f} points: accuracy on validation images less that on test images"
    errors = report.table_errors
    if errors:
        yield f"sums of known blocks' instructions were off by at most {max(map(abs, errors)):.3%} in {len(errors)} nets"
    yield from (f"not trained: {reason}" for reason in report.failed[:3])
    if report.candidates:
        yield "next     edgemnist search export 1 --out found.toml; edgemnist train --arch found.toml"
    elif report.finished:
        yield "no net within the limits was found; raise one, or allow smaller nets"
