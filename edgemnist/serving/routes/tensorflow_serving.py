"""TensorFlow Serving's REST interface: https://www.tensorflow.org/tfx/serving/api_rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from fastapi import APIRouter
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import Response

from edgemnist.http.answers import json_response
from edgemnist.http.bodies import aside, json_object, read_body
from edgemnist.http.problems import bad_request, too_large
from edgemnist.http.questions import from_base64
from edgemnist.serving.engine import DEPTH
from edgemnist.serving.models import ServedModel
from edgemnist.serving.pictures import prepared_for
from edgemnist.serving.service import service_of, stacked
from edgemnist.serving.tensors import array_of, real_inputs

router = APIRouter(tags=["TensorFlow Serving"])

SIGNATURE = "serving_default"
OUTPUT = "probabilities"
_B64 = "b64"


def _described(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": {"type": "object", "properties": schema}}}
    return {"summary": name, "openapi_extra": {"requestBody": {"required": True, "content": content}}}


_PREDICT = _described(
    "Class probabilities of a batch, by row or by column.",
    {
        "signature_name": {"type": "string"},
        "instances": {"type": "array", "items": {}},
        "inputs": {},
    },
)
_CLASSIFY = _described(
    "Labels with their scores, the best first.",
    {"signature_name": {"type": "string"}, "context": {"type": "object"}, "examples": {"type": "array", "items": {}}},
)


@router.get("/v1/models/{name}", summary="The states of a model's versions.")
@router.get("/v1/models/{name}/versions/{version}", summary="The state of one version.")
async def status(request: Request, name: str, version: str | None = None) -> Response:
    """Return the states of versions."""
    store = service_of(request).store
    if version is not None:
        return json_response({"model_version_status": [_state(store.find(name, version))]})
    states = [_state(one) for one in reversed(store.versions(name).values())]
    failed = [
        {"version": str(number), "state": "END", "status": {"error_code": "INVALID_ARGUMENT", "error_message": why}}
        for number, why in store.refused(name).items()
        if number not in store.versions(name)
    ]
    return json_response({"model_version_status": [*states, *failed]})


def _state(model: ServedModel) -> dict[str, Any]:
    state = "AVAILABLE" if model.engine.ready else "LOADING"
    return {"version": str(model.version), "state": state, "status": {"error_code": "OK", "error_message": ""}}


@router.get("/v1/models/{name}/metadata", summary="What a model takes and gives.")
@router.get("/v1/models/{name}/versions/{version}/metadata", summary="What a version takes and gives.")
async def metadata(request: Request, name: str, version: str | None = None) -> Response:
    """Return a model's signature."""
    model = service_of(request).store.find(name, version)
    definition = {
        "inputs": {model.input_name: _tensor(model.input_name, model.input_shape)},
        "outputs": {OUTPUT: _tensor(OUTPUT, (len(model.class_names),))},
        "method_name": "tensorflow/serving/predict",
    }
    return json_response(
        {
            "model_spec": {"name": model.name, "signature_name": "", "version": str(model.version)},
            "metadata": {"signature_def": {"signature_def": {SIGNATURE: definition}}},
        }
    )


def _tensor(name: str, shape: Sequence[int]) -> dict[str, Any]:
    sizes = [{"size": str(size), "name": ""} for size in (-1, *shape)]
    return {"dtype": "DT_FLOAT", "tensor_shape": {"dim": sizes, "unknown_rank": False}, "name": f"{name}:0"}


@router.post("/v1/models/{name}:predict", **_PREDICT)
@router.post("/v1/models/{name}/versions/{version}:predict", **_PREDICT)
async def predict(request: Request, name: str, version: str | None = None) -> Response:
    """Return class probabilities of a batch."""
    service = service_of(request)
    with service.store.leased(name, version) as model:
        body = await read_body(request)
        document = await json_object(request, body)
        _check_signature(document)
        if ("instances" in document) == ("inputs" in document):
            raise bad_request('the object has to have "instances", a list of inputs, or "inputs", not both')
        if "instances" in document:
            inputs = await _of_rows(request, model, document["instances"], "instances", len(body))
        else:
            inputs = await _of_columns(request, model, document["inputs"], len(body))
        chances = await service.chances(request, model, inputs)
        return json_response({"predictions" if "instances" in document else "outputs": _rounded(chances)})


