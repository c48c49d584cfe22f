"""The Open Inference Protocol, asked by Triton's own client."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgemnist.data.base import Split
from edgemnist.runner import run_model
from tests.serving.conftest import png
from tests.serving.running import Running

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of what the client's own packages say when they are loaded
    import tritonclient.http as triton

COUNT = 5


@pytest.fixture(scope="module")
def client(server: Running) -> Any:
    """Return the client."""
    one = triton.InferenceServerClient(url=server.url.removeprefix("http://"))
    yield one
    one.close()


@pytest.fixture(scope="module")
def raw(model: Path, digits: Split) -> np.ndarray[Any, Any]:
    """Return the bytes that the oracle gives."""
    return run_model("tflm", model, digits.images[:COUNT]).outputs


def asked(datatype: str, values: np.ndarray[Any, Any], *, binary: bool = True) -> Any:
    one = triton.InferInput("input_1", list(values.shape), datatype)
    one.set_data_from_numpy(values, binary_data=binary)
    return one


def test_who_it_is(client: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("digits")
    assert client.is_model_ready("digits", "1")
    assert not client.is_model_ready("other")
    assert client.get_server_metadata()["name"] == "edgemnist"
    metadata = client.get_model_metadata("digits")
    assert metadata["inputs"] == [{"name": "input_1", "datatype": "FP32", "shape": [-1, 28, 28, 1]}]
    assert [one["name"] for one in metadata["outputs"]] == ["probabilities", "quantised"]
    assert client.get_model_repository_index() == [{"name": "digits", "version": "1", "state": "READY", "reason": ""}]


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("datatype", ["FP32", "UINT8", "INT8"])
def test_every_type_gives_the_bytes_of_the_oracle(
    client: Any, digits: Split, raw: np.ndarray[Any, Any], datatype: str, binary: bool
) -> None:
    pixels = digits.images[:COUNT]
    values: dict[str, np.ndarray[Any, Any]] = {
        "FP32": (pixels / 255.0).astype(np.float32),
        "UINT8": pixels,
        "INT8": (pixels.astype(np.int16) - 128).astype(np.int8),
    }
    outputs = [triton.InferRequestedOutput(name, binary_data=binary) for name in ("probabilities", "quantised")]
    found = client.infer(
        "digits", [asked(datatype, values[datatype], binary=binary)], outputs=outputs, request_id="seven"
    )
    assert np.array_equal(found.as_numpy("quantised"), raw)
    assert found.as_numpy("probabilities").dtype == np.float32
    assert np.array_equal(found.as_numpy("probabilities"), ((raw.astype(np.float32) + 128) / 256))
    answer = found.get_response()
    assert (answer["id"], answer["model_name"], answer["model_version"]) == ("seven", "digits", "1")


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_compression_both_ways(client: Any, digits: Split, raw: np.ndarray[Any, Any], coding: str) -> None:
    many = np.concatenate([digits.images[:COUNT]] * 60)
    found = client.infer(
        "digits", [asked("UINT8", many)], request_compression_algorithm=coding, response_compression_algorithm=coding
    )
    assert np.array_equal(found.as_numpy("quantised"), np.concatenate([raw] * 60))


@pytest.mark.parametrize("binary", [True, False])
def test_classification(client: Any, digits: Split, raw: np.ndarray[Any, Any], binary: bool) -> None:
    outputs = [triton.InferRequestedOutput("probabilities", binary_data=binary, class_count=3)]
    found = client.infer("digits", [asked("UINT8", digits.images[:COUNT])], outputs=outputs).as_numpy("probabilities")
    assert found.shape == (COUNT, 3)
    for texts, row in zip(found, raw, strict=True):
        score, place, label = (texts[0].decode() if binary else texts[0]).split(":")
        assert (int(place), label) == (row.argmax(), str(row.argmax()))
        assert float(score) == pytest.approx((int(row.max()) + 128) / 256, abs=1e-6)


def test_pictures_as_bytes(client: Any, digits: Split, raw: np.ndarray[Any, Any]) -> None:
    pictures = np.array([png(image[..., 0]) for image in digits.images[:COUNT]], dtype=np.object_)
    found = client.infer("digits", [asked("BYTES", pictures)], model_version="1")
    assert np.array_equal(found.as_numpy("quantised"), raw)


def test_requests_at_a_time(client: Any, server: Running, digits: Split, raw: np.ndarray[Any, Any]) -> None:
    several = triton.InferenceServerClient(url=server.url.removeprefix("http://"), concurrency=8)
    pending = [several.async_infer("digits", [asked("UINT8", digits.images[[n % COUNT]])]) for n in range(40)]
    for number, one in enumerate(pending):
        assert np.array_equal(one.get_result().as_numpy("quantised")[0], raw[number % COUNT])
    several.close()


def tensor(**changes: Any) -> dict[str, Any]:
    return {"name": "input_1", "datatype": "UINT8", "shape": [1, 28, 28, 1], "data": [0] * 784, **changes}


NO_CLASSES = [{"name": "probabilities", "parameters": {"classification": "a"}}]
TABLE: dict[str, tuple[str, Any]] = {
    "no inputs": ("list of one tensor", {}),
    "two inputs": ("list of one tensor", {"inputs": [tensor(), tensor()]}),
    "another name": ("one input 'input_1'", {"inputs": [tensor(name="x")]}),
    "another type": ("FP64", {"inputs": [tensor(datatype="FP64")]}),
    "another shape": ("takes [count, 28, 28, 1]", {"inputs": [tensor(shape=[1, 784])]}),
    "no shape": ("list of numbers above 0", {"inputs": [tensor(shape=[0, 28, 28, 1])]}),
    "too few": ("has to have 784 elements, it has 1", {"inputs": [tensor(data=[0])]}),
    "out of range": ("0 to 255", {"inputs": [tensor(data=[256] * 784)]}),
    "beyond every float": ("tensor of numbers", {"inputs": [tensor(data=[10**400] * 784)]}),
    "no numbers": ("tensor of numbers", {"inputs": [tensor(data=["a"] * 784)]}),
    "data twice": ("not both", {"inputs": [tensor(parameters={"binary_data_size": 784})]}),
    "another output": ("it has: probabilities, quantised", {"inputs": [tensor()], "outputs": [{"name": "x"}]}),
    "a name that is none": ("string", {"inputs": [tensor()], "id": 7}),
    "classes": ("number of classes", {"inputs": [tensor()], "outputs": NO_CLASSES}),
    "a list": ("object", [1]),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_its_errors(server: Running, name: str) -> None:
    text, document = TABLE[name]
    answer = server.post("/v2/models/digits/infer", data=json.dumps(document))
    assert answer.status_code == 400, answer.text
    assert text in answer.json()["error"]


@pytest.mark.parametrize(
    ("header", "body", "text"),
    [
        ("x", b"{}", "not a length"),
        ("99", b"{}", "not a length"),
        ("2", b"{}abc", "list of one tensor"),
        ("0", b"{}", "no JSON"),
    ],
)
def test_lengths_that_are_wrong(server: Running, header: str, body: bytes, text: str) -> None:
    answer = server.post("/v2/models/digits/infer", data=body, headers={"Inference-Header-Content-Length": header})
    assert (answer.status_code, text in answer.json()["error"]) == (400, True), answer.text


def test_binary_data_of_another_size(server: Running) -> None:
    described = tensor(parameters={"binary_data_size": 784})
    del described["data"]
    head = json.dumps({"inputs": [described]}).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    answer = server.post("/v2/models/digits/infer", data=head + bytes(783), headers=headers)
    assert (answer.status_code, "783 bytes" in answer.json()["error"]) == (400, True)
    assert server.post("/v2/models/digits/infer", data=head + bytes(784), headers=headers).status_code == 200
