"""The options of everything that builds firmware."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgemnist.mcu.toolchain import TOOLCHAINS

if TYPE_CHECKING:
    from edgemnist.mcu.build import BuildSettings
    from edgemnist.mcu.network import NetworkSettings

ToolchainName = Annotated[str, typer.Option("--toolchain", help=f"{', '.join(('auto', *TOOLCHAINS))}.")]
Optimise = Annotated[str, typer.Option("--optimise", help="speed or size.")]
Stack = Annotated[
    int | None, typer.Option("--stack", metavar="BYTES", min=64, max=1 << 20, help="Bytes to reserve for the stack.")
]
Engine = Annotated[str, typer.Option("--engine", help="c: generated C. tflm: TensorFlow Lite for Microcontrollers.")]
TflmInclude = Annotated[
    Path | None, typer.Option("--tflm-include", metavar="FOLDER", help="For tflm: folder that holds tensorflow/.")
]
TflmLibrary = Annotated[Path | None, typer.Option("--tflm-lib", help="For tflm: libtensorflow-microlite.a.")]
CountLayers = Annotated[
    bool,
    typer.Option(
        "--count-layers",
        help="Choose each layer's way by counting it on the emulated core, instead of by the table of counted layers.",
    ),
]
Ram = Annotated[
    int | None,
    typer.Option(
        "--ram",
        min=1,
        metavar="BYTES",
        help="What the arena may take: where it is more, the first layers run by bands of rows. Default: any size.",
    ),
]
MemoryNames = Annotated[
    str | None,
    typer.Option(
        "--memory",
        metavar="NAME=BYTES,..",
        help="Memories that arena and constants may take, the fastest first: flash and any others, as in "
        "ram=262144,flash=1048576,psram=8388608. Default: all is where the compiler puts it.",
    ),
]
InputApart = Annotated[
    bool, typer.Option("--input-apart", help="Read the input where the caller has it, instead of in the arena.")
]


@dataclass(frozen=True)
class Building:
    """The options of a build for one board."""

    toolchain: ToolchainName = "auto"
    optimise: Optimise = "speed"
    count_layers: CountLayers = False
    stack: Stack = None
    ram: Ram = None
    engine: Engine = "c"
    tflm_include: TflmInclude = None
    tflm_lib: TflmLibrary = None

    def settings(self, *, transport: str) -> BuildSettings:
        """Return what the options come to.

        :raises InputError: only one of TFLM's two places is given, or an engine that takes none.
        """
        from edgemnist.mcu.build import BuildSettings

        return BuildSettings(
            toolchain=self.toolchain, optimise=self.optimise, transport=transport, stack_bytes=self.stack,
            network=self._network(),
        )  # fmt: skip

    def _network(self) -> NetworkSettings:
        from edgemnist.compiler.generate import CodegenSettings
        from edgemnist.mcu.network import NetworkSettings, TflmPlace
        from edgemnist.support.errors import InputError

        include, library = self.tflm_include, self.tflm_lib
        if self.ram is not None and self.engine != "c":
            raise InputError(f"--ram {self.ram} is of generated C, not of --engine {self.engine}; leave it out")
        if include is None and library is None:
            return NetworkSettings(engine=self.engine, codegen=CodegenSettings(ram=self.ram))
        if include is None or library is None or self.engine != "tflm":
            raise InputError("--tflm-include and --tflm-lib go together, with --engine tflm")
        return NetworkSettings(engine=self.engine, tflm=TflmPlace(include, library))
