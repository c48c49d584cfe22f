"""Tensors of the Open Inference Protocol, there and back; and bytes that are none."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from edgemnist.http.bodies import decompressed
from edgemnist.http.problems import RequestError
from edgemnist.serving.wire import BYTES, TYPES, Tensor, parse_inference, written

pytestmark = pytest.mark.unit

SHAPES = arrays.array_shapes(min_dims=1, max_dims=4, max_side=5)


def back(tensor: Tensor, binary: bool) -> Tensor:
    """Return what a request with an answer's tensor as its input is read as."""
    body, length = written({}, [(tensor, binary)])
    size = length if length is not None else len(body)
    document = {"inputs": json.loads(body[:size])["outputs"]}
    head = json.dumps(document).encode()
    return parse_inference(head + body[size:], str(len(head)) if binary else None).tensor


@given(st.data(), st.sampled_from(sorted(TYPES)), SHAPES, st.booleans())
def test_numbers_come_back(data: st.DataObject, datatype: str, shape: tuple[int, ...], binary: bool) -> None:
    dtype = np.dtype(TYPES[datatype])
    elements = st.floats(width=32, allow_nan=False, allow_infinity=False) if datatype == "FP32" else None
    values = data.draw(arrays.arrays(dtype, shape, elements=elements))
    found = back(Tensor("x", datatype, shape, values), binary)
    assert (found.name, found.datatype, found.shape) == ("x", datatype, shape)
    assert isinstance(found.values, np.ndarray)
    assert found.values.dtype == dtype
    assert np.array_equal(found.values, values)


@given(st.lists(st.binary(), min_size=1, max_size=5))
def test_bytes_come_back(values: list[bytes]) -> None:
    found = back(Tensor("x", BYTES, (len(values),), values), binary=True)
    assert found.values == values


@given(st.lists(st.text(), min_size=1, max_size=5))
def test_texts_come_back(values: list[str]) -> None:
    found = back(Tensor("x", BYTES, (len(values),), [one.encode(errors="replace") for one in values]), binary=False)
    assert found.values == [one.encode(errors="replace") for one in values]


WORDS = ("inputs", "outputs", "name", "datatype", "shape", "data", "parameters", "binary_data_size", "id", "FP32")
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
)


@given(JSON, st.binary(max_size=9), st.none() | st.integers(-2, 99).map(str) | st.text(max_size=3))
def test_nothing_but_a_request_error_comes_of_anything(document: Any, tail: bytes, length: str | None) -> None:
    with contextlib.suppress(RequestError):
        parse_inference(json.dumps(document).encode() + tail, length)


@given(st.dictionaries(st.sampled_from(WORDS), JSON), st.binary(max_size=9), st.booleans())
def test_nothing_but_a_request_error_comes_of_any_tensor(entry: dict[str, Any], tail: bytes, binary: bool) -> None:
    head = json.dumps({"inputs": [{"datatype": "BYTES", **entry}]}).encode()
    with contextlib.suppress(RequestError):
        parse_inference(head + tail, str(len(head)) if binary else None)


@given(st.binary(max_size=50), st.sampled_from(["gzip", "deflate"]))
def test_bodies_that_are_not_compressed(body: bytes, coding: str) -> None:
    with contextlib.suppress(RequestError):
        assert len(decompressed(body, coding, 100)) <= 100
