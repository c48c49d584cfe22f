"""Hostile IDX files, archives of arrays, and tables."""

from __future__ import annotations

import gzip
import io
import os
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from edgemnist.data.idx import encode_idx
from tests.hostile.cases import Case, Content, content_of, deflated, deflated_zeros, file, gzip_of

_IMAGES = np.random.RandomState(0).randint(0, 256, (20, 28, 28)).astype(np.uint8)
_LABELS = (np.arange(20) % 4).astype(np.uint8)
_NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def _idx(images: Content, suffix: str = "") -> Callable[[Path], Path]:
    """Return a maker of a folder of IDX files whose training images are ``images``."""

    def make(folder: Path) -> Path:
        contents = (content_of(images), *map(encode_idx, (_LABELS, _IMAGES, _LABELS)))
        for name, content, end in zip(_NAMES, contents, (suffix, "", "", ""), strict=True):
            (folder / f"{name}{end}").write_bytes(content)
        return folder

    return make


def _header(*sizes: int, kind: int = 8) -> bytes:
    return struct.pack(f">BBBB{len(sizes)}I", 0, 0, kind, len(sizes), *sizes)


def _many_members(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0) + gzip.compress(b"", mtime=0) * 300_000


_MOST = 2**32 - 1
_GOOD = encode_idx(_IMAGES)
_BIG = _header(1 << 20, 28, 28)  # 784 MiB

IDX = (
    Case("40 dimensions", "dataset", _idx(_header(*[1] * 40) + b"\0"), "40 dimensions"),
    Case("255 dimensions", "dataset", _idx(_header(*[1] * 255) + b"\0"), "255 dimensions"),
    Case("zero beside huge", "dataset", _idx(_header(0, _MOST, _MOST)), "no data"),
    Case("product overflows", "dataset", _idx(_header(_MOST, _MOST, _MOST)), "announces .* bytes"),
    Case("product wraps to little", "dataset", _idx(_header(1 << 31, 1 << 31, 4) + bytes(16)), "announces .* bytes"),
    Case("fewer than announced", "dataset", _idx(_header(1 << 20, 28, 28) + bytes(100)), "truncated"),
    Case("more than announced", "dataset", _idx(_GOOD + b"x"), "more than"),
    Case("sparse file of 1 TB", "dataset", lambda folder: _sparse(_idx(_GOOD)(folder), 1 << 40), "more than"),
    Case("unknown type", "dataset", _idx(_header(20, 28, 28, kind=7) + bytes(15680)), "IDX header"),
    Case("doubles", "dataset", _idx(encode_idx(_IMAGES.astype(np.float64))), "not bytes"),
    Case("gzip: 784 MB of zeros", "dataset", _idx(lambda: gzip_of(_BIG, deflated_zeros(784)), ".gz"), "expands"),
    Case(
        "gzip: 10 GB behind the data",
        "dataset",
        _idx(lambda: gzip_of(_GOOD, deflated_zeros(10_000)), ".gz"),
        "more than",
    ),
    Case("gzip in gzip", "dataset", _idx(gzip.compress(gzip.compress(_GOOD)), ".gz"), "IDX header"),
    Case("gzip: two members", "dataset", _idx(gzip.compress(_GOOD[:99]) + gzip.compress(_GOOD[99:]), ".gz"), ""),
    Case("gzip: 300,000 empty members", "dataset", _idx(lambda: _many_members(_GOOD), ".gz"), "pieces"),
    Case("gzip: garbage behind", "dataset", _idx(gzip.compress(_GOOD) + b"garbage", ".gz"), "decompressed"),
    Case("gzip: zeros behind", "dataset", _idx(gzip.compress(_GOOD) + bytes(99), ".gz"), ""),
    Case("gzip: truncated", "dataset", _idx(gzip.compress(_GOOD)[:-9], ".gz"), "decompressed"),
    Case("gzip: its name never ends", "dataset", _idx(b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * 99, ".gz"), "decompre"),
    Case(
        "gzip: 64 MB of a name",
        "dataset",
        _idx(lambda: b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * (64 << 20), ".gz"),
        "decompre",
    ),
)


