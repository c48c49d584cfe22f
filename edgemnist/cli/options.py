"""Options that several commands share, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Work = Annotated[Path, typer.Option("--work", help="Work folder in which the stages leave their artifacts.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]
Seed = Annotated[
    int, typer.Option("--seed", min=0, max=2**31 - 1, help="Seed of every random choice; recorded in the manifest.")
]

OptionalSeed = Annotated[
    int | None,
    typer.Option("--seed", min=0, max=2**31 - 1, help="Seed of every random choice; default 0, or as before."),
]

DEFAULT_WORK = Path("artifacts")
