"""``edgemnist convert`` and ``edgemnist inspect``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgemnist.cli.options import DEFAULT_WORK, Json, Work


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(inspect)


def inspect(
    model: Annotated[Path | None, typer.Argument(help="A .tflite file. Default: the work folder's int8 model.")] = None,
    work: Work = DEFAULT_WORK,
    json: Json = False,
) -> None:
    """Show what is in a .tflite: operators, shapes, MACs, weight bytes, quantisation, peak activation memory."""
    from edgemnist import inspect_model, inspect_view, progress

    path, inspection = inspect_model.inspect_file(model, work)
    if json:
        progress.print_json({"file": str(path), **inspection.as_json()})
    else:
        inspect_view.show(inspection, str(path))
