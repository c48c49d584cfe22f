"""What the main job is told, and what it takes where it is told nothing."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from edgemnist.commands.presets import PRESETS, Preset
from edgemnist.data.loading import AUTO
from edgemnist.support.choices import unknown
from edgemnist.training.architectures import DEFAULT_ARCHITECTURE

DEFAULT_PRESET = "standard"


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """What ``edgemnist run`` takes; None, and no ``skip_unreadable``, is the usual, or what a resumed job began with.

    ``dataset`` "auto" is full MNIST where it is to be had, else mnist-5k. ``image_size``: height and width in pixels,
    None for what suits.
    """

    dataset: str | None = None
    arch: str | None = None
    preset: str | None = None
    seed: int | None = None
    sparsity: float | None = None
    epochs: int | None = None
    skip_unreadable: bool = False
    image_size: int | None = None

    def with_defaults(self) -> RunSettings:
        """Return the settings of a new job, with what is not given as usual."""
        usual: dict[str, Any] = {"dataset": AUTO, "arch": DEFAULT_ARCHITECTURE, "preset": DEFAULT_PRESET, "seed": 0}
        missing = {name: value for name, value in usual.items() if getattr(self, name) is None}
        return dataclasses.replace(self, **missing)

    @property
    def architecture(self) -> str:
        """The architecture, the usual one where none is named."""
        return self.arch or DEFAULT_ARCHITECTURE

    def chosen_preset(self) -> Preset:
        """Return the preset.

        :raises InputError: there is none of that name.
        """
        name = self.preset or DEFAULT_PRESET
        if name not in PRESETS:
            raise unknown("preset", name, PRESETS)
        return PRESETS[name]