@router.post("/v1/models/{name}:classify", **_CLASSIFY)
@router.post("/v1/models/{name}/versions/{version}:classify", **_CLASSIFY)
async def classify(request: Request, name: str, version: str | None = None) -> Response:
    """Return labels with their scores."""
    service = service_of(request)
    with service.store.leased(name, version) as model:
        body = await read_body(request)
        document = await json_object(request, body)
        _check_signature(document)
        context = document.get("context", {})
        examples = document.get("examples")
        if not isinstance(context, dict) or not isinstance(examples, list):
            raise bad_request('the object has to have "examples", a list of objects, and may have a "context" object')
        rows = [{**context, **one} if isinstance(one, dict) else one for one in examples]
        chances = await service.chances(request, model, await _of_rows(request, model, rows, "examples", len(body)))
        order = np.argsort(-chances, axis=1, kind="stable")
        values = _rounded(chances)
        return json_response(
            {
                "result": [
                    [[model.class_names[index], row[index]] for index in best]
                    for row, best in zip(values, order.tolist(), strict=True)
                ]
            }
        )


@router.post("/v1/models/{name}:regress", summary="Refused: a classifier has no regression.")
async def regress(name: str) -> Response:
    """Refuse a regression."""
    raise bad_request(f"the model {name!r} is a classifier; ask it with :predict or :classify")


def _check_signature(document: dict[str, Any]) -> None:
    signature = document.get("signature_name", SIGNATURE)
    if signature not in (SIGNATURE, ""):
        raise bad_request(f"there is no signature {signature!r}; leave signature_name out, or say {SIGNATURE!r}")


async def _of_rows(request: Request, model: ServedModel, rows: Any, what: str, size: int) -> NDArray[Any]:
    """Return a list of inputs, each a tensor, an object with the input's name, or a picture in base64.

    ``size``: bytes of the body.
    """
    if not isinstance(rows, list) or not rows:
        raise bad_request(f'"{what}" has to be a list of at least one input')
    if len(rows) > DEPTH:
        raise too_large(f"{len(rows)} {what} in one request; send 1 to {DEPTH}")
    values = [_named(one, model) for one in rows]
    pictures = [_is_picture(one) for one in values]
    if any(pictures):
        if not all(pictures):
            raise bad_request(f'"{what}" are pictures as {{"b64": ...}}, or tensors; send one or the other')
        return await _of_pictures(request, model, values)
    return await aside(request, size, _of_numbers, values, model)


async def _of_columns(request: Request, model: ServedModel, inputs: Any, size: int) -> NDArray[Any]:
    """Return a batch as one tensor, or an object with it under the input's name."""
    value = _named(inputs, model)
    values = value if isinstance(value, list) else [value]
    if values and all(_is_picture(one) for one in values):
        return await _of_pictures(request, model, values)
    return await aside(request, size, _of_numbers, value, model)


def _of_numbers(values: Any, model: ServedModel) -> NDArray[Any]:
    return real_inputs(array_of(values), model)


def _named(value: Any, model: ServedModel) -> Any:
    """Return what stands under the input's name, or a value that has none."""
    if not isinstance(value, dict) or _is_picture(value):
        return value
    if list(value) != [model.input_name]:
        names = ", ".join(map(repr, value)) or "nothing"
        raise bad_request(f"the model {model.name!r} has the one input {model.input_name!r}, not {names}")
    return value[model.input_name]


def _is_picture(value: Any) -> bool:
    return isinstance(value, dict) and list(value) == [_B64]


async def _of_pictures(request: Request, model: ServedModel, values: Sequence[dict[str, Any]]) -> NDArray[Any]:
    pictures = service_of(request).pictures
    if len(values) > DEPTH:
        raise too_large(f"{len(values)} pictures in one request; send 1 to {DEPTH}")
    contents = [from_base64(one[_B64], _B64) for one in values]
    prepared = [
        await pictures.of_file(one, f"picture {number}", prepared_for(model)) for number, one in enumerate(contents)
    ]
    return stacked([one.inputs for one in prepared])


def _rounded(chances: NDArray[np.float64]) -> list[list[float]]:
    """Return probabilities as TensorFlow Serving writes them: with the digits that float32 has."""
    return [[float(f"{value:.9g}") for value in row] for row in chances.tolist()]
