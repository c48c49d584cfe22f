"""Presets of the main job: how much time goes into each stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Preset:
    """Epochs are for 55,000 training images; ``parity_images`` None is the whole test set."""

    name: str
    description: str
    train_epochs: int
    prune_epochs: int
    sparsity: float
    parity_images: int | None


_KNOWN = (
    Preset("quick", "a first look: under 3 minutes on 2 cores", 4, 2, 0.5, 1000),
    Preset("standard", "under 8 minutes on 2 cores", 12, 8, 0.5, None),
    Preset("best", "as long as it helps", 30, 10, 0.5, None),
)

PRESETS: Mapping[str, Preset] = MappingProxyType({preset.name: preset for preset in _KNOWN})
"""Every preset by name."""
