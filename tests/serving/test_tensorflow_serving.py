"""TensorFlow Serving's REST interface, asked as its documentation and the tutorials ask it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from edgemnist.data.base import Split
from edgemnist.runner import run_model
from tests.serving.conftest import png
from tests.serving.running import Running


@pytest.fixture(scope="module")
def expected(model: Path, digits: Split) -> np.ndarray[Any, Any]:
    """Return the probabilities that the oracle gives."""
    outputs = run_model("tflm", model, digits.images[:5]).outputs
    return (outputs.astype(np.float64) + 128) / 256


def test_as_the_tutorials_ask(server: Running, digits: Split, expected: np.ndarray[Any, Any]) -> None:
    images = digits.images[:5] / 255.0
    data = json.dumps({"signature_name": "serving_default", "instances": images.tolist()})
    headers = {"content-type": "application/json"}
    json_response = requests.post(f"{server.url}/v1/models/digits:predict", data=data, headers=headers, timeout=30)
    predictions = json.loads(json_response.text)["predictions"]
    assert np.allclose(predictions, expected, atol=1e-9)


def test_all_forms_of_a_batch(server: Running, digits: Split, expected: np.ndarray[Any, Any]) -> None:
    images = (digits.images[:5] / 255.0).tolist()
    flat = (digits.images[:5, ..., 0] / 255.0).tolist()
    pictures = [{"b64": base64.b64encode(png(image[..., 0])).decode()} for image in digits.images[:5]]
    rows = [
        {"instances": images}, {"instances": flat}, {"instances": [{"input_1": image} for image in images]},
        {"instances": pictures}, {"instances": [{"input_1": one} for one in pictures], "signature_name": ""},
    ]  # fmt: skip
    columns = [
        {"inputs": images},
        {"inputs": {"input_1": images}},
        {"inputs": pictures},
        {"inputs": {"input_1": pictures}},
    ]
    for path in ("/v1/models/digits:predict", "/v1/models/digits/versions/1:predict"):
        for document in rows:
            assert np.allclose(server.post(path, json=document).json()["predictions"], expected, atol=1e-9)
        for document in columns:
            assert np.allclose(server.post(path, json=document).json()["outputs"], expected, atol=1e-9)


def test_classify(server: Running, digits: Split, expected: np.ndarray[Any, Any]) -> None:
    examples = [{"input_1": (image / 255.0).tolist()} for image in digits.images[:5]]
    answer = server.post("/v1/models/digits:classify", json={"examples": examples}).json()["result"]
    for pairs, row in zip(answer, expected, strict=True):
        assert pairs[0][0] == str(row.argmax())
        assert [score for _, score in pairs] == sorted(row.tolist(), reverse=True)


def test_status_and_metadata(server: Running) -> None:
    status = server.get("/v1/models/digits").json()
    known = {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    assert status == {"model_version_status": [known]}
    assert server.get("/v1/models/digits/versions/1").json() == status
    metadata = server.get("/v1/models/digits/metadata").json()
    assert metadata["model_spec"] == {"name": "digits", "signature_name": "", "version": "1"}
    definition = metadata["metadata"]["signature_def"]["signature_def"]["serving_default"]
    sizes = [one["size"] for one in definition["inputs"]["input_1"]["tensor_shape"]["dim"]]
    assert (sizes, definition["inputs"]["input_1"]["dtype"]) == (["-1", "28", "28", "1"], "DT_FLOAT")
    assert server.get("/v1/models/digits/versions/1/metadata").json() == metadata


IMAGE = np.zeros((28, 28, 1)).tolist()
TABLE: dict[str, tuple[int, str, Any]] = {
    "neither": (400, "instances", {}),
    "both": (400, "not both", {"instances": [IMAGE], "inputs": [IMAGE]}),
    "no list": (400, "list", {"instances": 1}),
    "nothing": (400, "at least one", {"instances": []}),
    "another shape": (400, "takes [count, 28, 28, 1]", {"instances": [[1, 2]]}),
    "text": (400, "tensor of numbers", {"instances": ["a"]}),
    "ragged": (400, "tensor of numbers", {"instances": [[1, 2], [3]]}),
    "another input": (400, "one input 'input_1'", {"instances": [{"x": IMAGE}]}),
    "two inputs": (400, "one input 'input_1'", {"inputs": {"input_1": [IMAGE], "x": [IMAGE]}}),
    "another signature": (400, "signature", {"instances": [IMAGE], "signature_name": "train"}),
    "no number": (400, "NaN", {"instances": np.full((1, 28, 28, 1), np.nan).tolist()}),
    "beyond float32": (400, "infinite", {"instances": np.full((1, 28, 28, 1), 1e300).tolist()}),
    "beyond every float": (400, "tensor of numbers", {"instances": [10**400]}),
    "a mixture": (400, "one or the other", {"instances": [IMAGE, {"b64": ""}]}),
    "no base64": (400, "base64", {"instances": [{"b64": 7}]}),
    "too many": (413, "1 to 1024", {"instances": [0] * 1025}),
}


@pytest.mark.parametrize("name", TABLE)
def test_its_errors(server: Running, name: str) -> None:
    status, text, document = TABLE[name]
    answer = server.post("/v1/models/digits:predict", data=json.dumps(document))
    assert answer.status_code == status, answer.text
    assert text in answer.json()["error"]


def test_unknown_names(server: Running) -> None:
    for path in ("/v1/models/other", "/v1/models/digits/versions/9", "/v1/models/other/metadata"):
        assert server.get(path).status_code == 404
    for path in ("/v1/models/other:predict", "/v1/models/digits/versions/9:predict", "/v1/models/digits:train"):
        assert "error" in server.post(path, json={"instances": [IMAGE]}).json()
    assert server.post("/v1/models/digits:regress", json={}).status_code == 400
