"""A new project's folder: what is in it, and that nothing there is overwritten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgemnist.commands.defaults import FILE
from edgemnist.commands.init import texts
from edgemnist.commands.presets import PRESETS
from edgemnist.csource.source import check_file_name, check_identifier
from edgemnist.data.registry import find_dataset
from edgemnist.mcu.boards import find_board
from edgemnist.support.choices import unknown
from edgemnist.support.errors import InputError
from edgemnist.support.files import check_writable, write_together

OWN = "own"
"""The dataset's name where it is the pictures in ``data/``."""

DATA, WORKFLOW = "data", ".github/workflows/edgemnist.yml"


@dataclass(frozen=True, kw_only=True)
class InitSettings:
    """``dataset``: a known one or ``OWN``; ``board`` and ``preset`` by name; ``name`` begins C names."""

    folder: Path
    dataset: str
    board: str
    preset: str
    name: str

    @property
    def images(self) -> str:
        """What ``--dataset`` is given."""
        return DATA if self.dataset == OWN else self.dataset


@dataclass(frozen=True)
class Project:
    """A folder that was made: ``files`` by their paths in it; ``assumed`` are the settings that nobody had said."""

    settings: InitSettings
    files: tuple[str, ...]
    assumed: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        settings = {**asdict(self.settings), "folder": str(self.settings.folder)}
        return {**settings, "files": list(self.files), "assumed": list(self.assumed)}


def check_dataset(name: str) -> None:
    """Refuse a dataset that is not known by name.

    :raises DatasetError: there is none of that name; suggests the nearest.
    """
    if name != OWN:
        find_dataset(name)


def check_preset(name: str) -> None:
    """Refuse an unknown preset.

    :raises InputError: there is none of that name.
    """
    if name not in PRESETS:
        raise unknown("preset", name, PRESETS)


def check_name(name: str) -> None:
    """Refuse a name that can't begin C names, or whose header would hide another.

    :raises InputError: it can't; proposes another.
    """
    check_file_name(check_identifier(name))


def init_project(settings: InitSettings, assumed: tuple[str, ...] = ()) -> Project:
    """Write the project's files, all or none.

    :raises EdgeMnistError: a setting is unknown, a file of the project is there already, or the folder can't be
        written.
    """
    check_dataset(settings.dataset)
    check_preset(settings.preset)
    check_name(settings.name)
    find_board(settings.board)
    files = _files(settings)
    there = sorted(path for path in files if (settings.folder / path).exists())
    if there:
        raise InputError(
            f"{str(settings.folder)!r} has {', '.join(there)} already, and nothing is overwritten; name another "
            "folder, or move them away"
        )
    for path in files:
        check_writable((settings.folder / path).parent)
        (settings.folder / path).parent.mkdir(parents=True, exist_ok=True)
    write_together({settings.folder / path: text.encode() for path, text in files.items()})
    return Project(settings, tuple(sorted(files)), assumed)


def _files(settings: InitSettings) -> Mapping[str, str]:
    values = {
        "name": settings.name, "dataset": settings.images, "board": settings.board, "preset": settings.preset,
        "target": find_board(settings.board).core.target,
    }  # fmt: skip
    values["pictures"] = texts.fill(texts.PICTURES[settings.dataset == OWN], values)
    return {path: texts.fill(text, values) for path, text in _TEXTS.items()}


_TEXTS = {
    FILE: texts.DEFAULTS,
    "README.md": texts.README,
    ".gitignore": texts.GITIGNORE,
    WORKFLOW: texts.WORKFLOW,
    f"{DATA}/README.md": texts.DATA,
}