def _sparse(folder: Path, size: int) -> Path:
    os.truncate(folder / _NAMES[0], size)
    return folder


# --- npz ------------------------------------------------------------------------------------------------------------


def _npy(description: str, data: bytes = b"", *, version: int = 1, pad: int = 0) -> bytes:
    header = description.encode("latin-1") + b" " * pad + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(header)) + header + data


def _described(dtype: str, shape: str, fortran: str = "False") -> str:
    return f"{{'descr': {dtype}, 'fortran_order': {fortran}, 'shape': {shape}, }}"


def _saved(**arrays: np.ndarray) -> bytes:  # type: ignore[type-arg]
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def _zip(entries: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _with_x(npy: Content) -> Callable[[Path], Path]:
    """Return a maker of an .npz whose images are these bytes."""
    labels = io.BytesIO()
    np.save(labels, _LABELS)
    return file("a.npz", lambda: _zip({"x.npy": content_of(npy), "y.npy": labels.getvalue()}))


def hand_made_zip(entries: list[tuple[str, bytes, int, int | None]], *, flags: int = 0, method: int = 8) -> bytes:
    """Return a zip of (name, stored bytes, size claimed, offset of a local header to share or None for its own)."""
    body, directory = bytearray(), bytearray()
    for name, stored, size, shared in entries:
        text = name.encode()
        fields = struct.pack("<HHHHHIIIHH", 20, flags, method, 0, 33, 0, len(stored), size, len(text), 0)
        offset = len(body) if shared is None else shared
        if shared is None:
            body += b"PK\3\4" + fields + text + stored
        directory += b"PK\1\2" + struct.pack("<H", 20) + fields + struct.pack("<HHHII", 0, 0, 0, 0, offset) + text
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, len(entries) & 0xFFFF, len(entries) & 0xFFFF,
                      len(directory), len(body), 0)  # fmt: skip
    return bytes(body + directory) + end


def _bomb(mebibytes: int, shape: str) -> bytes:
    return deflated(_npy(_described("'|u1'", shape)), 1) + deflated_zeros(mebibytes) + b"\3\0"


def _zip_bomb(mebibytes: int, *, overlapping: int = 0) -> bytes:
    shape = f"({mebibytes}, 1024, 1024)"
    stored, size = _bomb(mebibytes, shape), len(_npy(_described("'|u1'", shape))) + (mebibytes << 20)
    more = [(f"{number}.npy", stored, size, 0) for number in range(overlapping)]
    return hand_made_zip([("x.npy", stored, size, None), *more])


def _nested_zip() -> bytes:
    content = _zip({"0.zip": bytes(1 << 20)}, zipfile.ZIP_DEFLATED)
    for _ in range(4):
        content = _zip({f"{number}.zip": content for number in range(16)}, zipfile.ZIP_DEFLATED)
    return content


_NPY = _npy(_described("'|u1'", "(20, 28, 28)"), _IMAGES.tobytes())
_Y = ("y.npy", b"\3\0", 0, None)
_PICKLE = b"cos\nsystem\n(S'echo pickle was run >&2'\ntR."

