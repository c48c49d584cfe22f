"""The picture that a request asks about, in each of the forms in which it may come."""

from __future__ import annotations

import base64
import binascii
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request

from edgemnist.data.framing import INVERT_CHOICES
from edgemnist.http.bodies import aside, file_of_form, json_object, kind_of, read_body
from edgemnist.http.pictures import Then
from edgemnist.http.problems import RequestError, bad_request
from edgemnist.http.service import http_service_of

FIELD = "file"
"""The field of a form that has the picture."""

_Result = TypeVar("_Result")


def inversion_of(request: Request) -> str:
    """Return the ``invert`` of a request's query, by default "auto".

    :raises RequestError: 400 it is none of ``INVERT_CHOICES``.
    """
    invert = request.query_params.get("invert", "auto")
    if invert not in INVERT_CHOICES:
        raise bad_request(f"unknown invert {invert!r}; choose one of {', '.join(INVERT_CHOICES)}")
    return invert


async def asked_picture(request: Request, then: Then[_Result]) -> _Result:
    """Return what is made of the picture in a request: a file as it is, in a form, in base64 in JSON; or JSON's pixels.

    :raises RequestError: 400, 413 or 415; says what is wrong with it.
    """
    service = http_service_of(request)
    body = await read_body(request)
    kind = kind_of(request)
    if kind == "multipart/form-data":
        content, name = await file_of_form(request, body, FIELD)
        return await service.pictures.of_file(content, name, then)
    if kind == "application/json":
        document = await json_object(request, body)
        if ("image" in document) == ("pixels" in document):
            raise bad_request('the object has to have "image", a picture file in base64, or "pixels", not both')
        if "pixels" in document:
            picture = await aside(request, len(body), _pixels, document["pixels"], service.limits.pixels)
            return await service.pictures.run(then, picture)
        return await service.pictures.of_file(from_base64(document["image"], "image"), "image", then)
    if kind.startswith("image/") or kind in _TELL_NOTHING:
        return await service.pictures.of_file(body, "the body", then)
    raise RequestError(
        415, f"a picture does not come as {kind!r}; send a form with a file {FIELD!r}, an image/png or JSON"
    )


_TELL_NOTHING = ("application/octet-stream", "application/x-www-form-urlencoded", "")
"""Types of which the content is taken for a picture file; the second is what curl says of ``--data-binary``."""


def from_base64(text: Any, what: str) -> bytes:
    """Return the bytes of base64 (RFC 4648); what a browser puts before it in a data: address is left out.

    :raises RequestError: 400 it is no base64.
    """
    if isinstance(text, str):
        payload = text.partition(",")[2] if text.startswith("data:") else text
        try:
            return base64.b64decode(payload, validate=True)
        except (binascii.Error, ValueError):
            pass
    raise bad_request(f"{what!r} is no base64; send the bytes of a picture file in it")


def _pixels(rows: Any, most: int) -> NDArray[np.uint8]:
    """Return rows of pixels as uint8, shape (height, width) or (height, width, 3)."""
    try:
        values = np.array(rows, dtype=np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        raise bad_request('"pixels" are no rows of the same length; send [[0, 255, ...], ...]') from error
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[..., 0]
    coloured = values.ndim == 3 and values.shape[2] == 3
    if not (values.ndim == 2 or coloured) or 0 in values.shape or values.shape[0] * values.shape[1] > most:
        raise bad_request(
            f'"pixels" have the shape {list(values.shape)}; send rows of numbers, or of three for a colour, at most '
            f"{most:,} pixels"
        )
    if not ((values >= 0) & (values <= 255) & (values == np.floor(values))).all():
        raise bad_request('"pixels" are whole numbers from 0 to 255; multiply by 255 and round what is in 0..1')
    return values.astype(np.uint8)
