"""Datasets as folders of images: what :mod:`~edgemnist.data.folders` found, read and brought to one size."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.assembling import DIVIDED_OFF, check_memory, divide_train_test, make_dataset
from edgemnist.data.base import Dataset, Split
from edgemnist.data.facts import UNREADABLE, DatasetFacts, Division, PassedOver
from edgemnist.data.folders import MAX_EXAMPLES, FoundPictures, Labelled, find_pictures
from edgemnist.data.images import ImageHeader, fit_image, read_header, read_image, read_range
from edgemnist.data.values import Scales, ValueKind, ValueScale, common_scale
from edgemnist.support.errors import DatasetError, InputError
from edgemnist.support.progress import progress_task
from edgemnist.support.words import some

DEFAULT_SIZE = (28, 28)
LARGEST_KEPT_SIDE = 96
"""A size that most images have, with sides up to this, is kept; otherwise all are brought to :data:`DEFAULT_SIZE`."""

MAX_NAMED = 20
"""So many unreadable files are named in one message."""

_Value = TypeVar("_Value")


@dataclass(frozen=True, kw_only=True)
class FolderSettings:
    """How a folder is to be read.

    ``size`` (height, width): what every image is brought to by ``fit``; None keeps a size that most of them share, else
    takes :data:`DEFAULT_SIZE`. ``channels``: 1 grey, 3 colour; None is what most of the images are.
    ``skip_unreadable``: go on without the files that cannot be read.
    """

    size: tuple[int, int] | None = None
    channels: int | None = None
    fit: str = "pad"
    skip_unreadable: bool = False


@dataclass
class _Reader:
    """Reads files and collects those that cannot be read."""

    root: Path
    unreadable: dict[Path, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def each(self, title: str, paths: Sequence[Path], read: Callable[[Path], _Value]) -> dict[Path, _Value]:
        """Return what ``read`` makes of every file that it can read."""
        made = {}
        with progress_task(title, total=len(paths)) as task:
            for path in paths:
                try:
                    made[path] = read(path)
                except InputError as error:
                    self.unreadable[path] = str(error)
                task.update(advance=1)
        return made

    def name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def some(self, paths: Sequence[Path]) -> str:
        return some([self.name(path) for path in paths], MAX_EXAMPLES, ", ...")


def load_image_folder(root: Path, name: str, settings: FolderSettings | None = None) -> Dataset:
    """Load a folder of images; which of them are taken, :func:`~edgemnist.data.folders.find_pictures` says.

    No single image decides for the others: size, colour and the scale of 16-bit and floating-point values are those of
    the set, and the dataset's facts name the images that are otherwise. Without a test split one is divided off, class
    by class.

    :raises DatasetError: as ``find_pictures``; files that cannot be read, all of them named at once; a class without
        images or, where a test split has to be divided off, with a single one; more than memory holds.
    """
    settings = settings or FolderSettings()
    found, reader = find_pictures(root), _Reader(root)
    paths = [path for path, _ in found.train + found.test]
    headers = reader.each(f"Looking at {root.name}", paths, read_header)
    size = settings.size or _usual_size(reader, headers)
    check_memory(len(headers), size, settings.channels or 3)
    scales = _scales(reader, headers)
    pictures = reader.each(
        f"Reading images from {root.name}",
        list(headers),
        lambda path: _fitted(read_image(path, scales), size, settings),
    )
    if reader.unreadable and not settings.skip_unreadable:
        raise _unreadable(reader)
    channels = settings.channels or _usual_channels(reader, pictures)
    facts = _facts(found, reader, {path: headers[path] for path in pictures}, scales, size, settings)
    splits = [_split(reader, part, pictures, (*size, channels)) for part in (found.train, found.test)]
    return _assembled(root, name, splits, found, facts)


def _assembled(root: Path, name: str, splits: list[Split], found: FoundPictures, facts: DatasetFacts) -> Dataset:
    (train, test), class_names = splits, found.class_names
    for label, class_name in enumerate(class_names):
        if not (train.labels == label).any():
            raise DatasetError(f"{str(root)!r}: no picture of class {class_name!r} can be read; repair or remove them")
    if found.test and not len(test):
        raise DatasetError(f"{str(root)!r}: no picture of the test split can be read; repair or remove them")
    if not found.how:
        train, test = divide_train_test(train, class_names, repr(str(root)))
        facts = dataclasses.replace(facts, division=DIVIDED_OFF)
    return make_dataset(name, train, test, class_names, source=str(root), facts=facts)


def _fitted(image: NDArray[np.uint8], size: tuple[int, int], settings: FolderSettings) -> NDArray[np.uint8]:
    return fit_image(image, size, settings.channels or (3 if image.ndim == 3 else 1), settings.fit)


def _split(
    reader: _Reader, files: Labelled, pictures: dict[Path, NDArray[np.uint8]], shape: tuple[int, int, int]
) -> Split:
    read = [(path, label) for path, label in files if path in pictures]
    images = np.empty((len(read), *shape), dtype=np.uint8)
    for target, (path, _) in zip(images, read, strict=True):
        target[:] = fit_image(pictures.pop(path), shape[:2], shape[2])  # popped: the set is not held twice
    names = np.array([reader.name(path) for path, _ in read], dtype=np.str_)
    return Split(images, np.array([label for _, label in read], dtype=np.int64), names)


# --- what most of the images are ------------------------------------------------------------------------------------


def _usual_size(reader: _Reader, headers: dict[Path, ImageHeader]) -> tuple[int, int]:
    """Return the size that more than half of the images have, if it is small, else the default."""
    sizes = Counter(header.size for header in headers.values())
    size, count = sizes.most_common(1)[0] if sizes else (DEFAULT_SIZE, 0)
    if 2 * count <= len(headers) or max(size) > LARGEST_KEPT_SIDE:
        return DEFAULT_SIZE
    others = [path for path, header in headers.items() if header.size != size]
    if others:
        reader.remarks.append(_odd_ones(reader, others, len(headers), "of another size"))
    return size


def _usual_channels(reader: _Reader, pictures: dict[Path, NDArray[np.uint8]]) -> int:
    """Return 3 when at least half of the images are coloured, else 1; name those that are otherwise."""
    grey = [path for path, picture in pictures.items() if picture.shape[2] == 1]
    channels = 3 if 2 * len(grey) <= len(pictures) else 1
    others = grey if channels == 3 else [path for path, picture in pictures.items() if picture.shape[2] == 3]
    if others:
        what = "grey" if channels == 3 else "coloured, and taken as grey"
        reader.remarks.append(_odd_ones(reader, others, len(pictures), what))
    return channels


def _odd_ones(reader: _Reader, others: list[Path], count: int, what: str) -> str:
    verb = "is" if len(others) == 1 else "are"
    return f"{len(others):,} of {count:,} pictures {verb} {what}: {reader.some(others)}"


def _scales(reader: _Reader, headers: dict[Path, ImageHeader]) -> Scales:
    """Return one scale for each kind of wide values that there is, from the real range of all files of that kind."""
    scales: dict[ValueKind, ValueScale] = {}
    kinds: tuple[ValueKind, ...] = ("integers", "floats", "wide colour")
    for kind in kinds:
        paths = [path for path, header in headers.items() if header.values == kind]
        ranges = reader.each(f"Measuring {kind} in {reader.root.name}", paths, read_range) if paths else {}
        if ranges:
            scales[kind], beyond = common_scale(kind, list(ranges.values()))
            measured = list(ranges)
            if beyond:
                odd = _odd_ones(reader, [measured[at] for at in beyond], len(paths), "far beyond that and cut off")
                reader.remarks.append(f"{scales[kind].words}; {odd}")
            if scales[kind].white < 128 and kind == "wide colour":
                bits = int(scales[kind].white).bit_length()
                reader.remarks.append(
                    f"of 16-bit colours the upper 8 bits are read, of which these use {bits}; saved as 8 bits they "
                    "would keep more"
                )
    return scales


# --- what is said of it ---------------------------------------------------------------------------------------------


def _facts(
    found: FoundPictures,
    reader: _Reader,
    headers: dict[Path, ImageHeader],
    scales: Scales,
    size: tuple[int, int],
    settings: FolderSettings,
) -> DatasetFacts:
    sizes = Counter(header.size for header in headers.values()).most_common()
    skipped: tuple[PassedOver, ...] = ()
    if reader.unreadable:
        names = tuple(map(reader.name, list(reader.unreadable)[:MAX_NAMED]))
        skipped = (PassedOver(count=len(reader.unreadable), reason=UNREADABLE, examples=names),)
    return DatasetFacts(
        sizes=tuple(sizes),
        fitted=_how_fitted(sizes, size, settings),
        values=_values(headers, scales),
        scales=tuple(scales.items()),
        passed_over=(*found.passed_over, *skipped),
        division=Division(how=found.how or "divided off"),
        remarks=(*found.remarks, *reader.remarks),
    )


def _how_fitted(sizes: list[tuple[tuple[int, int], int]], size: tuple[int, int], settings: FolderSettings) -> str:
    if all(one == size for one, _ in sizes):
        return ""
    if settings.size:
        return settings.fit
    return f"{settings.fit}, {'the size of most' if sizes[0][0] == size else 'no other size was asked for'}"


def _values(headers: dict[Path, ImageHeader], scales: Scales) -> str:
    kinds = Counter(header.values for header in headers.values())
    said = [
        (f"{count:,} of them " if len(kinds) > 1 else "") + (scales[kind].words if kind in scales else "8 bits")
        for kind, count in kinds.most_common()
    ]
    return "; ".join(said)


def _unreadable(reader: _Reader) -> DatasetError:
    """Return the error that names every file that cannot be read."""
    reasons = list(reader.unreadable.values())
    more = [f"and {len(reasons) - MAX_NAMED:,} more"] if len(reasons) > MAX_NAMED else []
    what = f"{len(reasons):,} pictures in {str(reader.root)!r} cannot be read" if len(reasons) > 1 else reasons[0]
    lines = [*reasons[:MAX_NAMED], *more] if len(reasons) > 1 else []
    remedy = "repair or remove them" if len(reasons) > 1 else "repair or remove that file"
    return DatasetError("\n  ".join([f"{what}; {remedy}, or go on without with --skip-unreadable", *lines]))
