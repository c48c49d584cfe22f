"""Datasets for people: the list, what was downloaded, a contact sheet."""

from __future__ import annotations

from collections.abc import Sequence

from edgemnist.data.catalogue import Listing, Sheet
from edgemnist.data.fetch import Fetched
from edgemnist.data.summary import say_summary
from edgemnist.support.progress import say
from edgemnist.support.tables import Column, numbers, print_table, print_text


def show_list(listings: Sequence[Listing]) -> None:
    """Print a line for each known dataset."""
    columns = [
        Column("dataset"), *numbers("classes", rank=1), *numbers("training", "test"), Column("licence", rank=2),
        Column("here"), Column("where", rank=3),
    ]  # fmt: skip
    print_table(columns, [_listed(one) for one in listings])
    absent = [one for one in listings if one.where is None]
    if any(one.known.files for one in absent):
        print_text("bring one here, of which the megabytes are downloaded: `edgemnist data fetch NAME`")
    print_text(*(f"{one.known.name}: `{one.remedy}`" for one in absent if not one.known.files))


def _listed(one: Listing) -> list[str]:
    known = one.known
    whole = all(file.size for file in known.files)
    absent = f"no, {known.download_size / 1e6:,.0f} MB" if known.files and whole else "no"
    counts = (f"{count:,}" for count in (len(known.class_names), known.train_count, known.test_count))
    return [known.name, *counts, known.licence.split(" (")[0], "yes" if one.where else absent, str(one.where or "")]


def show_fetched(results: Sequence[Fetched]) -> None:
    """Print where each dataset is."""
    for result in results:
        what = f"downloaded {len(result.downloaded)} file(s) to" if result.downloaded else "already in"
        print_text(f"{result.name}: {what} {result.where}")


def show_sheet(sheet: Sheet) -> None:
    """Print the path of a contact sheet; what was understood of the dataset goes to stderr."""
    say_summary(sheet.dataset, sheet.checks)
    if sheet.checks.problem:
        say(f"{sheet.dataset.name}: it cannot be trained on like this: {sheet.checks.problem}")
    print_text(str(sheet.path))
