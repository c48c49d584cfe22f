"""What is known of a model beyond its file: what it was trained on, and how it is fed and read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemnist.artifacts.folder import MAX_MANIFEST_BYTES, WorkFolder
from edgemnist.support.errors import InputError
from edgemnist.support.reading import read_json
from edgemnist.tflite.preprocessing import Preprocessing


@dataclass(frozen=True)
class ModelContext:
    """What a model needs to be fed and read rightly; every stage that makes a model passes it on in its settings."""

    dataset: str
    arch: str
    preprocessing: Preprocessing

    @property
    def is_of_the_users_files(self) -> bool:
        """Whether the dataset is a folder or a file and not a known name."""
        return Path(self.dataset).name != self.dataset

    @property
    def title(self) -> str:
        """The dataset's name for others to read: of a folder or a file the last part of its path, "" if unknown."""
        return Path(self.dataset).name

    def as_json(self) -> dict[str, Any]:
        """Return the context as JSON values, to be merged into a stage's settings."""
        return {"dataset": self.dataset, "arch": self.arch, **self.preprocessing.as_json()}

    @classmethod
    def from_json(cls, settings: Mapping[str, Any]) -> ModelContext:
        """Read the context back from a stage's settings.

        :raises InputError: a field is missing or of the wrong type.
        """
        try:
            return cls(str(settings["dataset"]), str(settings["arch"]), Preprocessing.from_json(settings))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"the manifest's model context is incomplete ({error!r}); run `edgemnist train` again"
            ) from error


def context_beside(model: Path) -> ModelContext | None:
    """Return what a model was trained on, from the ``manifest.json`` in its folder, if that names the model.

    :raises InputError: the manifest is one of ours, and damaged.
    """
    work = WorkFolder(model.resolve().parent)
    if _is_of_another_program(work.manifest_path):
        return None
    for record in work.stages().values():
        if model.name in record.outputs and "normalisation" in record.settings:
            return ModelContext.from_json(record.settings)
    return None


def _is_of_another_program(manifest: Path) -> bool:
    """Whether a readable ``manifest.json`` is none of ours: web applications and others have files of that name."""
    try:
        content = read_json(manifest, MAX_MANIFEST_BYTES)
    except (OSError, ValueError, InputError):
        return False  # missing, or damaged: that is for ``WorkFolder.stages`` to say
    return not isinstance(content, dict) or "stages" not in content
