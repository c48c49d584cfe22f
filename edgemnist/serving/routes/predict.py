"""``POST /predict``: one picture as a form, as it is, or in JSON."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import numpy as np
from fastapi import APIRouter
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import Response

from edgemnist.data.framing import INVERT_CHOICES
from edgemnist.serving.answers import json_response, prediction
from edgemnist.serving.bodies import aside, file_of_form, json_object, read_body
from edgemnist.serving.models import ServedModel
from edgemnist.serving.pictures import Prepared, of_pixels
from edgemnist.serving.problems import RequestError, bad_request
from edgemnist.serving.service import milliseconds_of, service_of

router = APIRouter()

FIELD = "file"
PICTURE_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {"type": "object", "properties": {FIELD: {"type": "string", "format": "binary"}}}
        },
        "image/*": {"schema": {"type": "string", "format": "binary"}},
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {
                    "image": {"type": "string", "format": "byte", "description": "An image file in base64."},
                    "pixels": {
                        "type": "array", "items": {"type": "array", "items": {}},
                        "description": "Rows of pixels, 0 to 255: numbers, or three for a colour.",
                    },
                },
            }
        },
    },
}  # fmt: skip
PICTURE_PARAMETERS = [
    {"name": name, "in": "query", "required": False, "description": text, "schema": {"type": "string"}}
    for name, text in (
        ("model", "The model's name; by default the first."),
        ("version", "Its version; by default the newest."),
        ("invert", f"Swap dark and bright: {', '.join(INVERT_CHOICES)}; by default auto."),
    )
]


@router.post(
    "/predict",
    summary="Classify one picture of any size.",
    description="curl -F file=@digit.png URL/predict",
    openapi_extra={"requestBody": PICTURE_BODY, "parameters": PICTURE_PARAMETERS},
    tags=["edgemnist"],
)
async def predict(request: Request) -> Response:
    """Classify one picture."""
    service, query = service_of(request), request.query_params
    with service.store.leased(query.get("model"), query.get("version")) as model:
        prepared = await prepared_picture(request, model)
        chances = await service.chances(request, model, prepared.inputs)
        return json_response(prediction(model, prepared.image, chances[0], milliseconds_of(request)))


async def prepared_picture(request: Request, model: ServedModel) -> Prepared:
    """Return the picture of a request, in any of the forms that it may come in, as a model sees it.

    :raises RequestError: it is none, is too large, or comes in another form.
    """
    service = service_of(request)
    invert = request.query_params.get("invert", "auto")
    if invert not in INVERT_CHOICES:
        raise bad_request(f"unknown invert {invert!r}; choose one of {', '.join(INVERT_CHOICES)}")
    body = await read_body(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        content, name = await file_of_form(request, body, FIELD)
        return await service.pictures.of_file(content, name, model, invert)
    if kind == "application/json":
        document = await json_object(request, body)
        if ("image" in document) == ("pixels" in document):
            raise bad_request('the object has to have "image", a picture file in base64, or "pixels", not both')
        if "pixels" in document:
            picture = await aside(request, len(body), _pixels, document["pixels"], service.limits.pixels)
            return await service.pictures.run(of_pixels, picture, model, invert)
        return await service.pictures.of_file(from_base64(document["image"], "image"), "image", model, invert)
    if kind.startswith("image/") or kind in ("application/octet-stream", ""):
        return await service.pictures.of_file(body, "the body", model, invert)
    raise RequestError(
        415, f"a picture does not come as {kind!r}; send a form with a file {FIELD!r}, an image/png or JSON"
    )


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
