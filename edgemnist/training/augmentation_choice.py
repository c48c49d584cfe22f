"""Which augmentation suits a dataset."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.base import Dataset
from edgemnist.data.registry import known_dataset
from edgemnist.training.augment import AUTO, Augmentation, find_augmentation

_LOOKED_AT = 200
"""Images, spread over the training split."""

_NEARLY, _GROUND = 16, 0.4
_DIRECTIONS = frozenset({"left", "right", "clockwise", "counterclockwise", "anticlockwise"})


def augmentation_for(dataset: Dataset) -> Augmentation:
    """Return the augmentation that suits a dataset: a known one by its name, others by what they are.

    Coloured pictures, and grey ones in a folder unless they are drawings, get that of photos, without its mirroring
    where the classes are named like letters, digits or directions. Drawings and other grey arrays get the gentle one.
    """
    known = known_dataset(dataset.name)
    if known is not None:
        return find_augmentation(known.augmentation)
    pictures = Path(dataset.name).is_dir()
    if dataset.image_shape[2] == 1 and (not pictures or _are_drawings(dataset.train.images)):
        return find_augmentation("gentle")
    return find_augmentation("signs" if _tells_left_from_right(dataset.class_names, pictures) else "photos")


def _are_drawings(images: NDArray[np.uint8]) -> bool:
    """Whether grey images are ink on bare ground: black or white is what two fifths of their pixels nearly are."""
    some = images[:: max(1, len(images) // _LOOKED_AT)]
    bare = max(np.mean(some < _NEARLY), np.mean(some > 255 - _NEARLY))
    return bool(bare >= _GROUND)


def _tells_left_from_right(class_names: Sequence[str], pictures: bool) -> bool:
    """Whether the classes' names are of things that look otherwise in a mirror.

    The classes of arrays are numbers whatever they show; ``pictures``: these are the names of folders.
    """
    words = {word for name in class_names for word in re.split(r"[^a-z0-9]+", name.lower())}
    characters = all(len(name) == 1 for name in class_names)
    return bool(words & _DIRECTIONS) or (characters and (pictures or not all(name.isdigit() for name in class_names)))


def choose_augmentation(name: str | None, default: str, dataset: Dataset) -> str:
    """Return the name of the augmentation to use: ``name``, or ``default`` for None; "auto" is what suits the dataset.

    :raises InputError: there is none of that name.
    """
    chosen = default if name is None else name
    return (augmentation_for(dataset) if chosen == AUTO else find_augmentation(chosen)).name
