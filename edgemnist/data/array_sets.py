"""A dataset of the arrays that a file holds: their splits put together, with what was worked out about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.arrays import as_images, as_labels, number_classes
from edgemnist.data.assembling import DIVIDED_OFF, divide_train_test, make_dataset
from edgemnist.data.base import Dataset, Split
from edgemnist.data.facts import DatasetFacts, Division, PassedOver
from edgemnist.support.errors import DatasetError


@dataclass(frozen=True, eq=False, kw_only=True)
class ArraySplit:
    """Images and labels as a file has them, and what both are called in messages."""

    images: NDArray[Any]
    labels: NDArray[Any]
    image_name: str
    label_name: str


@dataclass(frozen=True, eq=False, kw_only=True)
class ArraySet:
    """The splits of a file by "train", "validation" and "test", of which the first has to be there.

    ``class_names``: text, one for each of the labels 0..classes-1, or None.
    """

    path: Path
    splits: Mapping[str, ArraySplit]
    class_names: NDArray[Any] | None = None
    remarks: tuple[str, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()


def dataset_of_arrays(found: ArraySet, name: str) -> Dataset:
    """Return the dataset. Without a test split the validation split is taken, else one is divided off.

    With all three, the validation split is trained on: training holds images out by itself.

    :raises DatasetError: content that is not a dataset.
    """
    where = repr(str(found.path))
    read = as_images({one.image_name: one.images for one in found.splits.values()}, where)
    images = dict(zip(found.splits, read.images, strict=True))
    labels = {
        part: as_labels(one.labels, len(images[part]), f"{one.label_name} in {where}")
        for part, one in found.splits.items()
    }
    train, test, division, remarks = _divided(found)
    _require_one_shape(found, images, where)
    train_images, train_labels = (_joined(values, train) for values in (images, labels))
    test_images, test_labels = (_joined(values, test or train) for values in (images, labels))
    numbers, test_numbers, labels_as_names = number_classes(train_labels, test_labels, where)
    names = labels_as_names if found.class_names is None else _given_names(found.class_names, labels_as_names, where)
    whole, tested = Split(train_images, numbers), Split(test_images, test_numbers)
    if not test:
        whole, tested = divide_train_test(whole, names, where)
    facts = DatasetFacts(
        values=read.values,
        division=division,
        passed_over=found.passed_over,
        remarks=(*found.remarks, *read.remarks, *_about_labels(found), *remarks),
    )
    return make_dataset(name, whole, tested, names, source=str(found.path), facts=facts)


def _divided(found: ArraySet) -> tuple[list[str], list[str], Division, list[str]]:
    """Return which splits are trained on, which tested with, how that came about, and what was assumed."""
    name = {part: one.image_name.strip("'") for part, one in found.splits.items()}
    if {"validation", "test"} <= found.splits.keys():
        division = Division(how=f"given: {name['train']} and {name['validation']}, {name['test']}")
        remark = f"{name['validation']} is trained on, together with {name['train']}: train holds images out of both"
        return ["train", "validation"], ["test"], division, [remark]
    if "test" in found.splits:
        return ["train"], ["test"], Division(how=f"given: {name['train']}, {name['test']}"), []
    if "validation" in found.splits:
        how = f"given: {name['train']}; {name['validation']} is the test split, as there is no other"
        return ["train"], ["validation"], Division(how=how), []
    return ["train"], [], DIVIDED_OFF, []


def _joined(values: Mapping[str, NDArray[Any]], parts: list[str]) -> NDArray[Any]:
    return values[parts[0]] if len(parts) == 1 else np.concatenate([values[part] for part in parts])


def _require_one_shape(found: ArraySet, images: Mapping[str, NDArray[np.uint8]], where: str) -> None:
    shapes = {part: one.shape[1:] for part, one in images.items()}
    if len(set(shapes.values())) > 1:
        said = ", ".join(f"{found.splits[part].image_name} {shape}" for part, shape in shapes.items())
        raise DatasetError(f"{where} has images of different shapes: {said}; they must be alike")


def _about_labels(found: ArraySet) -> list[str]:
    wide = [one.label_name for one in found.splits.values() if one.labels.ndim == 2 and one.labels.shape[1] > 1]
    return [f"{' and '.join(wide)}: one-hot, the place of the 1 is the class"] if wide else []


def _given_names(class_names: NDArray[Any], labels: tuple[str, ...], where: str) -> tuple[str, ...]:
    expected = tuple(str(label) for label in range(len(class_names))) if class_names.ndim == 1 else ()
    if class_names.dtype.kind != "U" or labels != expected:
        raise DatasetError(
            f"'class_names' in {where} must be text, one name for each of the labels 0..classes-1; "
            f"it is {class_names.dtype} of shape {class_names.shape} for the labels {', '.join(labels)}"
        )
    return tuple(str(name) for name in class_names)
