"""Checkpoints: the state after an epoch as one file that is written whole or not at all.

An ``.npz`` of plain arrays with a JSON header, so reading one runs no code from the file.
"""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgemnist.support.errors import InputError
from edgemnist.support.files import write_bytes
from edgemnist.training.loop import Array, EpochReport, FitState

FORMAT = 3

_GROUPS = ("weights", "slots", "best_weights", "averages")


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A state and the settings it belongs to (JSON values)."""

    settings: Mapping[str, Any]
    state: FitState


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint atomically."""
    state = checkpoint.state
    header = {
        "format": FORMAT,
        "settings": dict(checkpoint.settings),
        "epoch": state.epoch,
        "best_epoch": state.best_epoch,
        "history": [dataclasses.asdict(report) for report in state.history],
    }
    arrays = {f"{group}_{index:04d}": array for group in _GROUPS for index, array in enumerate(getattr(state, group))}
    content = io.BytesIO()  # in memory first: numpy leaves an open archive behind when the disk is full
    np.savez(content, header=np.frombuffer(json.dumps(header).encode(), dtype=np.uint8), **arrays)
    write_bytes(path, content.getvalue())


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint.

    :raises InputError: the file is not a whole checkpoint of the known format.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
            header = json.loads(content["header"].tobytes())
            if header["format"] != FORMAT:
                raise ValueError(f"format {header['format']!r}, known is {FORMAT}")
            groups = {group: _group(content, group) for group in _GROUPS}
        history = tuple(EpochReport(**report) for report in header["history"])
        state = FitState(epoch=header["epoch"], best_epoch=header["best_epoch"], history=history, **groups)
        return Checkpoint(header["settings"], state)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"cannot read the checkpoint {str(path)!r}: {error}; run the command without --resume to start anew"
        ) from error


def _group(content: Mapping[str, Array], group: str) -> tuple[Array, ...]:
    return tuple(content[name] for name in sorted(content) if name.rpartition("_")[0] == group)


def require_same_settings(stored: Mapping[str, Any], wanted: Mapping[str, Any], command: str) -> None:
    """Check that a fit is resumed with the settings it was started with.

    A dataset may have another name, or have moved, as long as its SHA-256 is the same.

    :raises InputError: they differ; names every setting that does, with both values.
    """
    compared = [key for key in {**stored, **wanted} if key != "dataset"]
    changed = [key for key in compared if stored.get(key) != wanted.get(key)]
    if changed:
        listing = ", ".join(f"{key} was {stored.get(key)!r} and is now {wanted.get(key)!r}" for key in changed)
        raise InputError(
            f"cannot resume with other settings: {listing}; give the same ones, or run `{command}` without --resume "
            "to start anew"
        )
