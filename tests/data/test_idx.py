"""IDX files: what is written comes back; whatever is damaged is refused by name."""

from __future__ import annotations

import gzip
import io
import struct
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edgemnist.data.idx import IDX_TYPES, IdxFile, encode_idx, read_idx
from edgemnist.support.errors import DatasetError

pytestmark = pytest.mark.unit

ONE_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
ARRAY = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)


@ONE_FOLDER
@given(
    array=st.sampled_from(sorted(IDX_TYPES.values())).flatmap(
        lambda name: hnp.arrays(np.dtype(name).newbyteorder("="), hnp.array_shapes(min_dims=1, max_dims=4, max_side=5))
    ),
    zipped=st.booleans(),
)
def test_what_is_written_comes_back(tmp_path: Path, array: np.ndarray, zipped: bool) -> None:  # type: ignore[type-arg]
    content = encode_idx(array)
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(content) if zipped else content)
    read = read_idx(IdxFile(path))
    assert read.dtype == array.dtype
    np.testing.assert_array_equal(read, array)


def test_encoding_is_the_published_format() -> None:
    assert encode_idx(np.array([7, 2], dtype=np.uint8)) == struct.pack(">IIBB", 0x0801, 2, 7, 2)
    assert encode_idx(np.array([[1, -1]], dtype=np.int32)) == struct.pack(">IIIii", 0x0C02, 1, 2, 1, -1)


def test_type_without_idx_code_is_refused() -> None:
    with pytest.raises(DatasetError, match="complex128"):
        encode_idx(np.zeros(2, dtype=complex))


@ONE_FOLDER
@given(data=st.data(), zipped=st.booleans())
def test_truncated_anywhere_is_refused(tmp_path: Path, data: st.DataObject, zipped: bool) -> None:
    content = encode_idx(ARRAY)
    content = gzip.compress(content) if zipped else content
    path = tmp_path / "cut-ubyte"
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(DatasetError, match="cut-ubyte"):
        read_idx(IdxFile(path))


@ONE_FOLDER
@given(content=st.binary(max_size=64), zipped=st.booleans())
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes, zipped: bool) -> None:
    path = tmp_path / "noise"
    path.write_bytes(gzip.compress(content) if zipped else content)
    try:
        array = read_idx(IdxFile(path))
    except DatasetError:
        return
    assert encode_idx(array) == content


@ONE_FOLDER
@given(
    kind=st.sampled_from([*IDX_TYPES, 0x07]),
    sizes=st.lists(st.integers(0, 3) | st.integers(0, 2**32 - 1), min_size=0, max_size=255),
    data=st.binary(max_size=24),
    zipped=st.booleans(),
)
def test_any_header_is_read_or_refused(tmp_path: Path, kind: int, sizes: list[int], data: bytes, zipped: bool) -> None:
    content = struct.pack(f">BBBB{len(sizes)}I", 0, 0, kind, len(sizes), *sizes) + data
    path = tmp_path / "header-ubyte"
    path.write_bytes(gzip.compress(content) if zipped else content)
    try:
        array = read_idx(IdxFile(path))
    except DatasetError as error:
        assert "header-ubyte" in str(error)
        return
    assert array.shape == tuple(sizes)
    assert array.nbytes == len(data)


@ONE_FOLDER
@given(position=st.integers(10, 60), bit=st.integers(0, 7))
def test_flipped_bit_in_a_gzip_is_noticed(tmp_path: Path, position: int, bit: int) -> None:
    content = bytearray(gzip.compress(encode_idx(ARRAY), mtime=0))
    content[position % len(content)] ^= 1 << bit
    path = tmp_path / "flipped"
    path.write_bytes(content)
    try:
        array = read_idx(IdxFile(path))
    except DatasetError:
        return
    np.testing.assert_array_equal(array, ARRAY)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "found nothing"),
        (b"\x89PNG\r\n", "found 89504e47"),
        (b"\0\0\x08\0", "found 00000800"),
        (b"\0\0\x07\x01", "found 00000701"),
        (b"\0\0\x08\x03\0\0", "ends inside its IDX header"),
        (encode_idx(ARRAY) + b"x", "more than the 24 bytes"),
        (encode_idx(ARRAY)[:-1], "it has 23 .truncated"),
    ],
)
def test_message_says_what_is_wrong(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "t10k-images-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=f"t10k-images-idx3-ubyte.*{reason}.*delete it or replace it"):
        read_idx(IdxFile(path))


def test_bomb_is_not_unpacked(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=9) as file:
        file.write(encode_idx(ARRAY))
        for _ in range(100):
            file.write(bytes(1 << 20))
    path = tmp_path / "bomb.gz"
    path.write_bytes(buffer.getvalue())
    start = time.process_time()
    with pytest.raises(DatasetError, match="more than the 24 bytes"):
        read_idx(IdxFile(path))
    assert time.process_time() - start < 0.2


def test_large_header_is_refused_before_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEMNIST_MAX_BYTES", "23")
    (tmp_path / "large").write_bytes(encode_idx(ARRAY))
    with pytest.raises(DatasetError, match="more than the 23 allowed"):
        read_idx(IdxFile(tmp_path / "large"))


def test_member_of_a_zip(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "gzip.zip", "w") as archive:
        archive.writestr("gzip/a.gz", gzip.compress(encode_idx(ARRAY)))
    np.testing.assert_array_equal(read_idx(IdxFile(tmp_path / "gzip.zip", "gzip/a.gz")), ARRAY)
    with pytest.raises(DatasetError, match="no such member"):
        read_idx(IdxFile(tmp_path / "gzip.zip", "gzip/b.gz"))


@ONE_FOLDER
@given(data=st.data())
def test_truncated_zip_is_refused(tmp_path: Path, data: st.DataObject) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("gzip/a.gz", gzip.compress(encode_idx(ARRAY)))
    content = buffer.getvalue()
    (tmp_path / "gzip.zip").write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(DatasetError, match=r"gzip\.zip"):
        read_idx(IdxFile(tmp_path / "gzip.zip", "gzip/a.gz"))


@pytest.mark.parametrize("name", ["missing", "."])
def test_unreadable_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(DatasetError, match="cannot read"):
        read_idx(IdxFile(tmp_path / name))
