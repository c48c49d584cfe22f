"""Single image files; what is done with Pillow is here and in ``stored_pixels``."""

from __future__ import annotations

import io
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.framing import INVERT_CHOICES, FramedImage, Scaling, frame
from edgemnist.data.stored_pixels import range_of, to_bytes, values_of, without_colour_if_grey
from edgemnist.data.values import Scales, ValueKind
from edgemnist.support.errors import InputError
from edgemnist.support.limits import MAX_PICTURE_BYTES, MAX_PIXELS, MAX_SIDE, MAX_SLOW_BYTES
from edgemnist.support.picture_checks import (
    OversizedPictureError,
    UnfitPictureError,
    check_content,
    check_opened,
    check_size,
)
from edgemnist.support.reading import open_file

if TYPE_CHECKING:
    from PIL.Image import Image, Resampling

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
"""Image formats that are read. Pillow knows more, but some of those start other programs (EPS starts Ghostscript)."""

HEIF_SUFFIXES = frozenset({".heic", ".heif", ".hif"})
"""Photos of telephones; :func:`reads_heif` says whether they can be read."""

HEIF_REMEDY = "pip install 'edgemnist[heic]'"

SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jfif", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm"}
)
"""File name endings (lower case) that mark an image in a folder."""

_PILLOW_LOG, _SILENT = logging.getLogger("PIL"), logging.NullHandler()

_HEIF = "HEIF"
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_SCALE_IT_DOWN = "at most {:,} pixels are read: scale it down"
_ORIENTATION_TAG = 0x0112
_TURNED_ORIENTATIONS = frozenset({5, 6, 7, 8})


@dataclass(frozen=True)
class ImageHeader:
    """What an image file says of itself: (height, width) as displayed, and how it holds its values."""

    size: tuple[int, int]
    values: ValueKind


def reads_heif() -> bool:
    """Tell whether the decoder of HEIC and HEIF photos is installed."""
    from importlib.util import find_spec

    return find_spec("pillow_heif") is not None


def read_image(path: Path, scales: Scales | None = None) -> NDArray[np.uint8]:
    """Read an image file as uint8, 0..255: shape (height, width) when it is grey, (height, width, 3) when coloured.

    An image saved in colour whose pixels are all grey counts as grey. EXIF orientation is applied, palettes are
    resolved, the first frame of an animation taken. Transparency is laid over white, or over black when the visible
    part is bright (white ink on nothing). Values wider than 8 bits are scaled by ``scales``, which are those of a set;
    None takes the image by itself for one (:func:`~edgemnist.data.values.scale_of`).

    :raises InputError: missing, not one of :data:`FORMATS`, damaged, or beyond :mod:`~edgemnist.support.limits`.
    """
    with _opened(path, str(path)) as image:
        return _pixels(image, scales)


def decode_image(
    content: bytes, name: str, most_pixels: int = MAX_PIXELS, most_slow_bytes: int = MAX_SLOW_BYTES
) -> NDArray[np.uint8]:
    """Decode an image file's content as :func:`read_image` does; of more pixels than that nothing but the header is.

    :param name: what messages call it.
    :param most_slow_bytes: of a file in a coding that Pillow decodes in Python.
    :raises InputError: as :func:`read_image`; its cause is an :class:`OversizedPictureError` where it is too large.
    """
    with _opened(content, name, most_pixels, most_slow_bytes) as image:
        return _pixels(image, None)


def _pixels(image: Image, scales: Scales | None) -> NDArray[np.uint8]:
    from PIL import ImageOps

    kind = values_of(image)
    if image.getexif().get(_ORIENTATION_TAG, 1) != 1:  # else it would be copied; Pillow 9 cannot do it in place
        image = ImageOps.exif_transpose(image)
    return without_colour_if_grey(to_bytes(image, kind, scales))


def read_header(path: Path) -> ImageHeader:
    """Return an image file's size and kind of values, reading only its header.

    :raises InputError: as :func:`read_image`, as far as the header tells.
    """
    with _opened(path, str(path)) as image:
        values = values_of(image)  # before EXIF is read: for that Pillow reads all of a PNG, and forgets how
        turned = image.getexif().get(_ORIENTATION_TAG) in _TURNED_ORIENTATIONS
        return ImageHeader(image.size if turned else (image.height, image.width), values)


