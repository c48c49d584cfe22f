"""Saving a Keras model so that the same weights give the same bytes."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from edgemnist.support.files import atomic_path

_EPOCH_OF_ZIP = (1980, 1, 1, 0, 0, 0)


def save_model(model: Any, path: Path) -> None:
    """Write an uncompiled tf_keras model as ``.keras``, atomically; architecture and weights, no optimizer state.

    The format holds the time of saving in its zip entries and in ``metadata.json``; both are replaced.
    """
    with atomic_path(path) as temporary:
        model.save(temporary, save_format="keras")
        _without_times(temporary)


def _without_times(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in sorted(archive.namelist())}
    metadata = json.loads(entries["metadata.json"])
    metadata["date_saved"] = "1980-01-01@00:00:00"
    entries["metadata.json"] = json.dumps(metadata).encode()
    rewritten = io.BytesIO()
    with zipfile.ZipFile(rewritten, "w") as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH_OF_ZIP), content)
    path.write_bytes(rewritten.getvalue())


def load_model(path: Path) -> Any:
    """Return a tf_keras model that an earlier stage saved.

    :raises ModelError: the file is not a readable Keras model.
    """
    from edgemnist.keras_io.tensorflow import load_tensorflow
    from edgemnist.support.errors import ModelError

    _, keras = load_tensorflow()
    try:
        return keras.models.load_model(path, compile=False)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        reason = str(error).partition("\n")[0]
        raise ModelError(
            f"cannot read {str(path)!r} as a Keras model: {reason}; it has to be a .keras file that tf-keras saved, as "
            "`edgemnist train` does"
        ) from error
