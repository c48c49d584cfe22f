"""``edgemnist data``: which datasets there are, getting them, looking at them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgemnist.commands.examples import Example
from edgemnist.commands.help import HelpfulGroup
from edgemnist.commands.options import Seed, SkipUnreadable, add_command
from edgemnist.commands.outcome import Outcome
from edgemnist.commands.sections import Section


def register(app: typer.Typer) -> None:
    """Add the ``data`` group."""
    group = typer.Typer(cls=HelpfulGroup, no_args_is_help=True, help="List, fetch and look at datasets.")
    add_command(
        group,
        list_datasets,
        "list",
        examples=(Example("edgemnist data list", "What there is, and what of it is here."),),
    )
    add_command(
        group,
        fetch,
        examples=(
            Example("edgemnist data fetch mnist fashion-mnist", "Both, checked by their digests.", needs="a network"),
        ),
    )
    add_command(
        group,
        show,
        draws=True,
        examples=(
            Example("edgemnist data show photos", "A folder with one folder of pictures for each class."),
            Example(
                "edgemnist data show photos --split test --count 20 --out sheet.png",
                "Twenty pictures of the test split.",
            ),
        ),
    )
    app.add_typer(group, name="data", rich_help_panel=Section.DATA)


def list_datasets() -> Outcome:
    """List the known datasets. Says for each how large it is and where it is on this machine, if it is."""
    from edgemnist.commands.data import view
    from edgemnist.data import catalogue

    listings = catalogue.list_datasets()
    return Outcome(listings, lambda: view.show_list(listings))


def fetch(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Names from `edgemnist data list`.")],
) -> Outcome:
    """Download datasets that are not here yet. An interrupted download continues where it stopped."""
    from edgemnist.commands.data import view
    from edgemnist.data.fetch import fetch_datasets

    results = fetch_datasets(names)
    return Outcome(results, lambda: view.show_fetched(results))


def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name from `edgemnist data list`, or a path.")],
    split: Annotated[str, typer.Option(help="train or test.")] = "train",
    count: Annotated[
        int | None,
        typer.Option(min=1, max=10_000, help="How many images, equally many per class. Default: 100, or all if fewer."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="The PNG to write. [default: NAME-SPLIT.png]")
    ] = None,
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
