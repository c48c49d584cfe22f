"""Hostile model files, and paths that are no files at all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from tests.hostile.arrays import _zip, hand_made_zip
from tests.hostile.cases import Case, deflated_zeros, file


def _sparse(name: str, start: bytes, size: int) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = file(name, start)(folder)
        os.truncate(path, size)
        return path

    return make


def _archive(config: bytes) -> bytes:
    metadata = json.dumps({"keras_version": "2.15.0"}).encode()
    return _zip({"metadata.json": metadata, "config.json": config, "model.weights.h5": b""})


def _unstored(name: str, sides: tuple[int, ...]) -> Callable[[Path], Path]:
    """Return a maker of an HDF5 file with a weight that is not stored: it reads as zeros."""

    def make(folder: Path) -> Path:
        import h5py  # type: ignore[import-untyped]

        with h5py.File(folder / name, "w") as content:
            content.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"layers": []}})
            content.attrs["keras_version"] = "2.15.0"
            content.create_dataset("model_weights/dense/kernel:0", sides, "f4")
        return folder / name

    return make


def _linked(folder: Path) -> Path:
    import h5py

    with h5py.File(folder / "a.h5", "w") as content:
        content.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"layers": []}})
        content["model_weights/kernel"] = h5py.ExternalLink("/etc/passwd", "/")
    return folder / "a.h5"


_ONE = deflated_zeros(1)

MODELS = (
    Case(
        "keras: config of 900 MB",
        "keras",
        file("a.keras", lambda: hand_made_zip([("metadata.json", deflated_zeros(900), 900 << 20, None)])),
        "expands|decompress",
    ),
    Case(
        "keras: config of 90 MB",
        "keras",
        file("a.keras", lambda: hand_made_zip([("metadata.json", deflated_zeros(90), 90 << 20, None)])),
        "expands|decompress",
    ),
    Case("keras: nested config", "keras", file("a.keras", lambda: _archive(b"[" * 200_000)), "readable"),
    Case("keras: config of digits", "keras", file("a.keras", lambda: _archive(b"9" * 2_000_000)), "readable"),
    Case("keras: config is a list", "keras", file("a.keras", lambda: _archive(b"[1]")), "readable"),
    Case(
        "keras: 100,000 entries",
        "keras",
        file("a.keras", lambda: hand_made_zip([(f"{number}", b"", 0, None) for number in range(100_000)], method=0)),
        "entries",
    ),
    Case(
        "keras: entries overlap",
        "keras",
        file(
            "a.keras",
            lambda: hand_made_zip(
                [("metadata.json", _ONE, 1 << 20, None), *[(f"{n}", _ONE, 1 << 20, 0) for n in range(900)]]
            ),
        ),
        "overlap|expa",
    ),
    Case(
        "keras: encrypted",
        "keras",
        file("a.keras", lambda: hand_made_zip([("metadata.json", b"x" * 99, 80, None)], flags=1)),
        "encrypted",
    ),
    Case("keras: sparse file of 1 TB", "keras", _sparse("a.keras", b"PK\3\4", 1 << 40), "more than the"),
    Case("h5: weight of 4 TB that is not stored", "keras", _unstored("a.h5", (1 << 20, 1 << 20)), "more than the"),
    Case("h5: link to another file", "keras", _linked, "another file"),
    Case("h5: sparse file of 1 TB", "keras", _sparse("a.h5", b"\x89HDF\r\n\x1a\n", 1 << 40), "more than the"),
    Case("onnx: sparse file of 1 TB", "onnx", _sparse("a.onnx", b"\x08\x08", 1 << 40), "more than the"),
    Case("onnx: sparse file of 1.9 GB", "onnx", _sparse("a.onnx", b"\x08\x08", 1900 << 20), "more than the"),
    Case("onnx: folder", "onnx", lambda folder: folder, "folder"),
    Case("tflite: sparse file of 1 TB", "tflite", _sparse("a.tflite", b"\x1c\0\0\0TFL3", 1 << 40), "more than the"),
    Case(
        "tflite: sparse file of 1.9 GB", "tflite", _sparse("a.tflite", b"\x1c\0\0\0TFL3", 1900 << 20), "more than the"
    ),
)


def _pipe(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        os.mkfifo(folder / name)
        return folder / name

    return make


def _link(name: str, target: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).symlink_to(target)
        return folder / name

    return make


def _folder(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).mkdir()
        return folder / name

    return make


def _special() -> list[Case]:
    endings = {"dataset": (".npz", ".csv", ""), "picture": (".png",), "bundle": (".png",), "keras": (".keras", ".h5"),
               "onnx": (".onnx",), "tflite": (".tflite",)}  # fmt: skip
    return [
        Case(f"{reader}: {what}, {ending or 'no ending'}", reader, make(f"a{ending}"), refusal)
        for reader, all_endings in endings.items()
        for ending in all_endings
        for what, make, refusal in (
            ("named pipe", _pipe, "named pipe"),
            ("/dev/zero", lambda name: _link(name, "/dev/zero"), "device"),
            ("link to itself", lambda name: _link(name, name), "no such|there is no|links"),
            ("link to nothing", lambda name: _link(name, "nothing"), "no such|there is no|No such"),
            ("folder", _folder, "."),
        )
    ]


SPECIAL = tuple(_special())
