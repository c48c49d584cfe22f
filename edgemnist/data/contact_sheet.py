"""Many small pictures on one, each with its caption. Needs Pillow alone."""

from __future__ import annotations

import io
import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgemnist.support.palette import theme

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont, ImageFont

_TEXT, _LINE, _GAP, _EDGE = 12, 17, 10, 10
"""Pixels: a caption's text and line, and what is left free between pictures and around them all."""

_WIDEST_CAPTION = 220
"""Pixels that a caption may ask for where its picture is narrower."""

_LONGEST_NAME = 16
"""Characters of a class's name in the caption of a prediction."""

_SQUARE = 1.25
"""Sheets of at most this ratio of their sides are equally good; of them that without gaps is taken."""


_LONG = 2.0


@dataclass(frozen=True)
class Caption:
    """A text below a picture; ``wrong``: what it says is a mistake; ``empty``: its place stays free."""

    text: str
    wrong: bool = False
    empty: bool = False

    @classmethod
    def of_prediction(cls, predicted: str, confidence: float, truth: str = "") -> Caption:
        """Return "truth -> predicted, confidence", without a truth "predicted, confidence"."""
        said = f"{_clipped(predicted)}, {100 * confidence:.0f} %"
        return cls(f"{_clipped(truth)} -> {said}" if truth else said, bool(truth) and truth != predicted)


def contact_sheet(
    images: NDArray[np.uint8],
    captions: Sequence[Caption],
    *,
    columns: int | None = None,
    in_columns: int = 1,
    cell: int = 84,
) -> bytes:
    """Return a PNG with the images in rows, the caption under each. The same input gives the same bytes.

    ``images``: uint8, (count, height, width, 1 or 3), enlarged without smoothing by a whole factor to at most ``cell``
    pixels (at least once), or to twice that where captions are so wide. ``columns``: None for what makes the sheet
    nearly square, of multiples of ``in_columns``.
    """
    from PIL import Image, ImageDraw

    height, width = images.shape[1:3]
    scale = max(1, cell // max(height, width))
    font = _font()
    longest = max((font.getlength(_printable(one.text)) for one in captions), default=0.0)
    asked = min(math.ceil(longest), _WIDEST_CAPTION)
    scale = max(scale, min(asked // width, 2 * cell // max(height, width)))  # room that captions take is not left blank
    across = max(width * scale, asked) + _GAP
    down = height * scale + _LINE + _GAP
    columns = columns or near_square(len(images), across, down, in_columns)
    columns = max(1, min(columns, len(images)))
    rows = math.ceil(len(images) / columns)
    size = columns * across - _GAP + 2 * _EDGE, rows * down - _GAP + 2 * _EDGE
    sheet = Image.new("RGB", size, theme().paper)
    draw = ImageDraw.Draw(sheet)
    for index, (pixels, caption) in enumerate(zip(images, captions, strict=True)):
        if caption.empty:
            continue
        left, top = _EDGE + index % columns * across, _EDGE + index // columns * down
        sheet.paste(_enlarged(pixels, scale), (left, top))
        text = _shortened(caption.text, font, across - _GAP)
        colour = theme().bad if caption.wrong else theme().ink
        draw.text((left, top + height * scale + 1), text, fill=colour, font=font)
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()


def near_square(count: int, across: int, down: int, in_columns: int = 1) -> int:
    """Return how many columns make ``count`` cells of a size most nearly a square.

    Of those that are square enough that with the fewest empty places; a multiple of ``in_columns`` where one is not
    more than twice as long as high, or the other way round.
    """

    def badness(columns: int) -> tuple[float, int, float]:
        rows = math.ceil(count / columns)
        ratio = columns * across / (rows * down)
        ratio = max(ratio, 1 / ratio)
        return max(ratio, _SQUARE), rows * columns - count, ratio

    best = min(range(in_columns, max(count, in_columns) + 1, in_columns), key=badness)
    return best if badness(best)[0] <= _LONG else min(range(1, count + 1), key=badness, default=1)


def _clipped(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 2]}.."


def _enlarged(pixels: NDArray[np.uint8], scale: int) -> Image:
    from PIL import Image

    picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    enlarged = picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)
    return enlarged.convert("RGB")


def _font() -> FreeTypeFont | ImageFont:
    from PIL import ImageFont

    try:
        return ImageFont.load_default(_TEXT)
    except (TypeError, ImportError):  # Pillow 10.0, or one without FreeType: it has one size
        return ImageFont.load_default()


def _printable(text: str) -> str:
    """Return a text in what Pillow's built-in font has, ASCII: accents go, the rest is a "?"."""
    plain = "".join(part for part in unicodedata.normalize("NFKD", text) if not unicodedata.combining(part))
    return plain.encode("ascii", "replace").decode("ascii")


def _shortened(text: str, font: FreeTypeFont | ImageFont, width: int) -> str:
    """Cut the end off a caption that is wider than a number of pixels."""
    shown = _printable(text)
    if font.getlength(shown) <= width:
        return shown
    while len(shown) > 1 and font.getlength(f"{shown}..") > width:
        shown = shown[:-1]
    return f"{shown}.."