NPZ = (
    Case("npz: pickled", "dataset", _with_x(_npy(_described("'|O'", "(1,)"), _PICKLE)), "pickled"),
    Case(
        "npz: pickled inside a structure",
        "dataset",
        _with_x(_npy(_described("[('a', '|O')]", "(1,)"), _PICKLE)),
        "(pickled|structure)",
    ),
    Case("npz: 2^60 elements", "dataset", _with_x(_npy(_described("'|u1'", f"({1 << 60},)"), b"x")), "announces"),
    Case("npz: 2^400 elements", "dataset", _with_x(_npy(_described("'|u1'", f"({1 << 400},)"), b"x")), "announces"),
    Case("npz: sizes wrap", "dataset", _with_x(_npy(_described("'<i8'", f"({1 << 61}, 8)"), b"x")), "announces"),
    Case("npz: negative size", "dataset", _with_x(_npy(_described("'|u1'", "(-1, 28, 28)"), b"x")), "header"),
    Case("npz: 70 dimensions", "dataset", _with_x(_npy(_described("'|u1'", repr((1,) * 70)), b"x")), "70 dimensions"),
    Case("npz: zero beside huge", "dataset", _with_x(_npy(_described("'|u1'", f"(0, {1 << 62}, {1 << 62})"))), "shape"),
    Case("npz: elements of no size", "dataset", _with_x(_npy(_described("'|S0'", f"({1 << 60},)"))), "size|type"),
    Case(
        "npz: structure",
        "dataset",
        _with_x(_npy(_described("[('a', 'u1', (28, 28))]", "(20,)"), _IMAGES.tobytes())),
        "structure",
    ),
    Case("npz: dates", "dataset", _with_x(_npy(_described("'<M8[s]'", "(20, 28, 28)"), bytes(125440))), "type"),
    Case("npz: complex", "dataset", _with_x(_npy(_described("'<c8'", "(20, 28, 28)"), bytes(125440))), "type"),
    Case(
        "npz: Fortran order",
        "dataset",
        _with_x(_npy(_described("'|u1'", "(20, 28, 28)", "True"), _IMAGES.tobytes(order="F"))),
        "",
    ),
    Case(
        "npz: big-endian",
        "dataset",
        _with_x(_npy(_described("'>i4'", "(20, 28, 28)"), _IMAGES.astype(">i4").tobytes())),
        "",
    ),
    Case("npz: nested header", "dataset", _with_x(_npy("(" * 9000 + ")" * 900)), "header"),
    Case("npz: deep header", "dataset", _with_x(_npy("-" * 9900 + "1")), "header"),
    Case("npz: header that multiplies", "dataset", _with_x(_npy(_described("'|u1'", "(9,)*9**9"))), "header"),
    Case(
        "npz: header that calls", "dataset", _with_x(_npy("__import__('os').system('echo code was run >&2')")), "head"
    ),
    Case("npz: header with a NUL", "dataset", _with_x(_npy(_described("'|u1'", "(1,)") + "\0")), "header"),
    Case(
        "npz: header of Python 2",
        "dataset",
        _with_x(_npy(_described("'|u1'", "(20L, 28L, 28L)"), _IMAGES.tobytes())),
        "",
    ),
    Case(
        "npz: header of 9 MB", "dataset", _with_x(_npy(_described("'|u1'", "(1,)"), version=2, pad=9 << 20)), "header"
    ),
    Case("npz: header of 4 GB claimed", "dataset", _with_x(b"\x93NUMPY\2\0\xff\xff\xff\xff{"), "header"),
    Case("npz: unknown version", "dataset", _with_x(b"\x93NUMPY\x09\0" + _NPY[8:]), "version"),
    Case("npz: no npy inside", "dataset", _with_x(b"text"), "no array"),
    Case("npz: more than announced", "dataset", _with_x(_NPY + b"x"), "announces"),
    Case("npz: bomb of 1.9 GB", "dataset", file("a.npz", lambda: _zip_bomb(1900)), "expands"),
    Case("npz: bomb of 200 MB", "dataset", file("a.npz", lambda: _zip_bomb(200)), "expands"),
    Case(
        "npz: bomb of 20 GB",
        "dataset",
        file(
            "a.npz",
            lambda: hand_made_zip(
                [(f"{number}.npy", _bomb(60, "(60, 1024, 1024)"), 60 << 20, None) for number in range(340)]
            ),
        ),
        "decompress",
    ),
    Case("npz: entries overlap", "dataset", file("a.npz", lambda: _zip_bomb(3, overlapping=600)), "overlap"),
    Case("npz: zips in zips", "dataset", file("a.npz", _nested_zip), "keys none"),
    Case(
        "npz: larger than claimed",
        "dataset",
        file("a.npz", lambda: hand_made_zip([("x.npy", _bomb(800, "(9,)"), 99, None), _Y])),
        "damaged",
    ),
    Case(
        "npz: smaller than claimed",
        "dataset",
        file("a.npz", lambda: hand_made_zip([("x.npy", _bomb(1, "(1, 1024, 1024)"), 60 << 20, None), _Y])),
        "damaged",
    ),
    Case("npz: encrypted", "dataset", file("a.npz", hand_made_zip([("x.npy", b"x" * 99, 80, None)], flags=1)), "encry"),
    Case("npz: bzip2", "dataset", file("a.npz", _zip({"x.npy": _NPY}, zipfile.ZIP_BZIP2)), "compress"),
    Case(
        "npz: unknown method", "dataset", file("a.npz", hand_made_zip([("x.npy", b"x", 1, None)], method=97)), "compr"
    ),
    Case(
        "npz: 100,000 entries",
        "dataset",
        file("a.npz", lambda: hand_made_zip([(f"{number}.npy", b"", 0, None) for number in range(100_000)], method=0)),
        "entries",
    ),
    Case(
        "npz: 5,000 entries",
        "dataset",
        file("a.npz", lambda: hand_made_zip([(f"{number}.npy", b"", 0, None) for number in range(5000)], method=0)),
        "entries",
    ),
    Case(
        "npz: a name twice",
        "dataset",
        file(
            "a.npz",
            hand_made_zip(
                [(name, data, len(data), None) for name, data in (("x.npy", _NPY), ("x.npy", _NPY))], method=0
            ),
        ),
        "twice",
    ),
    Case("npz: names that climb", "dataset", file("a.npz", _zip({"../../x.npy": _NPY, "/etc/y.npy": _NPY})), "keys"),
    Case("npz: nothing inside", "dataset", file("a.npz", _zip({})), "keys"),
    Case("npz: end alone", "dataset", file("a.npz", b"PK\5\6" + bytes(18)), "keys"),
    Case(
        "npz: 4 GB of directory claimed",
        "dataset",
        file("a.npz", b"PK\5\6" + bytes(8) + b"\xf0\xff\xff\xff" + bytes(6)),
        "readable|damaged",
    ),
    Case("npz: no zip", "dataset", file("a.npz", b"\0" * 999), "readable|damaged"),
    Case(
        "npz: labels without end",
        "dataset",
        file("a.npz", _saved(x=np.zeros((9, 28, 28), np.uint8), y=np.array([np.inf] * 9))),
        "type",
    ),
)


