"""CIFAR in its binary version, from archives and folders of the right layout with few images."""

from __future__ import annotations

import gzip
import io
import pickle
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgemnist.data.base import Dataset
from edgemnist.data.fetch import fetch_datasets
from edgemnist.data.loading import load_dataset
from edgemnist.data.published import KnownDataset, RemoteFile
from edgemnist.data.registry import find_dataset
from edgemnist.support.errors import DatasetError
from tests.data.conftest import install_rows, remote_file
from tests.data.server import MirrorServer

pytestmark = pytest.mark.unit


@dataclass(frozen=True)
class SmallCifar:
    """A row with few images, its files as bytes, and the images and labels that are in them."""

    row: KnownDataset
    files: dict[str, bytes]
    train: tuple[NDArray[np.uint8], NDArray[np.int64]]
    test: tuple[NDArray[np.uint8], NDArray[np.int64]]


def records(row: KnownDataset, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> bytes:
    """Return images and labels as the format has them: the labels, then the planes of red, green and blue."""
    assert row.binary is not None
    fields = [
        np.full((len(labels), row.binary.label_bytes), 255, np.uint8),
        images.transpose(0, 3, 1, 2).reshape(-1, 3072),
    ]
    fields[0][:, row.binary.label_at] = labels
    return bytes(np.concatenate(fields, axis=1))


def archive(files: Mapping[str, bytes], folder: str = "cifar-10-batches-bin") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as packed:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(content)
            packed.addfile(member, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), mtime=0)  # without the time, for it is packed twice


@pytest.fixture(params=["cifar-10", "cifar-100"])
def small(request: pytest.FixtureRequest, bare_machine: Path, monkeypatch: pytest.MonkeyPatch) -> SmallCifar:
    row = find_dataset(request.param)
    row = replace(row, train_count=100, test_count=50)
    assert row.binary is not None
    random = np.random.RandomState(0)
    splits = [
        (random.randint(0, 256, (count, 32, 32, 3)).astype(np.uint8), np.arange(count) % len(row.class_names))
        for count in (100, 50)
    ]
    content = records(row, *splits[0])
    share = len(content) // len(row.binary.train)
    files = {name: content[at * share : (at + 1) * share] for at, name in enumerate(row.binary.train)}
    files |= {"batches.meta.txt": b"names\n", row.binary.test[0]: records(row, *splits[1])}
    packed = archive(files, row.binary.folder)
    row = replace(row, files=(remote_file_of(row.files[0].name, packed),))
    install_rows(monkeypatch, row)
    return SmallCifar(row, files, splits[0], splits[1])


def remote_file_of(name: str, content: bytes) -> RemoteFile:
    return replace(remote_file("plain", content), name=name, content_md5="")


def put(small: SmallCifar, folder: Path, *, packed: bool) -> Path:
    """Write the archive, or the files as they come out of it."""
    assert small.row.binary is not None
    folder.mkdir(parents=True, exist_ok=True)
    if packed:
        path = folder / small.row.files[0].name
        path.write_bytes(archive(small.files, small.row.binary.folder))
        return path
    for name, content in small.files.items():
        (folder / name).write_bytes(content)
    return folder


def assert_is(dataset: Dataset, small: SmallCifar) -> None:
    for split, (images, labels) in ((dataset.train, small.train), (dataset.test, small.test)):
        np.testing.assert_array_equal(split.images, images)
        np.testing.assert_array_equal(split.labels, labels)


@pytest.mark.parametrize("place", ["{name}", "{folder}", "{name}/{folder}"])
@pytest.mark.parametrize("packed", [True, False])
def test_from_the_data_folder(
    small: SmallCifar, bare_machine: Path, monkeypatch: pytest.MonkeyPatch, place: str, packed: bool
) -> None:
    assert small.row.binary is not None
    folder = bare_machine / "sets" / place.format(name=small.row.name, folder=small.row.binary.folder)
    if packed and place.count("{") > 1:
        folder = folder.parent
    put(small, folder, packed=packed)
    monkeypatch.setenv("EDGEMNIST_DATA", str(bare_machine / "sets"))
    dataset = load_dataset(small.row.name, fetch=False)
    assert_is(dataset, small)
    assert dataset.class_names == small.row.class_names
    assert dataset.image_shape == (32, 32, 3)


def test_by_path(small: SmallCifar, bare_machine: Path) -> None:
    assert_is(load_dataset(str(put(small, bare_machine / "mine", packed=False))), small)


def test_fetched(small: SmallCifar, server: MirrorServer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert small.row.binary is not None
    install_rows(monkeypatch, replace(small.row, mirrors=(server.mirror("good"),)))
    server.files[small.row.files[0].name] = archive(small.files, small.row.binary.folder)
    (fetched,) = fetch_datasets([small.row.name])
    assert fetched.downloaded == (small.row.files[0].name,)
    assert_is(load_dataset(small.row.name, fetch=False), small)


def test_pickled_copies_are_never_read_and_named(small: SmallCifar, bare_machine: Path) -> None:
    assert small.row.binary is not None
    trap = bare_machine / ".keras/datasets" / small.row.binary.pickled[0]
    trap.mkdir(parents=True)
    (trap / "data_batch_1").write_bytes(pickle.dumps(print))
    with pytest.raises(DatasetError, match="not on this machine") as raised:
        load_dataset(small.row.name, fetch=False)
    assert f"{str(trap)!r} is pickled, and pickles are never loaded" in str(raised.value)


def test_nothing_is_unpacked_wherever_members_want_to_go(small: SmallCifar, bare_machine: Path) -> None:
    """Links, devices and paths that climb are passed over, or read by their last name without being written."""
    path = put(small, bare_machine / ".cache/edgemnist/datasets" / small.row.name, packed=True)
    hostile = io.BytesIO()
    with tarfile.open(fileobj=hostile, mode="w") as packed:
        link = tarfile.TarInfo("test.bin")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        packed.addfile(link)
        for name, content in small.files.items():
            member = tarfile.TarInfo(f"../../../{name}")
            member.size = len(content)
            packed.addfile(member, io.BytesIO(content))
    path.write_bytes(gzip.compress(hostile.getvalue()))
    before = sorted(bare_machine.rglob("*"))
    assert_is(load_dataset(small.row.name, fetch=False), small)
    assert sorted(bare_machine.rglob("*")) == before


@pytest.mark.parametrize("damage", ["cut", "noise", "member missing", "short", "wrong label", "bomb", "many"])
def test_damaged(small: SmallCifar, bare_machine: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    assert small.row.binary is not None
    path = put(small, bare_machine / ".cache/edgemnist/datasets" / small.row.name, packed=True)
    files, test = dict(small.files), small.row.binary.test[0]
    if damage == "member missing":
        del files[test]
    elif damage == "short":
        files[test] = files[test][:-1]
    elif damage == "wrong label":
        files[test] = bytes([200] * small.row.binary.label_bytes) + files[test][small.row.binary.label_bytes :]
    elif damage == "bomb":
        files = {"elsewhere": bytes(2 * sum(map(len, files.values())) + 1)} | files
    elif damage == "many":
        files = {f"{number}": b"" for number in range(200)} | files
    content = archive(files)
    path.write_bytes(content[:-3000] if damage == "cut" else b"noise" if damage == "noise" else content)
    with pytest.raises(DatasetError, match=r"is damaged.*edgemnist data fetch cifar-10+` downloads it anew"):
        load_dataset(small.row.name, fetch=False)