def read_range(path: Path) -> tuple[float, float]:
    """Return the (lowest, highest) value in an image file as it is stored; of 16-bit colours that of the upper 8 bits.

    :raises InputError: as :func:`read_image`.
    """
    with _opened(path, str(path)) as image:
        return range_of(image)


def fit_image(image: NDArray[np.uint8], size: tuple[int, int], channels: int, fit: str = "pad") -> NDArray[np.uint8]:
    """Return an image as uint8 of shape (size[0], size[1], channels).

    ``image``: uint8, (height, width) or (height, width, 1 or 3). ``fit``, one of
    :data:`~edgemnist.tflite.preprocessing.FITS`: "pad" scales with the proportions kept, "centre" not at all; what is
    then left over gets the median colour of the image's border, what is too much is cut off evenly. "crop" first cuts
    the largest middle part of the frame's proportions out, then scales it. "stretch" scales both sides on their own.
    Colour becomes grey by ITU-R BT.601 luma; grey becomes colour by repetition. An image that fits already comes back
    unchanged.

    :raises InputError: ``fit`` is none of these.
    """
    from PIL import Image

    if fit not in _FITTED:
        raise InputError(f"unknown fit {fit!r}; choose one of {', '.join(_FITTED)}")
    grey = image.ndim == 2 or image.shape[2] == 1
    picture = Image.fromarray(image.reshape(image.shape[:2]) if grey else image)
    if channels == 1 and not grey:
        picture = picture.convert("L")
    if (picture.height, picture.width) != size:
        picture = _FITTED[fit](picture, size)
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

    ``fit``: as for :func:`fit_image`, where the picture is scaled.

    :raises InputError: ``invert`` is none of ``INVERT_CHOICES``, or ``fit`` none of ``FITS``.
    """
    if invert not in INVERT_CHOICES:
        raise InputError(f"unknown --invert {invert!r}; choose one of {', '.join(INVERT_CHOICES)}")
    return frame(picture, image_shape, dataset, invert, SCALING, fit)


def _resized(grey: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    from PIL import Image

    return np.asarray(_scaled(Image.fromarray(grey), size, Image.Resampling.BICUBIC), dtype=np.uint8)


SCALING = Scaling(fit_image, _resized)
"""How pictures are scaled, for :func:`~edgemnist.data.framing.frame`."""


def _scaled(picture: Image, size: tuple[int, int], filter: Resampling) -> Image:
    """Scale a picture to (height, width), which every Pillow does alike: a pass for each side, each rounded to bytes.

    Pillow before 13 always begins with the width; from then on with the height where that loses more than twice the
    pixels that the width does. As here, whichever it is.
    """
    lost_height, lost_width = picture.height - size[0], picture.width - size[1]
    steps = [(size[1], picture.height), (size[1], size[0])]
    if lost_height > max(0, 2 * lost_width):
        steps[0] = (picture.width, size[0])
    for step in steps:
        picture = picture.resize(step, filter)
    return picture


@contextmanager
def _opened(
    source: Path | bytes, name: str, most_pixels: int | None = None, most_slow_bytes: int = MAX_SLOW_BYTES
) -> Iterator[Image]:
    """Open an image file or its content; whatever goes wrong while it is open becomes an :class:`InputError`."""
    from PIL import Image, UnidentifiedImageError

    most_pixels = MAX_PIXELS if most_pixels is None else most_pixels
    Image.init()
    _PILLOW_LOG.addHandler(_SILENT)  # what it logs is for those who write decoders; the error says it to users
    _register_heif(source)
    try:
        with warnings.catch_warnings(), _bytes_of(source) as file:
            # Pillow warns of things (odd metadata, large sizes) that either don't matter here or are checked below.
            warnings.simplefilter("ignore")
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            check_content(file, size, MAX_PICTURE_BYTES)
            with Image.open(file, formats=[name for name in (*FORMATS, _HEIF) if name in Image.OPEN]) as image:
                check_size(image.width, image.height, most_pixels, MAX_SIDE)
                check_opened(image, file, size, most_slow_bytes)
                yield image
    except InputError:
        raise
    except UnfitPictureError as error:
        raise InputError(f"cannot read the image {name!r}: {error}") from error
    except UnidentifiedImageError as error:
        raise InputError(_unknown_format(source, name)) from error
    except OSError as error:
        raise InputError(f"cannot read the image {name!r}: {error.strerror or error}") from error
    except Image.DecompressionBombError as error:
        # Pillow has a limit of its own, beyond ours, which it applies before the size can be asked for.
        raise InputError(f"cannot read the image {name!r}: {error}; {_SCALE_IT_DOWN.format(most_pixels)}") from (
            OversizedPictureError(str(error))
        )
    except Exception as error:  # Pillow's decoders raise nearly anything on damaged files
        raise InputError(f"cannot read the image {name!r}: it is damaged ({error})") from error


@contextmanager
def _bytes_of(source: Path | bytes) -> Iterator[BinaryIO]:
    if isinstance(source, bytes):
        yield io.BytesIO(source)
    else:
        with open_file(source) as file:
            yield file


def _register_heif(source: Path | bytes) -> None:
    """Let Pillow read HEIF: only for a file that is one, because the decoder takes a while to load."""
    from PIL import Image

    if _HEIF not in Image.OPEN and _is_heif(source) and reads_heif():
        import pillow_heif

        pillow_heif.register_heif_opener()


def _is_heif(source: Path | bytes) -> bool:
    """Tell by its first bytes whether a file is HEIF, whatever its name (ISO/IEC 14496-12: ``ftyp`` and a brand)."""
    try:
        with _bytes_of(source) as file:
            start = file.read(12)
    except (OSError, InputError):
        return False  # opening it again will say why
    return start[4:8] == b"ftyp" and start[8:12] in _HEIF_BRANDS


def _unknown_format(source: Path | bytes, name: str) -> str:
    if _is_heif(source):
        what = "it is damaged" if reads_heif() else f"that needs its decoder: {HEIF_REMEDY}"
        return f"cannot read the HEIC photo {name!r}: {what}"
    return f"{name!r} is not an image of a known format ({', '.join(FORMATS)})"


def _scaled_and_padded(picture: Image, size: tuple[int, int]) -> Image:
    from PIL import Image

    factor = min(size[0] / picture.height, size[1] / picture.width)
    inner = max(1, round(picture.height * factor)), max(1, round(picture.width * factor))
    scaled = _scaled(picture, inner, Image.Resampling.LANCZOS)
    return scaled if inner == size else _laid_into(scaled, size, _border_colour(picture))


def _stretched(picture: Image, size: tuple[int, int]) -> Image:
    from PIL import Image

    return _scaled(picture, size, Image.Resampling.LANCZOS)


def _cropped(picture: Image, size: tuple[int, int]) -> Image:
    # Cut before it is scaled: of a very long picture, scaling first would make a far longer one.
    height = min(picture.height, max(1, round(picture.width * size[0] / size[1])))
    width = min(picture.width, max(1, round(picture.height * size[1] / size[0])))
    return _stretched(_middle(picture, (height, width)), size)


def _centred(picture: Image, size: tuple[int, int]) -> Image:
    cut = _middle(picture, (min(picture.height, size[0]), min(picture.width, size[1])))
    return _laid_into(cut, size, _border_colour(picture))


def _middle(picture: Image, size: tuple[int, int]) -> Image:
    top, left = (picture.height - size[0]) // 2, (picture.width - size[1]) // 2
    return picture.crop((left, top, left + size[1], top + size[0]))


def _laid_into(picture: Image, size: tuple[int, int], colour: tuple[int, ...]) -> Image:
    from PIL import Image

    canvas = Image.new(picture.mode, (size[1], size[0]), colour)
    canvas.paste(picture, ((size[1] - picture.width) // 2, (size[0] - picture.height) // 2))
    return canvas


_FITTED = {"pad": _scaled_and_padded, "stretch": _stretched, "crop": _cropped, "centre": _centred}


def _border_colour(picture: Image) -> tuple[int, ...]:
    right, bottom = picture.size
    edges = (0, 0, right, 1), (0, bottom - 1, right, bottom), (0, 0, 1, bottom), (right - 1, 0, right, bottom)
    bands = len(picture.getbands())
    border = np.concatenate([np.asarray(picture.crop(edge)).reshape(-1, bands) for edge in edges])
    return tuple(int(value) for value in np.median(border, axis=0))