# --- tables ---------------------------------------------------------------------------------------------------------

_ROW = ",".join(["7"] * 784)
_HEADINGS = ",".join(["label", *(f"pixel{number}" for number in range(784))]) + "\n"
_TABLE = "".join(f"{number % 3},{_ROW}\n" for number in range(30))


def _table(text: str | Content) -> Callable[[Path], Path]:
    return file("a.csv", text.encode() if isinstance(text, str) else text)


def _table_with(cell: str, column: int) -> Callable[[Path], Path]:
    cells = f"1,{_ROW}".split(",")
    cells[column] = cell
    return _table(_HEADINGS + _TABLE + ",".join(cells) + "\n")


TABLES = (
    Case("csv: a field of 64 MB", "dataset", _table(lambda: b"1," + b"9" * (64 << 20)), "a line has more"),
    Case("csv: sparse file of 100 GB", "dataset", lambda folder: _grown(_table(_TABLE)(folder), 100 << 30), "more"),
    Case("csv: a million columns", "dataset", _table(lambda: b"0," * 1_000_000 + b"0\n"), "a line has more"),
    Case("csv: 400,000 columns", "dataset", _table(lambda: (b"0," * 400_000 + b"0\n") * 60), "columns"),
    Case("csv: 30 million empty lines", "dataset", _table(lambda: _TABLE.encode() + b"\n" * 30_000_000), "empty lines"),
    Case("csv: NULs", "dataset", _table("\0".join(_TABLE[:2000]) * 3), "a.csv"),
    Case("csv: a NUL in a pixel", "dataset", _table_with("7\0", 5), "where a pixel"),
    Case("csv: UTF-16", "dataset", _table(_TABLE.encode("utf-16")), "a.csv"),
    Case("csv: infinite pixel", "dataset", _table_with("1e999", 5), "inf"),
    Case("csv: huge pixel", "dataset", _table_with("1e30", 5), "values"),
    Case("csv: NaN", "dataset", _table_with("nan", 5), "nan"),
    Case("csv: infinite label", "dataset", _table_with("inf", 0), "class 'inf' has 1"),
    Case("csv: label of 5,000 digits", "dataset", _table_with("9" * 5000, 0), "a label of 5,000 characters"),
    Case(
        "csv: gzip of 784 MB of zeros",
        "dataset",
        file("a.csv.gz", lambda: gzip_of(_TABLE.encode(), deflated_zeros(784))),
        "a line has more",
    ),
    Case(
        "csv: gzip of 10 GB of rows",
        "dataset",
        file("a.csv.gz", lambda: gzip_of(b"", deflated(_TABLE.encode() * 30, 9000))),
        "expands",
    ),
    Case("csv: 300,000 gzip members", "dataset", file("a.csv.gz", lambda: _many_members(_TABLE.encode())), "pieces"),
)


