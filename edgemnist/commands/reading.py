"""What commands that leave a record of models have read of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from edgemnist.runner.run import LoadedModel
from edgemnist.support.files import sha256_of


def digests_of_models(models: Iterable[LoadedModel]) -> dict[Path, str]:
    """Return the SHA-256 of models' files: of a ``.tflite`` what was read, of a Keras model what lies there now.

    A SavedModel, which is a folder, is left out.
    """
    files = [model for model in models if model.path.is_file()]
    return {one.path: one.tflite.sha256 if one.tflite else sha256_of(one.path) for one in files}
