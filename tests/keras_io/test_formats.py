"""Files that are no Keras model: each is named as what it is, with the remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgemnist.keras_io.formats import source_files
from edgemnist.support.errors import InputError

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("net.weights.h5", r"weights alone.*model.load_weights\('net.weights.h5'\)"),
        ("model.ckpt.index", "weights alone"),
        ("net.pth", "of PyTorch.*torch.onnx.export"),
        ("net.pt", "of PyTorch.*edgemnist import net.onnx"),
        ("net.safetensors", "weights alone"),
        ("frozen.pb", "frozen graph of TensorFlow 1.*tf.saved_model.save"),
        ("saved_model.pb", "part of a SavedModel; give its folder"),
        ("net.pkl", "would run code"),
        ("net.json", "without weights"),
        ("net.tflite", "converted already"),
        ("net.onnx", "edgemnist import .*net.onnx"),
        ("net.txt", "no known model format"),
    ],
)
def test_files_of_other_kinds_are_named(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"something")
    with pytest.raises(InputError, match=message):
        source_files(tmp_path / name)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["checkpoint", "ckpt-1.index"], "weights alone"),
        (["config.json", "metadata.json", "model.weights.h5"], r"unpacked .keras file.*zip ../net.keras"),
        (["notes.txt"], "holds no saved_model.pb"),
    ],
)
def test_folders_of_other_kinds_are_named(files: list[str], message: str, tmp_path: Path) -> None:
    folder = tmp_path / "net"
    folder.mkdir()
    for name in files:
        (folder / name).touch()
    with pytest.raises(InputError, match=message):
        source_files(folder)


def test_a_pointer_of_git_lfs_is_told_from_a_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "net.keras"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(InputError, match="git lfs pull"):
        source_files(path)


def test_a_checkpoint_without_a_file_of_its_name_is_known(tmp_path: Path) -> None:
    (tmp_path / "cp.ckpt.index").touch()
    with pytest.raises(InputError, match=r"model.load_weights\('cp.ckpt'\)"):
        source_files(tmp_path / "cp.ckpt")
    with pytest.raises(InputError, match="there is no model"):
        source_files(tmp_path / "other.keras")


def test_a_savedmodel_is_all_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "variables").mkdir()
    for name in ("saved_model.pb", "variables/variables.index"):
        (tmp_path / name).touch()
    assert [path.name for path in source_files(tmp_path)] == ["saved_model.pb", "variables.index"]
