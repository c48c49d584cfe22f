"""Datasets in .npz archives."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgemnist.data.loading import load_dataset
from edgemnist.support.errors import DatasetError

pytestmark = pytest.mark.unit

IMAGES = np.random.RandomState(0).randint(0, 256, size=(20, 5, 6)).astype(np.uint8)
LABELS = np.arange(20) % 4


def save(path: Path, **arrays: Any) -> str:
    np.savez(path, **arrays)
    return str(path)


def divided(**changes: Any) -> dict[str, Any]:
    return {"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES[:8] // 2, "y_test": LABELS[:8], **changes}


def test_keras_keys(tmp_path: Path) -> None:
    dataset = load_dataset(save(tmp_path / "a.npz", **divided()))
    np.testing.assert_array_equal(dataset.train.images[..., 0], IMAGES)
    np.testing.assert_array_equal(dataset.train.labels, LABELS)
    assert dataset.image_shape == (5, 6, 1)
    assert dataset.class_names == ("0", "1", "2", "3")
    assert dataset.train.labels.dtype == np.int64
    assert len(dataset.test) == 8
    assert dataset.note == ""
    assert Path(dataset.name) == tmp_path / "a.npz"


def test_medmnist_keys_colour_and_class_names(tmp_path: Path) -> None:
    colour = np.stack([IMAGES] * 3, axis=-1)
    names = np.array(["cat", "dog", "emu", "fox"])
    path = save(
        tmp_path / "a.npz",
        train_images=colour,
        train_labels=LABELS[:, None],
        val_images=colour,
        val_labels=LABELS[:, None],
        test_images=colour,
        test_labels=LABELS[:, None],
        class_names=names,
    )
    dataset = load_dataset(path)
    assert dataset.image_shape == (5, 6, 3)
    assert dataset.class_names == ("cat", "dog", "emu", "fox")
    assert (len(dataset.train), len(dataset.test)) == (40, 20), "val is trained on beside train"
    assert "val_images is trained on, together with train_images" in dataset.facts.remarks[0]


def test_undivided_is_divided_class_by_class(tmp_path: Path) -> None:
    dataset = load_dataset(save(tmp_path / "a.npz", images=IMAGES, labels=LABELS))
    assert (len(dataset.train), len(dataset.test)) == (16, 4)
    assert np.bincount(dataset.test.labels).tolist() == [1, 1, 1, 1]
    assert dataset.facts.division.share == 0.2
    assert dataset.sha256 == load_dataset(save(tmp_path / "b.npz", x=IMAGES, y=LABELS)).sha256


def test_labels_become_dense_and_keep_their_names(tmp_path: Path) -> None:
    sparse = load_dataset(save(tmp_path / "a.npz", **divided(y_train=LABELS * 10 + 5, y_test=LABELS[:8] * 10 + 5)))
    assert sparse.class_names == ("5", "15", "25", "35")
    np.testing.assert_array_equal(sparse.train.labels, LABELS)
    words = np.array(["b", "a", "d", "c"])[LABELS]
    text = load_dataset(save(tmp_path / "b.npz", **divided(y_train=words, y_test=words[:8])))
    assert text.class_names == ("a", "b", "c", "d")
    assert text.train.labels[:4].tolist() == [1, 0, 3, 2]


@pytest.mark.parametrize(
    "images",
    [
        IMAGES.astype(np.int64),
        IMAGES.astype(np.float32),
        (IMAGES / 255).astype(np.float32),
        IMAGES[..., None],
    ],
)
def test_pixel_types(tmp_path: Path, images: np.ndarray) -> None:  # type: ignore[type-arg]
    dataset = load_dataset(save(tmp_path / "a.npz", **divided(x_train=images)))
    np.testing.assert_array_equal(dataset.train.images[..., 0], IMAGES)


def test_bits_become_black_and_white(tmp_path: Path) -> None:
    dataset = load_dataset(save(tmp_path / "a.npz", **divided(x_train=IMAGES > 100)))
    assert set(np.unique(dataset.train.images)) == {0, 255}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x_train": IMAGES.reshape(20, 30)}, "'x_train'.*shape .20, 30.*must have shape"),
        ({"x_train": IMAGES[:0], "y_train": LABELS[:0]}, "it holds nothing"),
        ({"x_train": IMAGES * 2.0}, "values from 0 to 5[0-9]+; pixels must lie in 0..255"),
        ({"x_train": IMAGES - 300.0}, "values from -"),
        ({"x_train": IMAGES + 0.5}, "(fractional|values)"),
        ({"x_train": np.full(IMAGES.shape, np.nan)}, "values from nan"),
        ({"x_train": np.full(IMAGES.shape, "x")}, "type <U1"),
        ({"x_test": IMAGES[:8, :4]}, "must be alike"),
        ({"y_train": LABELS[:-1]}, "'y_train'.*shape .19,.*20 images"),
        ({"y_train": np.eye(20) + 0.1}, "not one-hot.*argmax"),
        ({"y_train": LABELS + 0.5}, "type float64; labels must be integers or text"),
        ({"y_train": LABELS * 0}, "label 0 only; a classifier needs at least two"),
        (
            {"y_test": LABELS[:8] + 9},
            "labels 9, 10, 11, 12 among the test images but not among the training images, which have 0, 1",
        ),
        ({"class_names": np.array(["a", "b"])}, "class_names.*one name for each"),
        ({"class_names": np.arange(4)}, "class_names.*must be text"),
    ],
)
def test_wrong_content(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        load_dataset(save(tmp_path / "wrong.npz", **divided(**changes)))


@pytest.mark.parametrize(
    "keys",
    [
        ("X_train", "Y_train", "X_test", "Y_test"),
        ("train_x", "train_y", "test_x", "test_y"),
        ("Train-Images", "Train-Labels", "Test-Images", "Test-Labels"),
        ("training_data", "training_targets", "testing_data", "testing_targets"),
        ("x_train", "y_train", "x_val", "y_val"),
        ("x_train", "y_train", "valid_images", "valid_labels"),
    ],
)
def test_keys_as_people_write_them(tmp_path: Path, keys: tuple[str, ...]) -> None:
    dataset = load_dataset(save(tmp_path / "a.npz", **dict(zip(keys, divided().values(), strict=True))))
    np.testing.assert_array_equal(dataset.train.images[..., 0], IMAGES)
    np.testing.assert_array_equal(dataset.test.images[..., 0], IMAGES[:8] // 2)
    assert ("there is no other" in dataset.facts.division.how) == ("val" in keys[2])


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (("x_train", "X_train", "y_train"), "has both 'x_train' and 'X_train'; leave out one"),
        (("x_train", "y_train", "x_test"), "'x_test' without its labels"),
        (("y_train",), "'y_train' without its images"),
        (("x_test", "y_test"), "has the keys x_test, y_test; needed are"),
    ],
)
def test_keys_that_do_not_go_together(tmp_path: Path, keys: tuple[str, ...], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        load_dataset(save(tmp_path / "a.npz", **{key: LABELS if "y" in key else IMAGES for key in keys}))


def test_arrays_of_other_names_are_passed_over_and_said(tmp_path: Path) -> None:
    (other,) = load_dataset(save(tmp_path / "a.npz", **divided(ids=LABELS))).facts.passed_over
    assert (other.count, other.examples) == (1, ("ids",))


def test_other_keys(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"wrong.npz' has the keys a, b; needed are x_train, y_train"):
        load_dataset(save(tmp_path / "wrong.npz", a=IMAGES, b=LABELS))


def test_single_image_of_a_class(tmp_path: Path) -> None:
    labels = LABELS.copy()
    labels[labels == 3] = 2
    labels[0] = 9
    with pytest.raises(DatasetError, match="class '9' has 1 image"):
        load_dataset(save(tmp_path / "a.npz", images=IMAGES, labels=labels))


def test_pickles_are_never_loaded(tmp_path: Path) -> None:
    trap = np.array([print], dtype=object)
    with pytest.raises(DatasetError, match="pickled Python objects, which are never loaded"):
        load_dataset(save(tmp_path / "a.npz", x=trap, y=LABELS))


def test_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEMNIST_MAX_BYTES", "1000")
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros((100, 28, 28), np.uint8), y=np.zeros(100, np.uint8))
    with pytest.raises(DatasetError, match=r"decompresses to 7[0-9,]+ bytes, more than the 1,000 allowed"):
        load_dataset(str(tmp_path / "a.npz"))


def test_header_that_promises_too_much(tmp_path: Path) -> None:
    header = b"\x93NUMPY\x01\x00v\x00{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999, 28, 28), }"
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", header.ljust(127) + b"\n")
    with pytest.raises(DatasetError, match=r"a\.npz"):
        load_dataset(str(tmp_path / "a.npz"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=80)
@given(data=st.data(), flip=st.booleans())
def test_damaged_anywhere_is_refused_or_harmless(tmp_path: Path, data: st.DataObject, flip: bool) -> None:
    save(tmp_path / "good.npz", **divided())
    content = bytearray((tmp_path / "good.npz").read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    if flip:
        content[position] ^= 1 << data.draw(st.integers(0, 7))
    else:
        del content[position:]
    (tmp_path / "bad.npz").write_bytes(content)
    try:
        dataset = load_dataset(str(tmp_path / "bad.npz"))
    except DatasetError as error:
        assert "bad.npz" in str(error)
    else:
        np.testing.assert_array_equal(dataset.train.images[..., 0], IMAGES)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x05\x06" + bytes(18)])
def test_not_an_npz(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(DatasetError, match=r"a\.npz"):
        load_dataset(str(tmp_path / "a.npz"))
