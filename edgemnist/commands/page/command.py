"""``edgemnist page``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgemnist.commands.examples import Example
from edgemnist.commands.feeding import Feeding
from edgemnist.commands.options import DEFAULT_WORK, Model, Work, add_command
from edgemnist.commands.outcome import Outcome
from edgemnist.commands.sections import Section


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    add_command(
        app,
        page,
        section=Section.DEPLOY,
        short="One HTML file in which the C answers.",
        examples=(
            Example("edgemnist page", "The work folder's int8 model: artifacts/page.html."),
            Example(
                "edgemnist page net.tflite --out net.html",
                "Another model, checked with random inputs.",
            ),
            Example("edgemnist page --module web --name digits", "An ES module for a page of one's own."),
        ),
    )


def page(
    *,
    model: Model = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.html", help="The page. Default: page.html, here or in the work folder; with --module none."
        ),
    ] = None,
    module: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write the network as an ES module to this folder.")
    ] = None,
    name: Annotated[str, typer.Option(help="With --module: name of the files and of the package.")] = "model",
    dataset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH", help="Whose test images to check with. Default: what the model was trained on."
        ),
    ] = None,
    images: Annotated[int, typer.Option(min=1, help="Inputs to check with; where no dataset is known, random.")] = 1000,
    engine: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[,..]",
            help="What runs the WebAssembly for the check: node, chromium, wasmtime. Default: node and chromium, as "
            "far as they are here, else wasmtime.",
        ),
    ] = None,
    simd: Annotated[
        bool, typer.Option("--simd", help="Put in a second program, several times as fast in browsers with SIMD.")
    ] = False,
    feeding: Feeding,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.1, help="Seconds for one request to the oracle.")
    ] = 300.0,
    work: Work = DEFAULT_WORK,
) -> Outcome:
    """Write one HTML file in which the generated C answers as WebAssembly: draw, see layers; or an ES module.

    Its bytes are compared with TFLM's first; where one differs, nothing is written and it fails.
    """
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.commands.page import stage, view
    from edgemnist.harness.names import parse_names

    settings = stage.PageSettings(
        model=model,
        out=out,
        module=module,
        name=name,
        dataset=dataset,
        images=images,
        engines=parse_names(engine or []),
        simd=simd,
        feeding=feeding.settings(),
        timeout=timeout,
    )
    found = stage.page(settings, WorkFolder(work))
    return Outcome(found, lambda: view.show(found))
