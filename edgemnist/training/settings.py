"""What everything that fits a net may be told, and how an unfinished fit fills in what it was told before."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from edgemnist.training.distillation import DistillationSettings, stored_distillation

SettingsT = TypeVar("SettingsT", bound="FitSettings")


@dataclass(frozen=True, kw_only=True)
class FitSettings:
    """How to fit; None leaves a choice to the recipe that suits, or to the checkpoint of what is resumed.

    ``dataset`` is a known dataset's name or a path, for a stage that is not handed the dataset itself; ``batch`` is in
    images per step; ``learning_rate`` is the peak; ``augmentation`` is a name in ``augment.AUGMENTATIONS`` or "auto",
    the one that suits the dataset.
    """

    dataset: str | None = None
    epochs: int | None = None
    seed: int | None = None
    batch: int | None = None
    learning_rate: float | None = None
    augmentation: str | None = None
    distillation: DistillationSettings | None = None

    def filled_from(self: SettingsT, stored: Mapping[str, Any]) -> SettingsT:
        """Return the settings with what is not given taken from a checkpoint's (JSON values)."""
        values = self.read_stored(stored)
        return dataclasses.replace(self, **{n: value for n, value in values.items() if getattr(self, n) is None})

    def read_stored(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Return a checkpoint's settings by the names that these have, those it lacks as None."""
        values = {field.name: stored.get(field.name) for field in dataclasses.fields(self)}
        return values | {"distillation": stored_distillation(stored["distillation"])}
