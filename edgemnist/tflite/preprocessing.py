"""How a picture becomes a model's input and what its outputs mean: one value, from the dataset to the chip.

Light, for help texts name the choices: it imports neither numpy nor what reads a file.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from edgemnist.support.errors import InputError
from edgemnist.tflite.normalisation import Normalisation, normalisation_name

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FITS = ("pad", "stretch", "crop", "centre")
"""How a picture of another size is brought to a model's: scaled with its proportions kept and the rest padded; both
sides scaled on their own; scaled to cover the frame and cut; not scaled, padded or cut around its centre."""

CHANNELS = ("grey", "rgb", "bgr")
"""What a model's channels are; "bgr" is what OpenCV reads: blue first."""

LAYOUTS = ("nhwc", "nchw")
"""How an input tensor holds an image: channels last or channels first."""


_COLOUR_WORDS = {"grey": "grey", "rgb": "RGB", "bgr": "BGR"}
_FIT_WORDS = {"pad": "padded to", "stretch": "stretched to", "crop": "cropped to", "centre": "centred in"}


def class_count(outputs: int) -> int:
    """Return how many classes so many outputs tell apart: one value tells two."""
    return 2 if outputs == 1 else outputs


class OutputKind(enum.Enum):
    """What a classifier's outputs are.

    One value that is the probability of the second of two classes is a ``ONE_PROBABILITY``, what a sigmoid would still
    have to be taken of is a ``ONE_SCORE``.
    """

    PROBABILITIES = "probabilities"
    SCORES = "scores"
    ONE_PROBABILITY = "one probability"
    ONE_SCORE = "one score"
    UNKNOWN = "unknown"

    @property
    def single(self) -> bool:
        """Whether one value tells two classes apart."""
        return self in (OutputKind.ONE_PROBABILITY, OutputKind.ONE_SCORE)


@dataclass(frozen=True)
class Preprocessing:
    """What goes into a classifier and what comes out.

    ``image_shape``: (height, width, channels) of an image as uint8, upright, channels last, red first; 1 channel is
    grey, 3 are colours. ``class_names``: in the order of the outputs; empty where nobody has named them. ``output``:
    what the outputs are, where the file tells. ``fit`` is one of :data:`FITS`. What the model takes otherwise than the
    image has it: ``bgr`` blue first; ``layout``, one of :data:`LAYOUTS`; ``inverted``: 255 less every pixel;
    ``transposed``: rows and columns exchanged.
    """

    image_shape: tuple[int, int, int]
    class_names: tuple[str, ...] = ()
    normalisation: Normalisation = field(default_factory=Normalisation)
    output: OutputKind = OutputKind.UNKNOWN
    fit: str = "pad"
    bgr: bool = False
    layout: str = "nhwc"
    inverted: bool = False
    transposed: bool = False

    def __post_init__(self) -> None:
        """Refuse class names that no file, picture or program could have.

        :raises InputError: a name is not Unicode, as that of a folder may be.
        """
        for name in self.class_names:
            try:
                name.encode()
            except UnicodeEncodeError as error:
                raise InputError(
                    f"the class name {name!r} is no text: it holds a byte that is not UTF-8, or half a character; "
                    "rename the class, or its folder"
                ) from error

    @property
    def channels(self) -> int:
        """1 for grey images, 3 for colour."""
        return self.image_shape[2]

    @property
    def colours(self) -> str:
        """The channels by their name in :data:`CHANNELS`."""
        return "grey" if self.channels == 1 else "bgr" if self.bgr else "rgb"

    @property
    def input_size(self) -> tuple[int, int]:
        """(height, width) of the model's input: the image's, exchanged where it takes transposed images."""
        height, width = self.image_shape[:2]
        return (width, height) if self.transposed else (height, width)

    @property
    def rearranged(self) -> bool:
        """Whether the model takes an image's values in another order than the image has them."""
        return self.transposed or (self.channels > 1 and (self.bgr or self.layout == "nchw"))

    def arranged(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return images, uint8 of shape (N, height, width, channels), in the model's orientation and order of channels.

        Channels stay last; inversion is left to the table of pixels or to :meth:`real_input`.
        """
        turned = images.transpose(0, 2, 1, 3) if self.transposed else images
        return turned[..., ::-1] if self.bgr and self.channels > 1 else turned

    def as_seen(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return images as the model sees them but for range and layout: :meth:`arranged`, and inverted if it is so."""
        import numpy as np

        arranged = self.arranged(images)
        return np.ascontiguousarray(np.invert(arranged) if self.inverted else arranged)

    def in_layout(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return values of shape (N, height, width, channels) in the layout of the model's input."""
        return values.transpose(0, 3, 1, 2) if self.layout == "nchw" else values

    def real_input(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return images, uint8 of shape (N, height, width, channels), as float32 input in the model's layout."""
        import numpy as np

        return np.ascontiguousarray(self.in_layout(self.normalisation.apply(self.as_seen(images))))

    def in_words(self) -> str:
        """Return how a picture becomes the input, in one line: ``pixels 0..255, RGB, stretched to 96x96``."""
        height, width = self.input_size
        parts = [f"pixels {normalisation_name(self.normalisation)}", _COLOUR_WORDS[self.colours]]
        parts += ["inverted"] if self.inverted else []
        parts += ["transposed"] if self.transposed else []
        parts += ["channels first"] if self.layout == "nchw" and self.channels > 1 else []
        return ", ".join([*parts, f"{_FIT_WORDS[self.fit]} {height}x{width}"])

    def as_json(self) -> dict[str, Any]:
        """Return what a manifest records, as JSON values."""
        return {
            "image_shape": list(self.image_shape),
            "class_names": list(self.class_names),
            "normalisation": self.normalisation.as_json(),
            "fit": self.fit,
            "channels": self.colours,
            "layout": self.layout,
            "inverted": self.inverted,
            "transposed": self.transposed,
            "output": self.output.value,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Preprocessing:
        """Read back what :meth:`as_json` gave; what a manifest of an earlier version lacks is as it always was then.

        :raises KeyError, TypeError, ValueError: a value is missing or of the wrong type.
        """
        height, width, channels = (int(size) for size in values["image_shape"])
        return cls(
            (height, width, channels),
            tuple(str(name) for name in values["class_names"]),
            Normalisation.from_json(values["normalisation"]),
            OutputKind(values.get("output", OutputKind.UNKNOWN.value)),
            fit=_one_of(FITS, values.get("fit", "pad")),
            bgr=_one_of(CHANNELS, values.get("channels", "rgb")) == "bgr",
            layout=_one_of(LAYOUTS, values.get("layout", "nhwc")),
            inverted=bool(values.get("inverted", False)),
            transposed=bool(values.get("transposed", False)),
        )


def _one_of(allowed: tuple[str, ...], value: Any) -> str:
    if value not in allowed:
        raise ValueError(f"{value!r} is none of {', '.join(allowed)}")
    return str(value)
