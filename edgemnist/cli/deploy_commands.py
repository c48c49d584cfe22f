"""``edgemnist deploy``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgemnist.cli.options import Json


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    commands = typer.Typer(no_args_is_help=True, help="Bring a model to a Raspberry Pi.")
    commands.command()(pi)
    app.add_typer(commands, name="deploy")


def pi(
    model: Annotated[Path, typer.Option(help="The .tflite model.")],
    out: Annotated[Path, typer.Option(help="The bundle: a folder, or a file that ends in .tar.gz.")] = Path(
        "edgemnist-pi.tar.gz"
    ),
    dataset: Annotated[
        str | None, typer.Option(help="Dataset. Default: the one the model was trained on, else mnist.")
    ] = None,
    images: Annotated[int, typer.Option(min=1, help="Golden vectors in the bundle: test images.")] = 100,
    wheels: Annotated[
        str | None, typer.Option(metavar="TARGET", help="Put this system's wheels in, to install without network.")
    ] = None,
    interpreter: Annotated[str | None, typer.Option(help="Which of the target's interpreters to put in.")] = None,
    json: Json = False,
) -> None:
    """Make a bundle that runs the model on a Raspberry Pi and proves there that the outputs are the same."""
    from edgemnist.deploy.pi import BundleOptions, make_bundle
    from edgemnist.deploy.view import show_bundle

    bundle = make_bundle(BundleOptions(model, out, dataset, images, wheels, interpreter))
    show_bundle(bundle, as_json=json)
