"""``POST /predict``: one picture as a form, as it is, or in JSON."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from edgemnist.data.framing import INVERT_CHOICES
from edgemnist.http.answers import json_response, prediction
from edgemnist.http.questions import FIELD, asked_picture, inversion_of
from edgemnist.http.service import milliseconds_of
from edgemnist.serving.pictures import prepared_for
from edgemnist.serving.service import service_of

router = APIRouter()

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
        prepared = await asked_picture(request, prepared_for(model, inversion_of(request)))
        chances = await service.chances(request, model, prepared.inputs)
        told = prediction(model.class_names, chances[0], prepared.image)
        return json_response({**told, "latency_ms": round(milliseconds_of(request), 3), "model": model.named()})
