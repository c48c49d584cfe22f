"""CIFAR-10 and CIFAR-100 in their binary version: records of label bytes and three planes of 32 x 32.

Source of the format: Krizhevsky's page of both datasets, "Binary version": the first bytes of a record are labels, the
next 1,024 the red values row by row, then green, then blue. The archive is read in memory, nothing of it is unpacked to
a disk. The Python version of both is pickled, and pickles are never loaded.
"""

from __future__ import annotations

import math
import tarfile
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.assembling import make_dataset
from edgemnist.data.base import Dataset, Split
from edgemnist.data.facts import DatasetFacts, Division
from edgemnist.data.idx import damaged, is_file, reading
from edgemnist.data.published import BinaryLayout, KnownDataset
from edgemnist.support.reading import open_file, open_unzipped

MAX_MEMBERS = 100
"""An archive with more files than this is none of CIFAR's."""


def find_binary(folder: Path, known: KnownDataset) -> Path | None:
    """Return where the binary files are: the archive in a folder, the folder that comes out of it, or the folder."""
    layout = known.binary
    if layout is None:
        return None
    archive = folder / known.files[0].name
    if is_file(archive):
        return archive
    unpacked = (folder / layout.folder, folder)
    return next((one for one in unpacked if all(is_file(one / name) for name in layout.names)), None)


def load_binary(known: KnownDataset, layout: BinaryLayout, where: Path) -> Dataset:
    """Load the dataset from its archive or from the folder with its files, ``where``.

    :raises DatasetError: unreadable, damaged, or files of another size than the published ones.
    """
    contents = _from_archive(known, layout, where) if where.is_file() else _from_folder(known, layout, where)
    train = _split(known, layout, where, [contents[name] for name in layout.train], known.train_count)
    test = _split(known, layout, where, [contents[name] for name in layout.test], known.test_count)
    facts = DatasetFacts(division=Division(how=f"given: {', '.join(layout.train)}; {', '.join(layout.test)}"))
    return make_dataset(known.name, train, test, known.class_names, source=str(where), facts=facts)


def _split(known: KnownDataset, layout: BinaryLayout, where: Path, contents: list[bytes], count: int) -> Split:
    height, width, channels = known.image_shape
    record = layout.label_bytes + height * width * channels
    content = b"".join(contents)
    if len(content) != count * record:
        raise damaged(where, f"it has {len(content):,} bytes of images, {known.name} has {count * record:,}")
    records: NDArray[np.uint8] = np.frombuffer(content, dtype=np.uint8).reshape(count, record)
    labels = records[:, layout.label_at].astype(np.int64)
    if labels.max() >= len(known.class_names):
        raise damaged(where, f"a label is {labels.max()}, {known.name} has 0 to {len(known.class_names) - 1}")
    planes = records[:, layout.label_bytes :].reshape(count, channels, height, width)
    return Split(np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), labels)


def _from_folder(known: KnownDataset, layout: BinaryLayout, where: Path) -> dict[str, bytes]:
    contents = {}
    for name in layout.names:
        with reading(where / name), open_file(where / name) as file:
            contents[name] = file.read(_most_bytes(known, layout) + 1)
    return contents


def _from_archive(known: KnownDataset, layout: BinaryLayout, where: Path) -> dict[str, bytes]:
    """Return the files that the layout names, wherever in the archive they are; everything else is passed over."""
    contents: dict[str, bytes] = {}
    most, left = _most_bytes(known, layout), 2 * _most_bytes(known, layout)
    with (
        reading(where, tarfile.TarError, ValueError),
        open_file(where) as packed,
        open_unzipped(packed, where) as file,
        tarfile.open(fileobj=file, mode="r|") as archive,
    ):
        for number, member in enumerate(archive):
            left -= member.size
            if number >= MAX_MEMBERS or member.size > most or left < 0:
                raise damaged(where, "it has more, or larger, files than the published archive")
            name = PurePosixPath(member.name).name
            content = archive.extractfile(member) if member.isreg() and name in layout.names else None
            if content is not None:
                contents[name] = content.read(member.size)
            if len(contents) == len(layout.names):
                break
    missing = [name for name in layout.names if name not in contents]
    if missing:
        raise damaged(where, f"it lacks {', '.join(missing)}")
    return contents


def _most_bytes(known: KnownDataset, layout: BinaryLayout) -> int:
    """Return how many bytes all images of the dataset have together."""
    return (known.train_count + known.test_count) * (layout.label_bytes + math.prod(known.image_shape))
