"""The options of everything that builds firmware."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgemnist.mcu.toolchain import TOOLCHAINS

Model = Annotated[Path | None, typer.Option("--model", help="A .tflite file. Default: the work folder's int8 model.")]
ToolchainName = Annotated[str, typer.Option("--toolchain", help=f"{', '.join(('auto', *TOOLCHAINS))}.")]
Optimise = Annotated[str, typer.Option("--optimise", help="speed or size.")]
