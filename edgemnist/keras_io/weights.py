"""What an HDF5 file of weights says of itself, looked at before Keras reads it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgemnist.support.errors import InputError
from edgemnist.support.limits import MAX_MODEL_BYTES
from edgemnist.support.reading import bytes_allowed, too_large


def check_weights(path: Path, content: Path | io.BytesIO) -> None:
    """Refuse weights that take far more memory than their file: what was never written into HDF5 is not stored.

    ``path`` stands in messages; ``content`` is the HDF5 file, which may lie in an archive.

    :raises InputError: they do, or they are in another file.
    :raises OSError: it is no HDF5 file.
    """
    import h5py  # type: ignore[import-untyped]

    if isinstance(content, io.BytesIO) and not content.getbuffer().nbytes:
        return  # a net without weights
    allowed, total = bytes_allowed(MAX_MODEL_BYTES), 0
    with h5py.File(content, "r") as file:
        for entry in _arrays(file, path):
            total += entry.nbytes
    if total > allowed:
        raise too_large(path, "has weights of", total, allowed)


def _arrays(file: Any, path: Path) -> Iterator[Any]:
    """Yield every array of an HDF5 file; each group is entered once, whatever links lead to it."""
    import h5py

    waiting, known = [file], {hash(file.id)}
    while waiting:
        group = waiting.pop()
        for name in group:
            if isinstance(group.get(name, getlink=True), h5py.ExternalLink):
                raise _elsewhere(path)
            entry = group.get(name)
            if isinstance(entry, h5py.Dataset):
                if entry.external or entry.is_virtual:
                    raise _elsewhere(path)
                yield entry
            elif isinstance(entry, h5py.Group) and hash(entry.id) not in known:
                known.add(hash(entry.id))
                waiting.append(entry)


def _elsewhere(path: Path) -> InputError:
    return InputError(f"{str(path)!r} has weights in another file; save it whole with model.save('net.keras')")
