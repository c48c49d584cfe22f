"""The Open Inference Protocol, which KServe and Triton call version 2, over HTTP."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from fastapi import APIRouter
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import Response

from edgemnist.http.answers import json_response
from edgemnist.http.bodies import aside, read_body
from edgemnist.http.problems import bad_request
from edgemnist.http.questions import from_base64
from edgemnist.serving.models import ServedModel
from edgemnist.serving.pictures import prepared_for
from edgemnist.serving.service import service_of, stacked
from edgemnist.serving.tensors import pixel_inputs, raw_inputs, real_inputs
from edgemnist.serving.wire import BYTES, Inference, Tensor, Wanted, parse_inference, written
from edgemnist.support.version import VERSION

router = APIRouter(tags=["Open Inference Protocol"])

PROBABILITIES = "probabilities"
QUANTISED = "quantised"
"""The outputs: probabilities of the classes, and of an int8 model what the runtime gave, byte for byte."""

_HEADER_LENGTH = "Inference-Header-Content-Length"
_WORTH_PACKING = 1024
_INFER: dict[str, Any] = {
    "summary": "Run a model on a batch; JSON, or JSON and then binary tensors.",
    "description": "Inputs are FP32 real values, UINT8 pixels, INT8 quantised values, or BYTES: picture files.",
    "openapi_extra": {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["inputs"],
                        "properties": {
                            "id": {"type": "string"},
                            "parameters": {"type": "object"},
                            "inputs": {"type": "array", "items": {"type": "object"}},
                            "outputs": {"type": "array", "items": {"type": "object"}},
                        },
                    }
                },
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            },
        }
    },
}


@router.get("/v2", summary="What this server is.")
async def server() -> Response:
    """Return the server's name and extensions."""
    extensions = ["binary_tensor_data", "classification", "model_repository"]
    return json_response({"name": "edgemnist", "version": VERSION, "extensions": extensions})


@router.get("/v2/health/live", summary="Whether the server runs.")
async def live() -> Response:
    """Say that it does."""
    return json_response({"live": True})


@router.get("/v2/health/ready", summary="Whether every model answers.")
async def ready(request: Request) -> Response:
    """Say whether requests should be sent here."""
    is_ready = service_of(request).ready
    return json_response({"ready": is_ready}, 200 if is_ready else 503)


@router.get("/v2/models/{name}/ready", summary="Whether a model answers.")
@router.get("/v2/models/{name}/versions/{version}/ready", summary="Whether a version answers.")
async def model_ready(request: Request, name: str, version: str | None = None) -> Response:
    """Say whether a model answers."""
    service = service_of(request)
    is_ready = service.store.find(name, version).engine.ready and not service.draining
    return json_response({"name": name, "ready": is_ready}, 200 if is_ready else 503)


@router.get("/v2/models/{name}", summary="What a model takes and gives.")
@router.get("/v2/models/{name}/versions/{version}", summary="What a version takes and gives.")
async def metadata(request: Request, name: str, version: str | None = None) -> Response:
    """Return a model's tensors."""
    store = service_of(request).store
    model = store.find(name, version)
    outputs = [_described(PROBABILITIES, "FP32", (len(model.class_names),))]
    if model.is_int8:
        outputs.append(_described(QUANTISED, "INT8", _raw_shape(model)))
    return json_response(
        {
            "name": model.name,
            "versions": [str(number) for number in store.versions(name)],
            "platform": f"edgemnist_{model.engine.runtime}",
            "inputs": [_described(model.input_name, "FP32", model.input_shape)],
            "outputs": outputs,
        }
    )


def _described(name: str, datatype: str, shape: tuple[int, ...]) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": [-1, *shape]}


def _raw_shape(model: ServedModel) -> tuple[int, ...]:
    tflite = model.model.tflite
    return (tflite.output().elements,) if tflite is not None else ()


@router.post("/v2/repository/index", summary="Every version of every model.")
async def index(request: Request) -> Response:
    """Return the versions and their states."""
    store = service_of(request).store
    rows = []
    for name in store.names():
        for one in store.versions(name).values():
            state = "READY" if one.engine.ready else "UNAVAILABLE"
            rows.append({"name": name, "version": str(one.version), "state": state, "reason": ""})
        for number, why in store.refused(name).items():
            if number not in store.versions(name):
                rows.append({"name": name, "version": str(number), "state": "UNAVAILABLE", "reason": why})
    return json_response(rows)


