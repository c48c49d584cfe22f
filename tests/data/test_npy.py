"""Arrays of numpy: what numpy writes comes back, whatever else there is is refused."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edgemnist.data.npy import read_npy
from edgemnist.support.errors import DatasetError

pytestmark = pytest.mark.unit

TYPES = ["|u1", "|i1", "<u2", ">i2", "<i4", ">i8", "<f4", ">f8", "<f2", "|b1", "<U3", ">U2", "|S4"]


def read(content: bytes) -> Any:
    return read_npy(io.BytesIO(content), len(content), "it")


def written(array: np.ndarray, version: tuple[int, int] | None = None) -> bytes:  # type: ignore[type-arg]
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version, allow_pickle=False)  # type: ignore[no-untyped-call]
    return buffer.getvalue()


@settings(deadline=None, max_examples=100)
@given(
    array=st.sampled_from(TYPES).flatmap(
        lambda name: hnp.arrays(np.dtype(name), hnp.array_shapes(min_dims=0, max_dims=5, max_side=4))
    ),
    fortran=st.booleans(),
    version=st.sampled_from([(1, 0), (2, 0), (3, 0)]),
)
def test_what_numpy_writes_comes_back(array: Any, fortran: bool, version: tuple[int, int]) -> None:
    found = read(written(np.asfortranarray(array) if fortran else array, version))
    assert found.dtype == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(found, array)


@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_damaged_anywhere_is_read_as_numpy_reads_it_or_refused(data: st.DataObject) -> None:
    content = bytearray(written(np.arange(24, dtype=np.int16).reshape(2, 3, 4)))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    del content[data.draw(st.integers(len(content) // 2, len(content))) :]
    try:
        found = read(bytes(content))
    except DatasetError:
        return
    np.testing.assert_array_equal(found, np.load(io.BytesIO(bytes(content)), allow_pickle=False))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(),
    lambda inner: st.lists(inner, max_size=4).map(tuple) | st.lists(inner, max_size=4),
    max_leaves=6,
)


@settings(deadline=None, max_examples=150)
@given(
    shape=st.lists(st.integers(-3, 2**70), max_size=40).map(tuple) | values,
    dtype=st.sampled_from([*TYPES, "|O", "<M8[s]", "<c8", "|V8", "|S0", "<U1152921504606846976"]) | values,
    order=st.booleans() | values,
    data=st.binary(max_size=20),
)
def test_any_header_is_read_or_refused(shape: Any, dtype: Any, order: Any, data: bytes) -> None:
    header = repr({"descr": dtype, "fortran_order": order, "shape": shape}).encode("utf-8", "replace") + b"\n"
    content = b"\x93NUMPY\x03\0" + struct.pack("<I", len(header)) + header + data
    try:
        found = read(content)
    except DatasetError as error:
        assert "it" in str(error)
        return
    assert found.shape == shape
    assert found.nbytes == len(data)


@settings(deadline=None, max_examples=200)
@given(header=st.text("[](){}'\",:-+~*0129eE.Lx \n\0dfs", max_size=60), version=st.integers(0, 4))
def test_any_text_for_a_header_is_refused(header: str, version: int) -> None:
    text = header.encode()
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    with pytest.raises(DatasetError):
        read(b"\x93NUMPY" + bytes([version, 0]) + length + text)
