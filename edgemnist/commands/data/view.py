"""Datasets for people: the list, what was downloaded, a contact sheet."""

from __future__ import annotations

from collections.abc import Sequence

from edgemnist.data.catalogue import Listing, Sheet
from edgemnist.data.fetch import Fetched
from edgemnist.data.summary import say_summary
from edgemnist.support.progress import say, stdout_console


def show_list(listings: Sequence[Listing]) -> None:
    """Print a line for each known dataset."""
    lines = [f"{'NAME':<17}{'CLASSES':>7}{'TRAIN':>9}{'TEST':>9}  {'LICENCE':<14}WHERE"]
    for listing in listings:
        known = listing.known
        counts = f"{len(known.class_names):>7}{known.train_count:>9,}{known.test_count:>9,}"
        lines.append(f"{known.name:<17}{counts}  {known.licence.split(' (')[0]:<14}{listing.where or listing.remedy}")
    _print(lines)


def show_fetched(results: Sequence[Fetched]) -> None:
    """Print where each dataset is."""
    for result in results:
        what = f"downloaded {len(result.downloaded)} file(s) to" if result.downloaded else "already in"
        _print([f"{result.name}: {what} {result.where}"])


def show_sheet(sheet: Sheet) -> None:
    """Print the path of a contact sheet; what was understood of the dataset goes to stderr."""
    say_summary(sheet.dataset, sheet.checks)
    if sheet.checks.problem:
        say(f"{sheet.dataset.name}: it cannot be trained on like this: {sheet.checks.problem}")
    _print([str(sheet.path)])


def _print(lines: Sequence[str]) -> None:
    stdout_console().print("\n".join(lines), markup=False, soft_wrap=True)