@router.post("/v2/models/{name}/infer", **_INFER)
@router.post("/v2/models/{name}/versions/{version}/infer", **_INFER)
async def infer(request: Request, name: str, version: str | None = None) -> Response:
    """Run a model on a batch."""
    service = service_of(request)
    with service.store.leased(name, version) as model:
        body = await read_body(request)
        asked = await aside(request, len(body), parse_inference, body, request.headers.get(_HEADER_LENGTH))
        wanted = _outputs(asked, model)
        rows = await service.ask(request, model, await _inputs(request, model, asked.tensor))
        chances = service.counted(model, model.probabilities(rows)).astype(np.float32)
        head = {"model_name": model.name, "model_version": str(model.version)}
        head |= {} if asked.identifier is None else {"id": asked.identifier}
        content, length = written(head, [(_output(one, model, rows, chances), one.binary) for one in wanted])
        return _packed(request, content, length)


async def _inputs(request: Request, model: ServedModel, tensor: Tensor) -> NDArray[Any]:
    if tensor.name != model.input_name:
        raise bad_request(f"the model {model.name!r} has the one input {model.input_name!r}, not {tensor.name!r}")
    if not isinstance(tensor.values, np.ndarray):
        return await _of_pictures(request, model, tensor)
    if tensor.datatype == "FP32":
        return real_inputs(tensor.values.astype(np.float32), model)
    return pixel_inputs(tensor.values, model) if tensor.datatype == "UINT8" else raw_inputs(tensor.values, model)


async def _of_pictures(request: Request, model: ServedModel, tensor: Tensor) -> NDArray[Any]:
    """Return picture files: as they are where they came binary, in base64 where they came as JSON's text."""
    binary = request.headers.get(_HEADER_LENGTH) is not None
    pictures = service_of(request).pictures
    prepared = [
        await pictures.of_file(
            one if binary else from_base64(one.decode(), f"picture {number}"), f"picture {number}", prepared_for(model)
        )
        for number, one in enumerate(tensor.values)
    ]
    return stacked([one.inputs for one in prepared])


def _outputs(asked: Inference, model: ServedModel) -> tuple[Wanted, ...]:
    """Return the outputs that are wanted, all where none is named."""
    known = (PROBABILITIES, *((QUANTISED,) if model.is_int8 else ()))
    for one in asked.outputs:
        if one.name not in known:
            raise bad_request(f"the model {model.name!r} has no output {one.name!r}; it has: {', '.join(known)}")
    return asked.outputs or tuple(Wanted(name, asked.binary) for name in known)


def _output(wanted: Wanted, model: ServedModel, rows: NDArray[Any], chances: NDArray[np.float32]) -> Tensor:
    values, datatype = (chances, "FP32") if wanted.name == PROBABILITIES else (rows, "INT8")
    if not wanted.classes:
        return Tensor(wanted.name, datatype, values.shape, values)
    count = min(wanted.classes, values.shape[1])
    best = np.argsort(-values.astype(np.float64), axis=1, kind="stable")[:, :count]
    named = values.shape[1] == len(model.class_names)
    texts = [
        f"{row[place]:f}:{place}" + (f":{model.class_names[place]}" if named else "")
        for row, places in zip(values.tolist(), best.tolist(), strict=True)
        for place in places
    ]
    return Tensor(wanted.name, BYTES, (len(values), count), [text.encode() for text in texts])


def _packed(request: Request, content: bytes, header_length: int | None) -> Response:
    """Return an answer, compressed where that is asked for and worth it."""
    headers = {} if header_length is None else {_HEADER_LENGTH: str(header_length)}
    accepted = [one.partition(";")[0].strip() for one in request.headers.get("accept-encoding", "").split(",")]
    coding = next((one for one in accepted if one in ("gzip", "deflate")), None)
    if coding is not None and len(content) >= _WORTH_PACKING:
        packer = zlib.compressobj(1, zlib.DEFLATED, 31 if coding == "gzip" else 15)
        content = packer.compress(content) + packer.flush()
        headers |= {"Content-Encoding": coding, "Vary": "Accept-Encoding"}
    kind = "application/json" if header_length is None else "application/octet-stream"
    return Response(content, 200, headers, media_type=kind)
