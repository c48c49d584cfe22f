"""Pictures of requests to what the net sees, in a few threads: decoding them is what takes a server's time."""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from edgemnist.data.framing import FramedImage
from edgemnist.data.images import decode_image
from edgemnist.harness.single import seen
from edgemnist.serving.models import ServedModel
from edgemnist.serving.problems import RequestError, bad_request, too_large
from edgemnist.support.errors import InputError
from edgemnist.support.picture_checks import OversizedPictureError

_MOST_THREADS = 4
_Result = TypeVar("_Result")


@dataclass(frozen=True, eq=False)
class Prepared:
    """What the net sees of a picture, and the input of shape (1, ...) that comes of it."""

    image: FramedImage
    inputs: NDArray[Any]


class Pictures:
    """Decodes pictures of at most ``most_pixels``, as many at a time as there are cores, and no more than four."""

    def __init__(self, most_pixels: int) -> None:
        self._pool = ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1), thread_name_prefix="pictures")
        self._most_pixels = most_pixels

    def warm_up(self, model: ServedModel) -> None:
        """Decode a picture, so that no request has to wait for what that loads."""
        file = io.BytesIO()
        Image.new("L", (40, 40), 255).save(file, "PNG")
        self._of_file(file.getvalue(), "a blank picture", model, "auto")

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def of_file(self, content: bytes, name: str, model: ServedModel, invert: str) -> Prepared:
        """Return what a net sees of an image file's content.

        :raises RequestError: 415 it is no image; 413 it has too many pixels; 400 it is damaged.
        """
        if not content:
            raise bad_request(f"{name} is empty; send the bytes of a PNG or JPEG")
        return await self.run(self._of_file, content, name, model, invert)

    async def run(self, function: Callable[..., _Result], *arguments: Any) -> _Result:
        """Return what a function returns that takes its time, from one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)

    def _of_file(self, content: bytes, name: str, model: ServedModel, invert: str) -> Prepared:
        try:
            picture = decode_image(content, name, self._most_pixels)
        except InputError as error:
            raise _problem(error) from error
        return of_pixels(picture, model, invert)


def of_pixels(picture: NDArray[np.uint8], model: ServedModel, invert: str) -> Prepared:
    """Return what a net sees of a picture, uint8 of shape (height, width) or (height, width, 3)."""
    framed = seen(picture, model.context, invert)
    return Prepared(framed, model.inputs(framed.pixels[np.newaxis]))


def _problem(error: InputError) -> RequestError:
    if isinstance(error.__cause__, OversizedPictureError):
        return too_large(str(error))
    if isinstance(error.__cause__, UnidentifiedImageError):
        return RequestError(415, f"{error}; send the bytes of one of these")
    return bad_request(str(error))
