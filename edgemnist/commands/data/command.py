"""``edgemnist data``: which datasets there are, getting them, looking at them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgemnist.commands.options import Seed, SkipUnreadable, add_command
from edgemnist.commands.outcome import Outcome
from edgemnist.commands.sections import Section


def register(app: typer.Typer) -> None:
    """Add the ``data`` group."""
    group = typer.Typer(no_args_is_help=True, help="List, fetch and look at datasets.")
    add_command(group, list_datasets, "list")
    add_command(group, fetch)
    add_command(group, show, draws=True)
    app.add_typer(group, name="data", rich_help_panel=Section.DATA)


def list_datasets() -> Outcome:
    """List the known datasets. Says for each how large it is and where it is on this machine, if it is."""
    from edgemnist.commands.data import view
    from edgemnist.data import catalogue

    listings = catalogue.list_datasets()
    return Outcome(listings, lambda: view.show_list(listings))


def fetch(names: Annotated[list[str], typer.Argument(help="Names from `edgemnist data list`.")]) -> Outcome:
    """Download datasets that are not here yet. An interrupted download continues where it stopped."""
    from edgemnist.commands.data import view
    from edgemnist.data.fetch import fetch_datasets

    results = fetch_datasets(names)
    return Outcome(results, lambda: view.show_fetched(results))


def show(
    name: Annotated[str, typer.Argument(help="A name from `edgemnist data list`, or a path.")],
    split: Annotated[str, typer.Option(help="train or test.")] = "train",
    count: Annotated[
        int | None,
        typer.Option(min=1, max=10_000, help="How many images, equally many per class. Default: 100, or all if fewer."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The PNG to write. [default: NAME-SPLIT.png]")] = None,
    seed: Seed = 0,
    skip_unreadable: SkipUnreadable = False,
) -> Outcome:
    """Write a contact sheet of a dataset. It is a PNG with the label under each image; prints its path.

    Says what was understood of the dataset, what was passed over, and what is odd about it.
    """
    from edgemnist.commands.data import view
    from edgemnist.data.catalogue import write_sheet
    from edgemnist.training.image_size import propose_size

    proposed = propose_size(name)  # what train would bring the pictures to
    sheet = write_sheet(
        name, split=split, count=count, seed=seed, target=out, skip_unreadable=skip_unreadable,
        image_size=proposed.size if proposed else None,
    )  # fmt: skip
    return Outcome(sheet, lambda: view.show_sheet(sheet))
