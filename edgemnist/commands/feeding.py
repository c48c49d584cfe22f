"""The options of everything that feeds pictures to a model: how a picture becomes its input."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from edgemnist.tflite.normalisation import NORMALISATIONS
from edgemnist.tflite.preprocessing import CHANNELS, FITS, LAYOUTS

if TYPE_CHECKING:
    from edgemnist.harness.feeding import FeedingSettings

Normalised = Annotated[
    str | None,
    typer.Option(
        "--normalisation",
        metavar="RANGE",
        help=f"What pixels become: {', '.join(NORMALISATIONS)}, LOW..HIGH or mean=M,std=S. Default: worked out.",
    ),
]
Size = Annotated[
    str | None,
    typer.Option("--image-size", metavar="SIZE", help="The model's input: 96, or HEIGHTxWIDTH. Default: worked out."),
]
Fit = Annotated[
    str | None, typer.Option("--fit", help=f"How pictures are brought to that size: {', '.join(FITS)}. Default: pad.")
]
Channels = Annotated[
    str | None, typer.Option("--channels", help=f"What the model takes: {', '.join(CHANNELS)}. Default: worked out.")
]
Layout = Annotated[
    str | None, typer.Option("--layout", help=f"{' or '.join(LAYOUTS)}, where the input's shape does not tell.")
]
Inverted = Annotated[
    bool | None, typer.Option("--inverted/--no-inverted", help="The model takes dark for bright; default: no.")
]
Transposed = Annotated[
    bool | None, typer.Option("--transposed/--no-transposed", help="The model takes rows for columns; default: no.")
]
Classes = Annotated[
    str | None,
    typer.Option("--classes", metavar="NAME,..", help="Names of the classes in the order of the outputs: b,a,c."),
]
Output = Annotated[
    str | None, typer.Option("--output", help="Of several outputs the one with the classes: its name, or its place.")
]


@dataclass(frozen=True)
class Feeding:
    """How a model is fed, as far as it is said."""

    normalisation: Normalised = None
    image_size: Size = None
    fit: Fit = None
    channels: Channels = None
    layout: Layout = None
    inverted: Inverted = None
    transposed: Transposed = None
    classes: Classes = None
    output: Output = None

    def settings(self) -> FeedingSettings:
        """Return what the options come to.

        :raises InputError: a value is malformed or none of those allowed.
        """
        from edgemnist.harness.feeding import feeding_from

        return feeding_from(asdict(self))
