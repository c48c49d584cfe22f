"""Known datasets from every place, in the right order and the right orientation; strict, or clearly refused."""

from __future__ import annotations

import gzip
import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgemnist.data import locations, mnist5k
from edgemnist.data.base import Dataset
from edgemnist.data.idx import encode_idx
from edgemnist.data.loading import load_dataset, load_for_run
from edgemnist.data.registry import find_dataset
from edgemnist.support.errors import DatasetError
from tests.data.conftest import SmallDataset, digits, install_rows, packed, remote_file, shrink

pytestmark = pytest.mark.unit


def assert_is(dataset: Dataset, name: str, where: Path, note: str = "") -> None:
    assert (dataset.name, dataset.source, dataset.note) == (name, str(where), note)
    assert dataset.train.images.shape == (40, 28, 28, 1)
    assert dataset.test.images.shape == (20, 28, 28, 1)
    np.testing.assert_array_equal(dataset.train.images[..., 0], digits(40)[0])
    np.testing.assert_array_equal(dataset.test.labels, digits(20, 1)[1])


def write_npz(path: Path, **changes: object) -> Path:
    (x_train, y_train), (x_test, y_test) = digits(40), digits(20, 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **{"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test, **changes})  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize("plain", [False, True])
def test_data_folder(small_mnist: SmallDataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, plain: bool) -> None:
    folder = small_mnist.write_to(tmp_path / "sets/mnist", plain=plain)
    monkeypatch.setenv("EDGEMNIST_DATA", str(tmp_path / "sets"))
    assert_is(load_dataset("mnist", fetch=False), "mnist", folder)


def test_names_with_a_dot(small_mnist: SmallDataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Some distribute the files as ``train-images.idx3-ubyte``."""
    folder = small_mnist.write_to(tmp_path / "mnist", plain=True)
    for path in list(folder.iterdir()):
        path.rename(folder / path.name.replace("-idx", ".idx"))
    monkeypatch.setenv("EDGEMNIST_DATA", str(tmp_path))
    assert_is(load_dataset("mnist"), "mnist", folder)


@pytest.mark.parametrize("place", ["mnist/mnist.npz", "mnist.npz"])
def test_npz_in_the_data_folder(
    small_mnist: SmallDataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str
) -> None:
    path = write_npz(tmp_path / place)
    monkeypatch.setenv("EDGEMNIST_DATA", str(tmp_path))
    assert_is(load_dataset("mnist"), "mnist", path)


def test_keras_cache(small_mnist: SmallDataset, bare_machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_npz(bare_machine / ".keras/datasets/mnist.npz")
    assert_is(load_dataset("mnist"), "mnist", path)
    monkeypatch.setenv("KERAS_HOME", str(bare_machine / "elsewhere"))
    with pytest.raises(DatasetError):
        load_dataset("mnist", fetch=False)


def test_keras_cache_of_fashion_mnist(bare_machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = shrink("fashion-mnist", monkeypatch)
    folder = small.write_to(bare_machine / ".keras/datasets/fashion-mnist")
    dataset = load_dataset("fashion-mnist")
    assert dataset.source == str(folder)
    assert dataset.class_names[9] == "Ankle boot"


@pytest.mark.parametrize("root", ["data", ".cache/torch/datasets"])
def test_torchvision_layout(small_mnist: SmallDataset, bare_machine: Path, root: str) -> None:
    folder = small_mnist.write_to(bare_machine / root / "MNIST/raw", plain=True)
    assert (bare_machine / load_dataset("mnist").source).resolve() == folder.resolve()


def test_debian_package(bare_machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = shrink("fashion-mnist", monkeypatch)
    small.write_to(locations.DEBIAN_FASHION_MNIST)
    assert load_dataset("fashion-mnist").source == str(locations.DEBIAN_FASHION_MNIST)


@pytest.mark.parametrize(
    ("variable", "value", "cache"),
    [("", "", ".cache/edgemnist"), ("EDGEMNIST_CACHE", "cache", "cache"), ("XDG_CACHE_HOME", "xdg", "xdg/edgemnist")],
)
def test_own_cache(
    small_mnist: SmallDataset,
    bare_machine: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    cache: str,
) -> None:
    if variable:
        monkeypatch.setenv(variable, str(bare_machine / value))
    folder = small_mnist.write_to(bare_machine / cache / "datasets/mnist")
    assert_is(load_dataset("mnist"), "mnist", folder)


def test_first_place_wins(small_mnist: SmallDataset, bare_machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached = small_mnist.write_to(bare_machine / ".cache/edgemnist/datasets/mnist")
    assert load_dataset("mnist").source == str(cached)
    keras = write_npz(bare_machine / ".keras/datasets/mnist.npz")
    assert load_dataset("mnist").source == str(keras)
    own = small_mnist.write_to(bare_machine / "sets/mnist")
    monkeypatch.setenv("EDGEMNIST_DATA", str(bare_machine / "sets"))
    assert load_dataset("mnist").source == str(own)


def test_content_decides_about_the_hash_not_the_file_format(small_mnist: SmallDataset, bare_machine: Path) -> None:
    write_npz(bare_machine / ".keras/datasets/mnist.npz")
    from_npz = load_dataset("mnist").sha256
    (bare_machine / ".keras/datasets/mnist.npz").unlink()
    small_mnist.write_to(bare_machine / ".cache/edgemnist/datasets/mnist")
    assert load_dataset("mnist").sha256 == from_npz


def test_rebuilt_file_is_noted(small_mnist: SmallDataset, bare_machine: Path) -> None:
    folder = small_mnist.write_to(bare_machine / ".cache/edgemnist/datasets/mnist")
    images = digits(40)[0].copy()
    images[3, 4, 5] ^= 1
    (folder / "train-images-idx3-ubyte.gz").write_bytes(packed(encode_idx(images)))
    note = load_dataset("mnist").note
    assert f"the content of {folder / 'train-images-idx3-ubyte.gz'} is not that of the published mnist" in note
    assert "labels" not in note


def test_recompressed_file_is_not_noted(small_mnist: SmallDataset, bare_machine: Path) -> None:
    folder = small_mnist.write_to(bare_machine / ".cache/edgemnist/datasets/mnist")
    path = folder / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), compresslevel=1))
    assert load_dataset("mnist").note == ""


@pytest.mark.parametrize("root", ["sets", ".cache/edgemnist/datasets"])
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train-images-idx3-ubyte.gz", b"", "found nothing"),
        ("train-images-idx3-ubyte.gz", packed(encode_idx(digits(40)[0]))[:-100], "cannot be decompressed"),
        ("train-images-idx3-ubyte.gz", packed(encode_idx(digits(39)[0])), "40.* but there are 39 images"),
        ("t10k-images-idx3-ubyte.gz", packed(encode_idx(digits(20)[1])), "shape .20,.; images must have shape"),
        ("t10k-images-idx3-ubyte.gz", packed(encode_idx(np.zeros((20, 28, 28), np.int32))), "int32 .*not bytes"),
        ("t10k-images-idx3-ubyte.gz", packed(encode_idx(np.zeros((20, 8, 8), np.uint8))), "20, 28, 28, 1"),
        (
            "t10k-labels-idx1-ubyte.gz",
            packed(encode_idx(digits(20)[1] + 1)),
            "labels run from 1 to 10, mnist has",
        ),
        ("t10k-labels-idx1-ubyte.gz", b"\x1f\x8bnonsense", "t10k-labels"),
    ],
    ids=["empty", "truncated", "fewer images", "labels as images", "not bytes", "other size", "wrong labels", "noise"],
)
def test_damaged_files_of_ours_are_an_error(
    small_mnist: SmallDataset,
    bare_machine: Path,
    monkeypatch: pytest.MonkeyPatch,
    root: str,
    name: str,
    content: bytes,
    message: str,
) -> None:
    folder = small_mnist.write_to(bare_machine / root / "mnist")
    (folder / name).write_bytes(content)
    if root == "sets":
        monkeypatch.setenv("EDGEMNIST_DATA", str(bare_machine / root))
    with pytest.raises(DatasetError, match=message) as raised:
        load_dataset("mnist")
    assert name in str(raised.value) or str(folder) in str(raised.value)
    assert ("edgemnist data fetch mnist" in str(raised.value)) == (root != "sets")


def test_both_images_and_labels_too_few(small_mnist: SmallDataset, bare_machine: Path) -> None:
    folder = small_mnist.write_to(bare_machine / ".cache/edgemnist/datasets/mnist")
    images, labels = digits(30)
    (folder / "train-images-idx3-ubyte.gz").write_bytes(encode_idx(images))
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(encode_idx(labels))
    with pytest.raises(DatasetError, match=r"training images of shape .30, 28, 28, 1., mnist has .40.*give the path"):
        load_dataset("mnist")


def test_damaged_cache_of_another_program_is_passed_over(small_mnist: SmallDataset, bare_machine: Path) -> None:
    broken = bare_machine / ".keras/datasets/mnist.npz"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"half a downl")
    with pytest.raises(DatasetError, match="not on this machine") as raised:
        load_dataset("mnist", fetch=False)
    assert f"passed over: '{broken}' is damaged" in str(raised.value)
    folder = small_mnist.write_to(bare_machine / ".cache/edgemnist/datasets/mnist")
    dataset = load_dataset("mnist")
    assert dataset.source == str(folder)
    assert f"passed over: '{broken}' is damaged" in dataset.note


def test_npz_of_a_known_dataset_must_have_its_labels(
    small_mnist: SmallDataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_npz(tmp_path / "mnist.npz", y_train=digits(40)[1] * 2, y_test=digits(20)[1] * 2)
    monkeypatch.setenv("EDGEMNIST_DATA", str(tmp_path))
    with pytest.raises(DatasetError, match=r"its labels are 0, 2, .*, not 0\.\.9"):
        load_dataset("mnist")


def test_data_variable_must_name_a_folder(small_mnist: SmallDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEMNIST_DATA", "/does/not/exist")
    with pytest.raises(DatasetError, match="EDGEMNIST_DATA is '/does/not/exist', which is not a folder"):
        load_dataset("mnist")


def test_incomplete_set_is_not_used(small_mnist: SmallDataset, bare_machine: Path) -> None:
    folder = small_mnist.write_to(bare_machine / ".cache/edgemnist/datasets/mnist")
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DatasetError, match="not on this machine") as raised:
        load_dataset("mnist", fetch=False)
    assert f"passed over: '{folder}' lacks t10k-labels-idx1-ubyte" in str(raised.value)


def test_nowhere_to_be_had_names_the_remedies(small_mnist: SmallDataset) -> None:
    with pytest.raises(DatasetError) as raised:
        load_dataset("mnist", fetch=False)
    for remedy in ("edgemnist data fetch mnist", "EDGEMNIST_DATA", "mnist-5k", "pip install 'edgemnist[mnist5k]'"):
        assert remedy in str(raised.value)


def emnist(variant: str, monkeypatch: pytest.MonkeyPatch) -> tuple[SmallDataset, bytes]:
    """Return a small EMNIST whose images are an L in the upper left, stored column by column, and its archive."""
    row = find_dataset(f"emnist-{variant}")
    row = replace(row, train_count=2 * len(row.class_names), test_count=len(row.class_names))
    assert row.layout is not None
    letter = np.zeros((28, 28), np.uint8)
    letter[2:12, 3] = 255
    letter[11, 3:8] = 200
    files = {}
    for images, labels, count in ((0, 1, row.train_count), (2, 3, row.test_count)):
        numbers = np.arange(count) % len(row.class_names) + row.layout.first_label
        files[f"{row.layout.names[images]}.gz"] = packed(encode_idx(np.stack([letter.T] * count)))
        files[f"{row.layout.names[labels]}.gz"] = packed(encode_idx(numbers.astype(np.uint8)))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"gzip/{name}", content)
    archived = buffer.getvalue()
    row = replace(row, files=(remote_file("gzip.zip", archived),))
    install_rows(monkeypatch, row)
    return SmallDataset(row, files), archived


@pytest.mark.parametrize("variant", ["balanced", "letters", "digits", "byclass"])
@pytest.mark.parametrize("place", ["emnist/gzip.zip", "emnist", "emnist-{}", "EMNIST/raw"])
def test_emnist_is_turned_upright(
    bare_machine: Path, monkeypatch: pytest.MonkeyPatch, variant: str, place: str
) -> None:
    small, archived = emnist(variant, monkeypatch)
    target = bare_machine / "sets" / place.format(variant)
    if place.endswith(".zip"):
        target.parent.mkdir(parents=True)
        target.write_bytes(archived)
    else:
        small.write_to(target, plain=place == "EMNIST/raw")
    monkeypatch.setenv("EDGEMNIST_DATA", str(bare_machine / "sets"))
    dataset = load_dataset(f"emnist-{variant}")
    image = dataset.test.images[0, ..., 0]
    assert (image[2:12, 3] >= 200).all(), "the stem of the L goes down"
    assert (image[11, 3:8] >= 200).all(), "its foot goes right"
    assert dataset.test.labels.tolist() == list(range(len(dataset.class_names)))


def test_emnist_letters_start_at_a(bare_machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small, _ = emnist("letters", monkeypatch)
    folder = small.write_to(bare_machine / ".cache/edgemnist/datasets/emnist")
    dataset = load_dataset("emnist-letters")
    assert dataset.class_names[int(dataset.train.labels[0])] == "A"
    path = folder / "emnist-letters-test-labels-idx1-ubyte.gz"
    path.write_bytes(packed(encode_idx(np.arange(26, dtype=np.uint8))))
    with pytest.raises(DatasetError, match="labels run from 0 to 25, emnist-letters has 1 to 26"):
        load_dataset("emnist-letters")


@pytest.mark.parametrize("damage", ["truncated", "member missing", "noise"])
def test_damaged_emnist_archive(bare_machine: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    _, archived = emnist("digits", monkeypatch)
    folder = bare_machine / ".cache/edgemnist/datasets/emnist"
    folder.mkdir(parents=True)
    if damage == "member missing":
        with zipfile.ZipFile(folder / "gzip.zip", "w") as archive:
            archive.writestr("other", b"")
    else:
        (folder / "gzip.zip").write_bytes(archived[:-500] if damage == "truncated" else b"noise" * 100)
    with pytest.raises(DatasetError, match=r"gzip\.zip:gzip/emnist-digits-train-images.*is damaged"):
        load_dataset("emnist-digits")


def test_qmnist_labels_are_the_first_of_eight_columns(bare_machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = shrink("qmnist", monkeypatch)
    for name in list(small.files):
        if "labels" in name:
            classes = (np.arange(40 if "train" in name else 20) % 10).astype(np.int32)
            columns = np.stack([classes, *[classes + 100 * column for column in range(1, 8)]], axis=1)
            small.files[name] = packed(encode_idx(columns))
    small.write_to(bare_machine / ".cache/edgemnist/datasets/qmnist")
    dataset = load_dataset("qmnist")
    assert dataset.train.labels[:12].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]


def test_auto_takes_mnist_where_it_is(small_mnist: SmallDataset, bare_machine: Path) -> None:
    folder = small_mnist.write_to(bare_machine / ".cache/edgemnist/datasets/mnist")
    assert_is(load_for_run(), "mnist", folder)


def test_auto_substitutes_and_says_so(small_mnist: SmallDataset) -> None:
    dataset = load_for_run()
    assert dataset.name == "mnist-5k"
    assert "using mnist-5k" in dataset.note


def test_auto_does_not_hide_damage(small_mnist: SmallDataset, bare_machine: Path) -> None:
    folder = small_mnist.write_to(bare_machine / ".cache/edgemnist/datasets/mnist")
    (folder / "t10k-images-idx3-ubyte.gz").write_bytes(b"x")
    with pytest.raises(DatasetError, match="is damaged"):
        load_for_run()


def test_auto_without_either(small_mnist: SmallDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mnist5k, "_PACKAGE", "no-such-package-here")
    with pytest.raises(DatasetError, match=r"data fetch mnist.*edgemnist\[mnist5k\]"):
        load_for_run(fetch=False)


def test_every_other_caller_is_strict(small_mnist: SmallDataset) -> None:
    with pytest.raises(DatasetError, match="'auto' is for `edgemnist run`"):
        load_dataset("auto")
    with pytest.raises(DatasetError, match="not on this machine"):
        load_dataset("mnist", fetch=False)


def test_idx_folder_by_path(small_mnist: SmallDataset, tmp_path: Path) -> None:
    folder = small_mnist.write_to(tmp_path / "mine")
    labels = np.array([3, 7], np.uint8)[np.arange(40) % 2]
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(encode_idx(labels))
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(encode_idx(labels[:20]))
    dataset = load_dataset(str(folder))
    assert dataset.class_names == ("3", "7")
    assert dataset.train.labels.tolist() == [0, 1] * 20
    assert Path(dataset.name) == folder


def test_emnist_folder_by_path_is_turned_upright(bare_machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small, archived = emnist("letters", monkeypatch)
    by_path = load_dataset(str(small.write_to(bare_machine / "mine")))
    assert by_path.class_names[0] == "A"
    assert by_path.test.images[0, 2:12, 3, 0].min() >= 200
    (bare_machine / "all").mkdir()
    (bare_machine / "all/gzip.zip").write_bytes(archived)
    with pytest.raises(DatasetError, match="several datasets; name the one you mean: emnist-balanced, emnist-letters"):
        load_dataset(str(bare_machine / "all"))


def test_known_name_wins_over_a_folder(small_mnist: SmallDataset, bare_machine: Path) -> None:
    (bare_machine / "mnist").mkdir()
    folder = small_mnist.write_to(bare_machine / ".cache/edgemnist/datasets/mnist")
    assert load_dataset("mnist").source == str(folder)


def test_size_and_channels(small_mnist: SmallDataset, bare_machine: Path) -> None:
    small_mnist.write_to(bare_machine / ".cache/edgemnist/datasets/mnist")
    original = load_dataset("mnist")
    same = load_dataset("mnist", image_size=(28, 28), channels=1)
    assert same.sha256 == original.sha256
    resized = load_dataset("mnist", image_size=(16, 16), channels=3)
    assert resized.image_shape == (16, 16, 3)
    assert resized.sha256 != original.sha256
    for size, channels in (((0, 5), 1), ((5, 5), 2)):
        with pytest.raises(DatasetError, match="cannot make images"):
            load_dataset("mnist", image_size=size, channels=channels)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mnits", "unknown dataset 'mnits'; did you mean 'mnist'"),
        ("", "unknown dataset ''"),
        ("./nowhere/at/all", "no such file or folder: './nowhere/at/all'"),
        ("notes.txt", r"'notes.txt' is not a dataset; a file must be an .npz or a .csv.*numpy\.savez"),
    ],
)
def test_wrong_names(bare_machine: Path, name: str, message: str) -> None:
    (bare_machine / "notes.txt").write_text("x")
    with pytest.raises(DatasetError, match=message):
        load_dataset(name)