def _grown(path: Path, size: int) -> Path:
    os.truncate(path, size)
    return path


# --- archives of known datasets -------------------------------------------------------------------------------------


def _cifar(*members: tuple[str, bytes, bytes], times: int = 1) -> Callable[[Path], Path]:
    """Return a maker of CIFAR's archive with members of (name, type, content), all of them so many times."""

    def content() -> bytes:
        buffer = io.BytesIO()
        for name, kind, data in members * times:
            buffer.write(_tar_header(name, len(data), kind))
            buffer.write(data + bytes(-len(data) % 512))
        return gzip.compress(buffer.getvalue(), 1, mtime=0)

    return file("cifar-10-binary.tar.gz", content)


def _tar_header(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.size, entry.type, entry.linkname = size, kind, "/etc/passwd"
    return entry.tobuf(tarfile.GNU_FORMAT)


_BATCH = "cifar-10-batches-bin/data_batch_1.bin"

TARS = (
    Case(
        "tar: climbs, absolute, links, devices",
        "folder",
        _cifar(
            ("../../climbs", tarfile.REGTYPE, b"x"),
            ("/tmp/absolute", tarfile.REGTYPE, b"x"),
            (_BATCH, tarfile.SYMTYPE, b""),
            (_BATCH, tarfile.LNKTYPE, b""),
            (_BATCH, tarfile.CHRTYPE, b""),
            (_BATCH, tarfile.FIFOTYPE, b""),
        ),
        "lacks",
    ),
    Case("tar: 100,000 entries", "folder", _cifar(("x", tarfile.REGTYPE, b""), times=100_000), "more"),
    Case(
        "tar: 8 GB to skip",
        "folder",
        file("cifar-10-binary.tar.gz", lambda: gzip_of(_tar_header("elsewhere", 8_000 << 20), deflated_zeros(8_000))),
        "more|expands",
    ),
    Case(
        "tar: 784 MB in a batch",
        "folder",
        file("cifar-10-binary.tar.gz", lambda: gzip_of(_tar_header(_BATCH, 784 << 20), deflated_zeros(784))),
        "more|expands",
    ),
    Case(
        "tar: 784 MB of a long name",
        "folder",
        file(
            "cifar-10-binary.tar.gz",
            lambda: gzip_of(_tar_header("x", 784 << 20, tarfile.GNUTYPE_LONGNAME), deflated_zeros(784)),
        ),
        "expands",
    ),
    Case("tar: a name twice", "folder", _cifar((_BATCH, tarfile.REGTYPE, bytes(99)), times=9), "lacks"),
    Case("tar: truncated", "folder", file("cifar-10-binary.tar.gz", gzip.compress(_tar_header(_BATCH, 9999))), "."),
)
