"""Single image files in, contact sheets out. Everything that touches Pillow is here."""

from __future__ import annotations

import io
import math
import unicodedata
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.framing import INVERT_CHOICES, FramedImage, Scaling, frame
from edgemnist.support.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont, ImageFont

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
"""Image formats that are read. Pillow knows more, but some of those start other programs (EPS starts Ghostscript)."""

SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm"}
)
"""File name endings (lower case) that mark an image in a folder."""

MAX_PIXELS = 50_000_000
"""An image with more pixels is refused before it is decompressed."""

_ORIENTATION_TAG = 0x0112
_TURNED_ORIENTATIONS = frozenset({5, 6, 7, 8})


def read_image(path: Path) -> NDArray[np.uint8]:
    """Read an image file as uint8, 0..255: shape (height, width) when it is grey, (height, width, 3) when coloured.

    An image saved in colour whose pixels are all grey counts as grey. EXIF orientation is applied, palettes are
    resolved, 16-bit values scaled to 8 bits, the first frame of an animation taken. Transparency is laid over white,
    or over black when the visible part is bright (white ink on nothing).

    :raises InputError: missing, not one of :data:`FORMATS`, damaged, or larger than :data:`MAX_PIXELS`.
    """
    from PIL import ImageOps

    with _opened(path) as image:
        return _without_colour_if_grey(_to_array(ImageOps.exif_transpose(image)))


def image_size(path: Path) -> tuple[int, int]:
    """Return (height, width) of an image file as displayed, reading only its header.

    :raises InputError: as :func:`read_image`, as far as the header tells.
    """
    with _opened(path) as image:
        turned = image.getexif().get(_ORIENTATION_TAG) in _TURNED_ORIENTATIONS
        return image.size if turned else (image.height, image.width)


def fit_image(image: NDArray[np.uint8], size: tuple[int, int], channels: int) -> NDArray[np.uint8]:
    """Return an image as uint8 of shape (size[0], size[1], channels), keeping its proportions.

    ``image``: uint8, (height, width) or (height, width, 1 or 3). What is left over at two sides gets the median colour
    of the image's border. Colour becomes grey by ITU-R BT.601 luma; grey becomes colour by repetition. An image that
    fits already comes back unchanged.
    """
    from PIL import Image

    grey = image.ndim == 2 or image.shape[2] == 1
    picture = Image.fromarray(image.reshape(image.shape[:2]) if grey else image)
    if channels == 1 and not grey:
        picture = picture.convert("L")
    if (picture.height, picture.width) != size:
        picture = _scaled_and_padded(picture, size)
    pixels = np.asarray(picture, dtype=np.uint8).reshape(*size, -1)
    # Grey is repeated last: scaling the three equal channels would come to the same, three times.
    return np.repeat(pixels, channels, axis=2) if pixels.shape[2] < channels else pixels


def frame_image(
    picture: NDArray[np.uint8],
    image_shape: tuple[int, int, int],
    dataset: str,
    invert: str = "auto",
    fit: str = "pad",
) -> FramedImage:
    """Bring a picture of any size, as :func:`read_image` returns it, into a dataset's frame; see :func:`frame`.

    :raises InputError: ``invert`` is none of ``INVERT_CHOICES``.
    """
    if invert not in INVERT_CHOICES:
        raise InputError(f"unknown --invert {invert!r}; choose one of {', '.join(INVERT_CHOICES)}")
    return frame(picture, image_shape, dataset, invert, Scaling(fit_image, _resized), fit)


