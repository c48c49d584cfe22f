"""A study for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edgemnist.commands.search.exporting import train_command
from edgemnist.commands.search.report import Candidate, StudyReport
from edgemnist.search.costs import COSTS
from edgemnist.support.tables import Column, numbers, print_table, print_text

_SHOWN = 12
_FAILED = 3


def show(report: StudyReport, options: str = "") -> None:
    """Print a study: its best nets, and how it got there; ``options``: where it is, as for the commands named."""
    settings, shown = report.settings, report.candidates[:_SHOWN]
    print_text(f"search {report.name} on {settings.dataset}: {_state(report)}")
    if shown:
        columns = [*numbers("K"), Column("net"), *numbers("chosen by", "test int8", "instructions")]
        columns += [*numbers("flash B", rank=3), *numbers("arena B", rank=2), *numbers("ms", rank=1)]
        print_table([*columns, Column("blocks: channels/stride", rank=4)], list(_rows(report, shown)))
    print_text(*_lines(report), *_next(report, options))


def _state(report: StudyReport) -> str:
    trained = len(report.candidates)
    state = "finished" if report.finished else f"{report.running} being tried now"
    more = f", the best {_SHOWN} below" if trained > _SHOWN else ""
    return f"{trained} net{'' if trained == 1 else 's'} trained{more}, {report.over} over a limit, {state}"


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
    """Return the blocks in few words: "conv 8/2 separable 16 24+pool"; a kind is named where it changes."""
    words, kind = [], ""
    for block in one.item.blueprint.blocks:
        if block.kind != kind:
            kind = block.kind
            words.append(kind)
        stride = f"/{block.stride}" if block.stride > 1 else ""
        words.append(f"{block.channels}{stride}{'+pool' if block.pool else ''}")
    return " ".join(words)


def _lines(report: StudyReport) -> Iterator[str]:
    settings = report.settings
    limits = "; ".join(
        f"at most {f'{most:,}'.removesuffix('.0')} {COSTS[name]}" for name, most in settings.limits.most.items()
    )
    yield f"limits    {limits or 'none'}; {settings.boards[0]}"
    if report.candidates:
        yield (
            f"chosen by accuracy on held-out training images, after {settings.rungs[-1]} epochs or fewer; marked *: on "
            f"the front of {' and '.join(settings.objectives)}"
        )
    if report.finalists:
        exact = "every byte" if all(one.exact for one in report.finalists) else "NOT every byte"
        yield (
            f"test int8 {settings.seeds} seed{'s' if settings.seeds > 1 else ''}, {settings.epochs} epochs, the whole "
            f"test set, read once each; {exact} on the emulated board is the oracle's"
        )
    if report.optimism is not None:
        yield f"optimism  {100 * report.optimism:+.2f} points: accuracy on validation images less that on test images"
    yield from _effort(report)
    yield from (f"not trained: {reason}" for reason in report.failed[:_FAILED])
    if len(report.failed) > _FAILED:
        yield f"not trained: {len(report.failed) - _FAILED} more; --json has them"


def _effort(report: StudyReport) -> Iterator[str]:
    if report.never_built:
        yield f"not built {report.never_built:,} draws that were known to be over a limit, or had been drawn before"
    errors = report.table_errors
    if errors:
        most = max(map(abs, errors))
        yield f"known blocks' instructions added up were off by at most {most:.3%} in {len(errors)} nets"
    if report.cpu_seconds >= 1:
        yield f"effort    {report.cpu_seconds / 3600:.2f} hours of processor time, of all workers"


def _next(report: StudyReport, options: str) -> Iterator[str]:
    if not report.finished:
        yield f"next      `edgemnist search resume{options}`"
    if report.candidates:
        train = train_command(report, "found.toml")
        yield f"next      `edgemnist search export 1 --out found.toml{options}`, `{train}`"
    elif report.finished:
        yield "no net within the limits was found; raise one, or allow smaller nets"
