"""What a file or folder is: a model that Keras or TensorFlow reads, or which other thing, and what to do with that."""

from __future__ import annotations

from pathlib import Path

from edgemnist.support.errors import InputError
from edgemnist.support.limits import MAX_MODEL_BYTES
from edgemnist.support.reading import open_file, require_file

KERAS_SUFFIXES = (".keras", ".h5", ".hdf5")
OTHER_FRAMEWORKS = (".onnx", ".pt2")

_ZIP, _HDF5, _LFS = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n", b"version https://git-lfs"
_SAVED_MODEL = "saved_model.pb"
_KNOWN = "give a .keras, .h5 or .tflite file or a SavedModel folder, or import an .onnx or .pt2 file"

_WEIGHTS_ALONE = (
    "holds weights alone, without the net that they belong to; build the model in Python, call "
    "model.load_weights({name!r}), then model.save('net.keras'), and give that"
)
_PYTORCH = (
    "is of PyTorch, where the net itself is Python code; load it there, export it with torch.onnx.export(model, "
    "images, 'net.onnx') and run edgemnist import net.onnx"
)
_LAYERS_ALONE = (
    "holds the layers alone, without weights; load both in Python, then model.save('net.keras'), and give that"
)
_PICKLE = "is a Python pickle, which would run code on loading; export it as ONNX, for scikit-learn with skl2onnx"

_ELSEWHERE = {
    ".weights.h5": _WEIGHTS_ALONE,
    ".ckpt": _WEIGHTS_ALONE,
    ".index": _WEIGHTS_ALONE,
    ".data-00000-of-00001": _WEIGHTS_ALONE,
    ".pt": _PYTORCH,
    ".pth": _PYTORCH,
    ".bin": _PYTORCH,
    ".safetensors": (
        "holds weights alone, without the net that they belong to; build the model in Python, load them into it, and "
        "save it as .keras, or export it from PyTorch with torch.onnx.export and run edgemnist import net.onnx"
    ),
    ".pb": (
        "is a frozen graph of TensorFlow 1, which says neither what is its input nor its output; save the model as a "
        "SavedModel with tf.saved_model.save, and give that folder"
    ),
    ".json": _LAYERS_ALONE,
    ".yaml": _LAYERS_ALONE,
    ".pkl": _PICKLE,
    ".joblib": _PICKLE,
    ".tflite": "is converted already: it can be run, but not trained or imported; give the model that it was made of",
}
"""What files of other kinds are, by their suffix, and the remedy."""


def source_files(path: Path) -> tuple[Path, ...]:
    """Return the files that a Keras or TensorFlow model consists of; reads no more than the first bytes.

    :raises InputError: there is no such file, or it is something else; says what, and what to do.
    """
    if not path.exists():
        if path.with_name(f"{path.name}.index").exists():
            raise InputError(_said(path, _WEIGHTS_ALONE))
        raise InputError(f"there is no model {str(path)!r}; {_KNOWN}")
    if path.is_dir():
        return _folder_files(path)
    kind = file_kind(path)
    if path.suffix in OTHER_FRAMEWORKS:
        raise InputError(f"{str(path)!r} is of another framework; take it over first: edgemnist import {path}")
    other = next((said for suffix, said in _ELSEWHERE.items() if path.name.lower().endswith(suffix)), None)
    if path.name == _SAVED_MODEL:
        raise InputError(f"{str(path)!r} is a part of a SavedModel; give its folder: {path.parent}")
    if other is not None:
        raise InputError(_said(path, other))
    if path.suffix not in KERAS_SUFFIXES:
        found = {"hdf5": "HDF5 inside: rename it to .h5", "keras": "zip inside: rename it to .keras if Keras wrote it"}
        raise InputError(f"{str(path)!r} is no known model format; {found.get(kind, _KNOWN)}")
    return (path,)


def file_kind(path: Path) -> str:
    """Return ``keras`` for a zip archive, ``hdf5``, or "" by a file's first bytes, whatever its suffix.

    :raises InputError: it is what Git leaves where the real file was not fetched, no regular file, or too large.
    """
    try:
        require_file(path, MAX_MODEL_BYTES)
        with open_file(path) as file:
            start = file.read(len(_LFS))
    except OSError as error:
        raise InputError(f"cannot read the model {str(path)!r}: {error.strerror or error}") from error
    if start.startswith(_LFS):
        raise InputError(f"{str(path)!r} is a pointer of Git LFS, not the model; run git lfs pull to fetch it")
    return "keras" if start.startswith(_ZIP) else "hdf5" if start.startswith(_HDF5) else ""


def _folder_files(path: Path) -> tuple[Path, ...]:
    if (path / _SAVED_MODEL).is_file():
        return tuple(sorted(file for file in path.rglob("*") if file.is_file()))
    if (path / "checkpoint").is_file() or any(path.glob("*.index")):
        raise InputError(_said(path, _WEIGHTS_ALONE))
    if (path / "config.json").is_file() and (path / "model.weights.h5").is_file():
        raise InputError(
            f"the folder {str(path)!r} is an unpacked .keras file; pack its files again: "
            f"(cd {path} && zip ../{path.stem}.keras *)"
        )
    raise InputError(f"the folder {str(path)!r} holds no {_SAVED_MODEL}, so it is not a SavedModel; {_KNOWN}")


def _said(path: Path, text: str) -> str:
    return f"{str(path)!r} {text.format(name=path.name)}"
