"""Where the models of a server come from: files and folders of versions by name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.harness.models import MODEL_SUFFIXES, find_subject
from edgemnist.support.errors import InputError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SAVED_MODEL = "saved_model.pb"

Signature = tuple[tuple[str, int, int, int], ...]
"""What changes when a file does: names, times in ns, bytes and inodes."""


@dataclass(frozen=True)
class Source:
    """A model's name, and the file or folder that is looked at for its versions."""

    name: str
    path: Path


def sources_from(models: Sequence[str], work: WorkFolder) -> tuple[Source, ...]:
    """Return where the models come from: ``NAME=PATH``, or a path, whose name without its ending names it then.

    Without any it is the work folder's preferred model.

    :raises InputError: a name is malformed or there twice, or there is nothing at a path.
    :raises StageOrderError: none is named and none converted.
    """
    if not models:
        return (Source(find_subject(None, work).path.stem, work.root),)
    found = [_source(text) for text in models]
    for source in found:
        others = [str(one.path) for one in found if one.name == source.name]
        if len(others) > 1:
            raise InputError(f"{' and '.join(others)} are both called {source.name!r}; name them: NAME=PATH")
    return tuple(found)


def _source(text: str) -> Source:
    name, equals, path = text.partition("=")
    if not equals or not _NAME.fullmatch(name):
        path, name = (
            text,
            Path(text).resolve().stem if Path(text).suffix in MODEL_SUFFIXES else Path(text).resolve().name,
        )
    if not Path(path).exists():
        raise InputError(f"there is no model {path!r}; give a .tflite, .keras or .h5 file, or a folder of versions")
    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r} cannot be a model's name in an address; name it: NAME={path}")
    return Source(name, Path(path))


def versions_of(path: Path) -> dict[int, Path]:
    """Return the model files of a path by their version.

    A file or a SavedModel is version 1, and so is a work folder's model. Of another folder it is what has a number for
    its name: files as ``3.tflite``, and folders with one model file, or a SavedModel, as TensorFlow Serving has them.

    :raises InputError: there is none, or a folder of a version has several files.
    """
    if path.is_file() or (path / _SAVED_MODEL).is_file():
        return {1: path}
    if (path / "manifest.json").is_file():
        return {1: find_subject(None, WorkFolder(path)).path}
    entries = sorted(path.iterdir()) if path.is_dir() else []
    numbered = [one for one in entries if one.stem.isdecimal() and (one.is_dir() or one.suffix in MODEL_SUFFIXES)]
    found = {int(one.stem): model for one in numbered if (model := _model_in(one)) is not None}
    if not found:
        raise InputError(f"{str(path)!r} has no version of a model; put 1.tflite into it, or a folder 1 with a model")
    return found


def _model_in(path: Path) -> Path | None:
    """Return a file, or the model in the folder of a version; None while there is none in it."""
    if path.is_file() or (path / _SAVED_MODEL).is_file():
        return path
    files = [one for one in sorted(path.iterdir()) if one.suffix in MODEL_SUFFIXES]
    if len(files) > 1:
        raise InputError(f"{str(path)!r} has {len(files)} model files; leave one there: a version is one model")
    return files[0] if files else None


def signature_of(path: Path) -> Signature:
    """Return what changes when a model's file, or a file of its folder, is another one.

    :raises OSError: it is gone.
    """
    files = [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())
    states = [(str(one), one.stat()) for one in files]
    return tuple((name, state.st_mtime_ns, state.st_size, state.st_ino) for name, state in states)
