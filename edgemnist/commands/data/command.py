"""``edgemnist data``: which datasets there are, getting them, looking at them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgemnist.commands.options import Json, Seed

data_app = typer.Typer(no_args_is_help=True, help="List, fetch and look at datasets.")


def register(app: typer.Typer) -> None:
    """Add the ``data`` group."""
    app.add_typer(data_app, name="data")


@data_app.command("list")
def list_command(as_json: Json = False) -> None:
    """List the known datasets. Says for each how large it is and where it is on this machine, if it is."""
    from edgemnist.data.catalogue import list_datasets
    from edgemnist.support.progress import print_json

    listings = list_datasets()
    if as_json:
        print_json([listing.as_json() for listing in listings])
        return
    typer.echo(f"{'NAME':<17}{'CLASSES':>7}{'TRAIN':>9}{'TEST':>9}  {'LICENCE':<14}WHERE")
    for listing in listings:
        known = listing.known
        counts = f"{len(known.class_names):>7}{known.train_count:>9,}{known.test_count:>9,}"
        typer.echo(f"{known.name:<17}{counts}  {known.licence.split(' (')[0]:<14}{listing.where or listing.remedy}")


@data_app.command()
def fetch(
    names: Annotated[list[str], typer.Argument(help="Names from `edgemnist data list`.")], as_json: Json = False
) -> None:
    """Download datasets that are not here yet. An interrupted download continues where it stopped."""
    from edgemnist.data.fetching import fetch_datasets
    from edgemnist.support.progress import print_json

    results = fetch_datasets(names)
    if as_json:
        print_json([result.as_json() for result in results])
        return
    for result in results:
        what = f"downloaded {len(result.downloaded)} file(s) to" if result.downloaded else "already in"
        typer.echo(f"{result.name}: {what} {result.where}")


@data_app.command()
def show(
    name: Annotated[str, typer.Argument(help="A name from `edgemnist data list`, or a path.")],
    split: Annotated[str, typer.Option(help="train or test.")] = "train",
    count: Annotated[
        int | None,
        typer.Option(min=1, max=10_000, help="How many images, equally many per class. Default: 100, or all if fewer."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The PNG to write. [default: NAME-SPLIT.png]")] = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Write a contact sheet of a dataset. It is a PNG with the label under each image; prints its path."""
    from edgemnist.data.catalogue import write_sheet
    from edgemnist.support.progress import print_json, say

    sheet = write_sheet(name, split=split, count=count, seed=seed, target=out)
    if as_json:
        print_json(sheet.as_json())
        return
    if sheet.note:
        say(sheet.note)
    typer.echo(str(sheet.path))
