"""Which pictures of a folder belong to which class and split: from the names of its folders, reading no picture."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from edgemnist.data.facts import PassedOver
from edgemnist.data.images import HEIF_REMEDY, HEIF_SUFFIXES, SUFFIXES, reads_heif
from edgemnist.support.errors import DatasetError
from edgemnist.support.words import some

PARTS = {
    "train": "train", "training": "train",
    "val": "validation", "valid": "validation", "validation": "validation", "dev": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip
"""What folders of a split are called, in any case, and which split that is."""

_FILLERS = frozenset({"set", "data", "dataset", "images", "imgs", "pictures", "photos", "split", "seg", "folder"})
"""Words that may stand beside these or be written together with them: ``training_set``, ``seg_train``, ``testSet``."""

MAX_DEPTH = 6
"""So deep pictures are looked for below a class folder."""

MAX_EXAMPLES = 5

_LITTER = frozenset({"__macosx", "thumbs.db", "desktop.ini"})
_UNREAD_PICTURES = frozenset(
    {".avif", ".jxl", ".jp2", ".svg", ".psd", ".tga", ".ico", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raw", ".orf"}
)

Labelled = list[tuple[Path, int]]


@dataclass(frozen=True)
class FoundPictures:
    """The pictures of a folder with their labels, by split; ``test`` is empty where a test split has to be divided off.

    ``how`` says how the split was made, "" for that case. ``remarks`` are what was assumed.
    """

    train: Labelled
    test: Labelled
    class_names: tuple[str, ...]
    how: str
    passed_over: tuple[PassedOver, ...]
    remarks: tuple[str, ...]


@dataclass
class _Search:
    """What is noted on the way."""

    root: Path
    remarks: list[str] = field(default_factory=list)
    passed: dict[str, list[Path]] = field(default_factory=dict)

    def pass_over(self, path: Path, reason: str) -> None:
        self.passed.setdefault(reason, []).append(path)

    def name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix() or "."

    def passed_over(self) -> tuple[PassedOver, ...]:
        return tuple(
            PassedOver(count=len(paths), reason=reason, examples=tuple(map(self.name, paths[:MAX_EXAMPLES])))
            for reason, paths in self.passed.items()
        )


@dataclass(frozen=True)
class _Part:
    """One split: a folder of its own or, with ``inside``, the folders of its name inside every class folder."""

    classes: dict[str, list[Path]]
    where: str


def find_pictures(root: Path) -> FoundPictures:
    """Find the pictures of a folder: one sub-folder per class, or folders of splits with such sub-folders each.

    A single folder that wraps everything is entered. Splits are ``train``, ``val`` and ``test`` as :data:`PARTS` knows
    them, around the class folders or inside each. With ``val`` but no ``test``, ``val`` is the test split; with all
    three, ``val`` is trained on. Sub-folders of a class folder belong to the class. Hidden files, ``__MACOSX`` and
    whatever is no picture are passed over and counted.

    :raises DatasetError: no classes, a class without pictures, splits whose classes differ, an ambiguous split.
    """
    search = _Search(root)
    parts = _parts(search, _unwrapped(search, root))
    class_names = _class_names(search, parts)
    labelled = {
        part: [(path, label) for label, name in enumerate(class_names) for path in found.classes.get(name, [])]
        for part, found in parts.items()
    }
    how, train, test = _assign(parts, labelled, search)
    return FoundPictures(train, test, class_names, how, search.passed_over(), tuple(search.remarks))


def _assign(parts: dict[str, _Part], labelled: dict[str, Labelled], search: _Search) -> tuple[str, Labelled, Labelled]:
    """Return how the split was made, and the pictures of the training and of the test split."""
    train, validation, test = (labelled.get(part, []) for part in ("train", "validation", "test"))
    where = {part: found.where for part, found in parts.items()}
    if test and validation:
        search.remarks.append(
            f"{where['validation']} is trained on, together with {where['train']}: train holds images out of both"
        )
        return f"given: {where['train']} and {where['validation']}, {where['test']}", train + validation, test
    if test:
        return f"given: {where['train']}, {where['test']}", train, test
    if validation:
        return (
            f"given: {where['train']}; {where['validation']} is the test split, as there is no other",
            train,
            validation,
        )
    return "", train, []


# --- where the classes are ------------------------------------------------------------------------------------------


def _unwrapped(search: _Search, folder: Path) -> Path:
    """Enter folders that hold nothing but one folder of folders."""
    for _ in range(MAX_DEPTH):
        folders, pictures = _listing(search, folder, quiet=True)
        if pictures or len(folders) != 1 or not _listing(search, folders[0], quiet=True)[0]:
            break
        _listing(search, folder)
        folder = folders[0]
    if folder != search.root:
        search.remarks.append(f"the dataset is in its folder {search.name(folder)!r}, the only one there")
    return folder


def _parts(search: _Search, folder: Path) -> dict[str, _Part]:
    folders, pictures = _listing(search, folder)
    by_part: dict[str, list[Path]] = {}
    for one in folders:
        by_part.setdefault(_part_of(one.name), []).append(one)
    if "train" in by_part and len(by_part.keys() - {""}) > 1:
        return _given_parts(search, by_part, pictures)
    if folders and not by_part.get("") and len(by_part) > 1:
        raise DatasetError(
            f"{str(folder)!r} has {', '.join(one.name for one in folders)}, but no training pictures; "
            "rename the folder that is to be trained on to 'train'"
        )
    if not folders and pictures:
        raise _flat(folder, len(pictures))
    for picture in pictures:
        search.pass_over(picture, "beside the class folders")
    return _parts_inside(search, folders) or {"train": _part(search, folder, folders)}


def _given_parts(search: _Search, by_part: dict[str, list[Path]], pictures: list[Path]) -> dict[str, _Part]:
    """Return the splits that folders of their own hold."""
    for picture in pictures:
        search.pass_over(picture, "beside the folders of the splits")
    for other in by_part.pop("", []):
        search.pass_over(other, "a folder beside those of the splits")
    parts = {}
    for part, folders in by_part.items():
        if len(folders) > 1:
            both = " and ".join(repr(search.name(one)) for one in folders)
            raise DatasetError(f"{str(search.root)!r}: {both} could both be the {part} split; rename or remove one")
        inner = _unwrapped(replace(search, remarks=[], root=folders[0]), folders[0])
        classes, loose = _listing(search, inner)
        if part != "train" and not (classes or loose):
            search.remarks.append(f"{search.name(folders[0])}/ is empty")
            continue
        if loose and not classes:
            if part == "train":
                raise _flat(inner, len(loose))
            for picture in loose:
                search.pass_over(picture, f"without a class: {search.name(inner)}/ has no folders of classes")
            continue
        for picture in loose:
            search.pass_over(picture, "beside the class folders")
        parts[part] = _part(search, folders[0], classes)
    return parts


def _parts_inside(search: _Search, class_folders: list[Path]) -> dict[str, _Part] | None:
    """Return the splits where every class folder has folders of splits inside, else None."""
    inside = {one: {_part_of(sub.name): sub for sub in _listing(search, one, quiet=True)[0]} for one in class_folders}
    found = [set(parts) for parts in inside.values()]
    if len(found) < 2 or not all("train" in one and len(one) > 1 and "" not in one for one in found):
        return None
    for one in class_folders:
        for picture in _listing(search, one)[1]:
            search.pass_over(picture, "beside the folders of the splits")
    parts = {}
    for part in sorted(set.union(*found)):
        classes = {one.name: list(_below(search, subs[part])) for one, subs in inside.items() if part in subs}
        parts[part] = _Part(classes, f"*/{next(subs[part].name for subs in inside.values() if part in subs)}/")
    return parts


def _part(search: _Search, folder: Path, class_folders: list[Path]) -> _Part:
    return _Part({one.name: _pictures(search, one) for one in class_folders}, f"{search.name(folder)}/")


def _class_names(search: _Search, parts: dict[str, _Part]) -> tuple[str, ...]:
    """Return the classes, after making sure that every split has pictures of each.

    :raises DatasetError: says what is missing and where.
    """
    trained = parts["train"].classes
    if len(trained) < 2:
        raise DatasetError(
            f"{str(search.root)!r} has {len(trained)} sub-folder(s); needed is one sub-folder of images per class, "
            "at least two"
        )
    # A validation split that is trained on beside the training split need not have every class.
    spare = "validation" if "test" in parts else ""
    for part, found in parts.items():
        _require_same_classes(search, trained, found, parts["train"].where, all_of_them=part != spare)
    needed = [found for part, found in parts.items() if part != spare]
    empty = [f"{found.where}{name}" for found in needed for name, paths in found.classes.items() if not paths]
    if empty:
        where = ", ".join(repr(name.removeprefix("./")) for name in empty[:20])
        raise DatasetError(
            f"{str(search.root)!r}: the class folder{'s' * (len(empty) > 1)} {where} "
            f"{'have' if len(empty) > 1 else 'has'} no images ({', '.join(sorted(SUFFIXES))})"
            f"{_why_empty(search)}; add some or remove the folder"
        )
    return tuple(sorted(trained))


def _require_same_classes(
    search: _Search, trained: dict[str, list[Path]], part: _Part, train: str, *, all_of_them: bool
) -> None:
    extra = sorted(part.classes.keys() - trained.keys())
    missing = sorted(trained.keys() - part.classes.keys()) if all_of_them else []
    if extra or missing:
        only = [
            f"only {where} has {', '.join(names)}" for where, names in ((train, missing), (part.where, extra)) if names
        ]
        raise DatasetError(
            f"{str(search.root)!r}: {train} and {part.where} must have the same class folders, but {'; '.join(only)}; "
            "rename or remove the folders that differ, and give every class some images in both"
        )


def _why_empty(search: _Search) -> str:
    read = [f"{len(paths)} {reason}" for reason, paths in search.passed.items() if "decoder" in reason]
    return f", but {read[0]}" if read else ""


def _flat(folder: Path, count: int) -> DatasetError:
    return DatasetError(
        f"{str(folder)!r} has {count:,} pictures and no sub-folders, so nothing says which class they are of; "
        "make one sub-folder per class and put each picture into its own"
    )


# --- what is in a folder --------------------------------------------------------------------------------------------


def _pictures(search: _Search, class_folder: Path) -> list[Path]:
    """Return the pictures of a class: those in its folder, then those below."""
    found = list(_below(search, class_folder))
    deeper = Counter(path.parent.name for path in found if path.parent != class_folder)
    if deeper:
        search.remarks.append(
            f"{sum(deeper.values()):,} pictures in sub-folders of {search.name(class_folder)}/ "
            f"({some(list(deeper), 3)}) were taken as its own"
        )
    return found


def _below(search: _Search, folder: Path, depth: int = MAX_DEPTH) -> Iterator[Path]:
    folders, pictures = _listing(search, folder)
    yield from pictures
    for inner in folders:
        if inner.is_symlink() and inner.resolve() in (folder.resolve(), *folder.resolve().parents):
            search.pass_over(inner, "a link to a folder around it")
        elif depth:
            yield from _below(search, inner, depth - 1)
        else:
            search.pass_over(inner, f"a folder more than {MAX_DEPTH} below its class")


def _listing(search: _Search, folder: Path, *, quiet: bool = False) -> tuple[list[Path], list[Path]]:
    """Return (sub-folders, pictures) of a folder, sorted; whatever else is there is noted unless ``quiet``."""
    folders: list[Path] = []
    pictures: list[Path] = []
    for entry in sorted(folder.iterdir()):
        reason = _why_not(entry)
        if reason is None:
            (folders if entry.is_dir() else pictures).append(entry)
        elif not quiet:
            search.pass_over(entry, reason)
    return folders, pictures


def _why_not(entry: Path) -> str | None:
    """Return why an entry is no part of a dataset, None if it may be."""
    suffix = entry.suffix.lower()
    if entry.name.startswith(".") or entry.name.lower() in _LITTER:
        return "hidden, or left by a system"
    if entry.is_dir():
        return None
    if suffix in HEIF_SUFFIXES:
        return None if reads_heif() else f"HEIC without its decoder: {HEIF_REMEDY}"
    if suffix in _UNREAD_PICTURES:
        return f"{suffix} pictures, which are not read: save them as .png or .jpg"
    if suffix not in SUFFIXES:
        return "no pictures by their names"
    return None if entry.is_file() else "neither a file nor a folder"


def _part_of(name: str) -> str:
    """Return which split a folder's name says, "" for none."""
    words = [word for word in re.split(r"[\s_.-]+", name.lower()) if word not in _FILLERS]
    if len(words) != 1:
        return ""
    shorter = (words[0].removesuffix(filler) for filler in _FILLERS)
    return next((PARTS[word] for word in (words[0], *shorter) if word in PARTS), "")
