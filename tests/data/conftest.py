"""A machine without datasets, small stand-ins for the known ones, and a guard that no test leaves this host."""

from __future__ import annotations

import gzip
import hashlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgemnist.data import locations, registry
from edgemnist.data.idx import encode_idx
from edgemnist.data.published import KnownDataset, RemoteFile
from edgemnist.data.registry import find_dataset
from tests.data.server import MirrorServer, running_server
from tests.halting import Point

SMALL_COUNTS = (40, 20)


def packed(content: bytes) -> bytes:
    """Return the content as gzip without the time of packing, so that test names made of it stay the same."""
    return gzip.compress(content, mtime=0)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection that does not stay on this host."""
    connect = socket.create_connection

    def guarded(address: tuple[str, int], *arguments: Any, **options: Any) -> socket.socket:
        if address[0] != "127.0.0.1":
            raise OSError(f"a test tried to reach {address[0]}")
        return connect(address, *arguments, **options)

    monkeypatch.setattr(socket, "create_connection", guarded)
    for variable in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the home of a user on a machine without any dataset; it is also the current folder."""
    home = tmp_path / "home"
    home.mkdir()
    for variable in ("EDGEMNIST_DATA", "EDGEMNIST_CACHE", "KERAS_HOME", "TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(locations, "DEBIAN_FASHION_MNIST", home / "usr/share/datasets/fashion-mnist")
    monkeypatch.chdir(home)
    return home


def digits(count: int, seed: int = 0, classes: int = 10) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return random (images, labels) in MNIST's shapes, every class equally often."""
    random = np.random.RandomState(seed)
    images = random.randint(0, 256, size=(count, 28, 28)).astype(np.uint8)
    return images, (np.arange(count) % classes).astype(np.uint8)


TELL_OF_ARRIVALS = """
from edgemnist.support.progress import Task
update = Task.update
def told_update(task, **given):
    update(task, **given)
    if "advance" in given:
        sys.audit("tests.arrived", "")
Task.update = told_update
"""
"""For a process of its own: with this code a download reports each block that has arrived."""

ARRIVED = Point("tests.arrived")
"""After the first block, in the middle of a download."""


@dataclass(frozen=True)
class SmallDataset:
    """A known dataset shrunk to 40 + 20 images: its row in the table and its four files as bytes, gzipped."""

    row: KnownDataset
    files: dict[str, bytes]

    def write_to(self, folder: Path, *, plain: bool = False) -> Path:
        """Write the files into a folder, gzipped or plain, and return the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self.files.items():
            path = folder / (name.removesuffix(".gz") if plain else name)
            path.write_bytes(gzip.decompress(content) if plain else content)
        return folder


def small_files(row: KnownDataset, seed: int = 0) -> dict[str, bytes]:
    """Return gzipped IDX files for a row of the table, with its counts and classes."""
    assert row.layout is not None
    arrays = [
        array
        for part, count in enumerate((row.train_count, row.test_count))
        for array in digits(count, seed + part, len(row.class_names))
    ]
    return {
        f"{name}.gz": gzip.compress(encode_idx(array), mtime=0)
        for name, array in zip(row.layout.names, arrays, strict=True)
    }


def install_rows(monkeypatch: pytest.MonkeyPatch, *rows: KnownDataset) -> None:
    """Replace rows of the table of known datasets by their names."""
    by_name = {row.name: row for row in rows}
    table = tuple(by_name.get(row.name, row) for row in registry.KNOWN_DATASETS)
    monkeypatch.setattr(registry, "KNOWN_DATASETS", table)


def remote_file(name: str, content: bytes) -> RemoteFile:
    """Return the table's entry for a file with this content."""
    plain = gzip.decompress(content) if name.endswith(".gz") else content
    return RemoteFile(
        name=name,
        size=len(content),
        md5=hashlib.md5(content).hexdigest(),
        sha256=hashlib.sha256(content).hexdigest(),
        content_md5=hashlib.md5(plain).hexdigest(),
    )


def shrink(name: str, monkeypatch: pytest.MonkeyPatch, mirrors: tuple[str, ...] = ()) -> SmallDataset:
    """Replace a known dataset by a small one of the same form and return it."""
    row = replace(find_dataset(name), train_count=SMALL_COUNTS[0], test_count=SMALL_COUNTS[1], mirrors=mirrors)
    files = small_files(row)
    row = replace(row, files=tuple(remote_file(file, content) for file, content in files.items()))
    install_rows(monkeypatch, row)
    return SmallDataset(row, files)


@pytest.fixture
def small_mnist(bare_machine: Path, monkeypatch: pytest.MonkeyPatch) -> SmallDataset:
    """Return a small MNIST that is nowhere on the machine yet and on no mirror."""
    return shrink("mnist", monkeypatch)


@pytest.fixture
def server() -> Iterator[MirrorServer]:
    """Return an HTTP server on this host that misbehaves as asked."""
    with running_server() as running:
        yield running
