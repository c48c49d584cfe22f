"""Splits and datasets as values: names, facts and the order of classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgemnist.artifacts.context import ModelContext
from edgemnist.data.base import Dataset, Split
from edgemnist.data.loading import load_dataset, load_dataset_for
from edgemnist.support.errors import DatasetError
from edgemnist.tflite.preprocessing import Preprocessing

pytestmark = pytest.mark.unit


def small() -> Dataset:
    images = np.arange(6 * 4, dtype=np.uint8).reshape(6, 2, 2, 1)
    labels = np.array([0, 1, 2, 0, 1, 2])
    names = np.array([f"{number}.png" for number in range(6)])
    return Dataset("mine", Split(images, labels, names), Split(images[:2], labels[:2]), ("a", "b", "c"), "x", "hash")


def test_names_stay_with_their_images() -> None:
    taken = small().train.take(np.array([4, 1]))
    assert [taken.name_of(0), taken.name_of(1)] == ["4.png", "1.png"]
    assert small().test.take(slice(1, 2)).name_of(0) == "image 0"


def test_facts_know_the_counts() -> None:
    counts = [(one.name, one.train, one.test) for one in small().facts.classes]
    assert counts == [("a", 2, 1), ("b", 2, 1), ("c", 2, 0)]
    assert small().facts.sizes == (((2, 2), 8),)


def test_classes_in_another_order() -> None:
    dataset = small()
    ordered = dataset.in_order(("b", "c", "a"))
    assert ordered.class_names == ("b", "c", "a")
    assert ordered.train.labels.tolist() == [2, 0, 1, 2, 0, 1]
    assert [dataset.class_names[label] for label in dataset.train.labels] == [
        ordered.class_names[label] for label in ordered.train.labels
    ]
    assert [(one.name, one.test) for one in ordered.facts.classes] == [("b", 1), ("c", 0), ("a", 1)]
    assert ordered.train.labels.dtype == np.int64
    assert ordered.sha256 != dataset.sha256
    assert dataset.in_order(("a", "b", "c")) is dataset


@pytest.mark.parametrize("names", [("a", "b"), ("a", "b", "d"), ("a", "b", "b"), ("a", "b", "c", "c")])
def test_other_names_are_no_order(names: tuple[str, ...]) -> None:
    with pytest.raises(
        DatasetError, match=r"cannot bring the classes a, b, c into the order .*; name each of them once"
    ):
        small().in_order(names)


@pytest.fixture
def stripes(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a dataset of three classes whose images are ramps of 8 x 24."""
    path = tmp_path_factory.mktemp("set") / "a.npz"
    images = np.tile((np.arange(24) * 10).astype(np.uint8), (9, 8, 1))
    labels = np.array(["a", "b", "c"] * 3)
    np.savez(path, x_train=images, y_train=labels, x_test=images, y_test=labels)
    return str(path)


@pytest.mark.parametrize(("fit", "first", "last"), [("crop", 80, 150), ("stretch", 10, 220), ("centre", 80, 150)])
def test_a_models_dataset_comes_as_the_model_takes_it(stripes: str, fit: str, first: int, last: int) -> None:
    context = ModelContext(stripes, "cnn", Preprocessing((8, 8, 1), ("c", "a", "b"), fit=fit))
    dataset = load_dataset_for(context)
    assert dataset.class_names == ("c", "a", "b")
    assert dataset.test.labels.tolist() == [1, 2, 0] * 3
    ends = dataset.test.images[0, 4, [0, -1], 0]
    np.testing.assert_allclose(ends, [first, last], atol=6)
    assert dataset.facts.fitted == fit
    named = load_dataset(stripes, image_size=(8, 8), fit=fit)
    np.testing.assert_array_equal(named.test.images, dataset.test.images)


def test_what_could_not_be_read_in_training_stays_passed_over_and_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a/0", "a/1", "b/0", "b/1"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(np.full((9, 9), 40, np.uint8)).save(tmp_path / f"{name}.png")
    (tmp_path / "a/2.png").write_bytes(b"x")
    monkeypatch.chdir(tmp_path.parent)
    context = ModelContext(str(tmp_path), "cnn", Preprocessing((9, 9, 1), ("a", "b")))
    for given in (None, tmp_path.name, str(tmp_path)):
        assert len(load_dataset_for(context, given).train) == 2
        assert "passed over 1 unreadable: a/2.png" in capsys.readouterr().err
    with pytest.raises(DatasetError, match=r"2\.png"):
        load_dataset_for(ModelContext("mnist", "cnn", context.preprocessing), str(tmp_path))


def test_other_classes_than_the_models_keep_their_order(stripes: str) -> None:
    context = ModelContext("mnist", "cnn", Preprocessing((8, 8, 1), ("x", "y", "z")))
    assert load_dataset_for(context, stripes).class_names == ("a", "b", "c")