def _resized(grey: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    from PIL import Image

    picture = Image.fromarray(grey).resize((size[1], size[0]), Image.Resampling.BICUBIC)
    return np.asarray(picture, dtype=np.uint8)


def contact_sheet(
    images: NDArray[np.uint8],
    labels: Sequence[int] | NDArray[np.int64],
    class_names: Sequence[str],
    *,
    columns: int = 10,
    cell: int = 72,
) -> bytes:
    """Return a PNG with the images in rows, the class name under each. The same input gives the same bytes.

    ``images``: uint8, (count, height, width, 1 or 3); ``labels``: (count,), indices into ``class_names``. Images are
    enlarged by a whole factor to at most ``cell`` pixels (at least once), without smoothing.
    """
    from PIL import Image, ImageDraw

    height, width = images.shape[1:3]
    scale = max(1, cell // max(height, width))
    font, caption, gap = _font(), 14, 4
    cell_width, cell_height = max(width * scale, 48) + gap, height * scale + caption + gap
    columns = max(1, min(columns, len(images)))
    rows = math.ceil(len(images) / columns)
    sheet = Image.new("RGB", (columns * cell_width + gap, rows * cell_height + gap), "#303030")
    draw = ImageDraw.Draw(sheet)
    for index, (pixels, label) in enumerate(zip(images, labels, strict=True)):
        left, top = gap + index % columns * cell_width, gap + index // columns * cell_height
        sheet.paste(_enlarged(pixels, scale), (left, top))
        text = _shortened(class_names[int(label)], font, cell_width - gap)
        draw.text((left, top + height * scale + 1), text, fill="#ffffff", font=font)
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()


def _enlarged(pixels: NDArray[np.uint8], scale: int) -> Image:
    from PIL import Image

    picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    enlarged = picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)
    return enlarged.convert("RGB")


@contextmanager
def _opened(path: Path) -> Iterator[Image]:
    """Open an image; whatever goes wrong while it is open becomes an :class:`InputError`."""
    from PIL import Image, UnidentifiedImageError

    Image.init()
    try:
        with warnings.catch_warnings():
            # Pillow warns of things (odd metadata, large sizes) that either don't matter here or are checked below.
            warnings.simplefilter("ignore")
            with Image.open(path, formats=[name for name in FORMATS if name in Image.OPEN]) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise InputError(
                        f"{str(path)!r} is {image.width} x {image.height} pixels; "
                        f"at most {MAX_PIXELS:,} pixels are read: scale it down"
                    )
                yield image
    except InputError:
        raise
    except UnidentifiedImageError as error:
        raise InputError(f"{str(path)!r} is not an image of a known format ({', '.join(FORMATS)})") from error
    except OSError as error:
        raise InputError(f"cannot read the image {str(path)!r}: {error.strerror or error}") from error
    except Exception as error:  # Pillow's decoders raise nearly anything on damaged files
        raise InputError(f"cannot read the image {str(path)!r}: it is damaged ({error})") from error


def _to_array(image: Image) -> NDArray[np.uint8]:
    """Return (height, width) or (height, width, 3) of any Pillow mode."""
    if image.mode.startswith("I"):
        return _wide_to_bytes(np.asarray(image).astype(np.int64))
    if image.mode == "F":
        return _float_to_bytes(np.nan_to_num(np.asarray(image)))
    if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        return _flattened(np.asarray(image.convert("RGBA")))
    return np.asarray(image.convert("L" if image.mode in ("1", "L") else "RGB"), dtype=np.uint8)


def _float_to_bytes(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Scale floating-point grey values to 8 bits: those of an image within 0..1 by 255, others as they are."""
    scaled = values * 255 if values.max(initial=0) <= 1 else values
    pixels: NDArray[np.uint8] = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
    return pixels


def _wide_to_bytes(values: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Scale 16-bit grey values to 8 bits; values that need only 8 bits stay."""
    wide = values.max(initial=0) > 255
    narrow: NDArray[np.uint8] = np.clip(np.rint(values / 257) if wide else values, 0, 255).astype(np.uint8)
    return narrow


def _flattened(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lay RGBA pixels over white, or over black when the visible part is brighter than middle grey."""
    alpha = rgba[..., 3:].astype(np.float64) / 255
    colour = rgba[..., :3].astype(np.float64)
    visible = float(alpha.sum()) * 3
    brightness = float((colour * alpha).sum()) / visible if visible else 0.0
    transparent = float(alpha.min(initial=1)) < 1
    background = 0.0 if transparent and brightness > 127 else 255.0
    flat: NDArray[np.uint8] = np.rint(colour * alpha + background * (1 - alpha)).astype(np.uint8)
    return flat


def _without_colour_if_grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if pixels.ndim == 3 and (pixels == pixels[..., :1]).all():
        return np.ascontiguousarray(pixels[..., 0])
    return pixels


def _scaled_and_padded(picture: Image, size: tuple[int, int]) -> Image:
    from PIL import Image

    factor = min(size[0] / picture.height, size[1] / picture.width)
    inner = max(1, round(picture.width * factor)), max(1, round(picture.height * factor))
    scaled = picture.resize(inner, Image.Resampling.LANCZOS)
    if inner == (size[1], size[0]):
        return scaled
    canvas = Image.new(picture.mode, (size[1], size[0]), _border_colour(picture))
    canvas.paste(scaled, ((size[1] - inner[0]) // 2, (size[0] - inner[1]) // 2))
    return canvas


def _border_colour(picture: Image) -> tuple[int, ...]:
    pixels = np.asarray(picture).reshape(picture.height, picture.width, -1)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    return tuple(int(value) for value in np.median(border, axis=0))


def _font() -> FreeTypeFont | ImageFont:
    from PIL import ImageFont

    return ImageFont.load_default()


def _shortened(text: str, font: FreeTypeFont | ImageFont, width: int) -> str:
    """Cut a caption to a width in pixels. Pillow's built-in font knows ASCII alone: accents go, the rest is a "?"."""
    plain = "".join(part for part in unicodedata.normalize("NFKD", text) if not unicodedata.combining(part))
    printable = plain.encode("ascii", "replace").decode("ascii")
    while len(printable) > 1 and font.getlength(printable) > width:
        printable = printable[:-1]
    return printable
