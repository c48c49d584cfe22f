"""Pictures of requests to pixels, in a few threads: decoding them is what takes a server's time."""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from edgemnist.data.images import decode_image
from edgemnist.http.problems import RequestError, bad_request, too_large
from edgemnist.http.settings import Limits
from edgemnist.support.errors import InputError
from edgemnist.support.picture_checks import OversizedPictureError

_MOST_THREADS = 4
_Result = TypeVar("_Result")
Then = Callable[[NDArray[np.uint8]], _Result]
"""What is made of a picture, uint8 of shape (height, width) or (height, width, 3), in the thread that decoded it: where
many wait, none of them is kept as pixels.
"""


class Pictures:
    """Decodes pictures within limits, ``threads`` at a time, by default as many as there are cores and at most four."""

    def __init__(self, limits: Limits, threads: int | None = None) -> None:
        self._pool = ThreadPoolExecutor(threads or min(_MOST_THREADS, os.cpu_count() or 1), "pictures")
        self._limits = limits

    def warm_up(self, then: Then[Any]) -> None:
        """Decode a picture, so that no request has to wait for what that loads."""
        file = io.BytesIO()
        Image.new("L", (40, 40), 255).save(file, "PNG")
        self._pool.submit(self._of_file, file.getvalue(), "a blank picture", then).result()

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def of_file(self, content: bytes, name: str, then: Then[_Result]) -> _Result:
        """Return what is made of an image file's content.

        :raises RequestError: 415 it is no image; 413 it has too many pixels; 400 it is damaged.
        """
        if not content:
            raise bad_request(f"{name} is empty; send the bytes of a PNG or JPEG")
        return await self.run(self._of_file, content, name, then)

    async def run(self, function: Callable[..., _Result], *arguments: Any) -> _Result:
        """Return what a function returns that takes its time, from one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)

    def _of_file(self, content: bytes, name: str, then: Then[_Result]) -> _Result:
        try:
            picture = decode_image(content, name, self._limits.pixels, self._limits.slow_bytes)
        except InputError as error:
            raise _problem(error) from error
        return then(picture)


def _problem(error: InputError) -> RequestError:
    if isinstance(error.__cause__, OversizedPictureError):
        return too_large(str(error))
    if isinstance(error.__cause__, UnidentifiedImageError):
        return RequestError(415, f"{error}; send the bytes of one of these")
    return bad_request(str(error))
