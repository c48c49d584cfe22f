"""Keras files of every version to a live Keras model, with layers of float32 whatever they were trained in."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemnist.keras_io.formats import file_kind
from edgemnist.keras_io.tensorflow import load_model_optimization, load_tensorflow
from edgemnist.keras_io.weights import check_weights
from edgemnist.keras_io.wrappers import WRAPPERS
from edgemnist.support.errors import ModelError, first_line
from edgemnist.support.limits import MAX_CONFIG_BYTES, MAX_MODEL_BYTES
from edgemnist.support.reading import open_zip

OPTIMIZATION = "tensorflow_model_optimization"
_KERAS = ("keras", "tf_keras", "tensorflow", "builtins", OPTIMIZATION)
_MODELS = ("Functional", "Model", "Sequential")
_WEIGHTS = "model.weights.h5"
_BYTES = ("uint8", "int8", "int16", "int32", "int64", "uint16")


@dataclass(frozen=True, eq=False)
class KerasModel:
    """A live model of Keras 2 (tf_keras) or 3. ``version`` is that of the Keras that wrote it.

    ``notes`` say what was changed on loading; ``takes_bytes``: the file's input is of whole numbers, here of float32.
    """

    model: Any
    version: str
    notes: tuple[str, ...] = ()
    takes_bytes: bool = False


def load_keras_file(path: Path) -> KerasModel:
    """Load a ``.keras`` or ``.h5`` file.

    :raises ModelError: it is corrupt, holds weights alone, or classes that are not Keras's; names them.
    """
    version, config = _read_config(path)
    changes = _Changes()
    changed = changes.applied(config)
    keras = _keras_of(version, path)
    with _readable(path, changed if changes else None) as file, _scopes(changes.wrapped):
        try:
            model = keras.models.load_model(file, compile=False)
        except Exception as error:
            # Keras raises whatever its layers, h5py and zipfile raise: there is no common class to catch.
            raise _refusal(path, config, keras, error) from error
    return KerasModel(model, version, changes.said(), changes.takes_bytes)


def load_keras_folder(path: Path) -> KerasModel:
    """Load a SavedModel folder as the Keras model that it was saved from.

    :raises ModelError: that cannot be done.
    """
    _, keras = load_tensorflow()
    with _scopes(has_wrappers(path)):
        try:
            return KerasModel(keras.models.load_model(path, compile=False), "2")
        except Exception as error:
            # As with files: no common class.
            raise ModelError(
                f"cannot load the SavedModel {str(path)!r} as a Keras model: {first_line(error)}; save it as .keras in "
                "the program that made it: model.save('net.keras')"
            ) from error


def is_keras_folder(path: Path) -> bool:
    """Whether a SavedModel folder was saved by Keras 2 and can be a Keras model again."""
    return (path / "keras_metadata.pb").is_file()


def has_wrappers(path: Path) -> bool:
    """Whether a SavedModel folder of Keras 2 has tensorflow-model-optimization's wrappers."""
    if not is_keras_folder(path):
        return False
    content = (path / "keras_metadata.pb").read_bytes()
    return any(name.encode() in content for name in WRAPPERS)


class _Changes:
    """Goes through a model's configuration and changes what stands in the way of loading it for inference."""

    def __init__(self) -> None:
        self.policies: set[str] = set()
        self.inputs: set[str] = set()
        self.wrapped = False

    @property
    def takes_bytes(self) -> bool:
        """Whether the input is of whole numbers in the file."""
        return bool(self.inputs)

    def __bool__(self) -> bool:
        """Whether the file cannot be loaded as it is."""
        return bool(self.policies or self.inputs or self.wrapped)

    def said(self) -> tuple[str, ...]:
        """Return a line for each kind of change."""
        policies = sorted(self.policies, key=lambda name: not name.startswith("mixed"))[:1]
        return (
            *(f"trained with the policy {name}: loaded with layers of float32" for name in policies),
            *(f"its input is {name}: pixels 0..255, here as float32" for name in sorted(self.inputs)),
        )

    def applied(self, value: Any) -> Any:
        """Return the configuration with the changes."""
        if isinstance(value, list):
            return [self.applied(entry) for entry in value]
        if not isinstance(value, dict):
            return value
        name = value.get("class_name")
        self.wrapped |= name in WRAPPERS
        found = {key: self._dtype(entry) if key == "dtype" else self.applied(entry) for key, entry in value.items()}
        if name in WRAPPERS:
            found.pop("build_config", None)  # with it their variables are made twice, and the file's don't fit
        if name == "InputLayer" and value["config"].get("dtype") in _BYTES:
            self.inputs.add(value["config"]["dtype"])
            found["config"]["dtype"] = "float32"
        return found

    def _dtype(self, value: Any) -> Any:
        """Return float32 for a policy that computes in less."""
        name = value["config"].get("name") if isinstance(value, dict) and "config" in value else value
        if name in ("mixed_float16", "mixed_bfloat16", "float16", "bfloat16", "float64"):
            self.policies.add(name)
            return "float32"
        return value


def _read_config(path: Path) -> tuple[str, Any]:
    """Return the version of Keras that wrote a file, and the model's configuration.

    :raises ModelError: it is corrupt, or holds weights alone.
    """
    kind = file_kind(path)
    try:
        version, text = _archive_config(path) if kind == "keras" else _hdf5_config(path)
        config = json.loads(text) if text else None
        if text and not isinstance(config, dict):
            raise ValueError("its configuration is not that of a net")
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        KeyError,
        ValueError,
        TypeError,
        OSError,
        RecursionError,
    ) as error:
        raise ModelError(
            f"{str(path)!r} is not a readable {path.suffix} file ({first_line(error)}); "
            "it is corrupt or truncated: copy or train it again"
        ) from error
    if config is not None:
        return version, config
    raise ModelError(
        f"{str(path)!r} holds weights alone, without the net that they belong to; build the model in Python, call "
        f"model.load_weights({path.name!r}), then model.save('net.keras'), and give that"
    )


def _archive_config(path: Path) -> tuple[str, bytes | str]:
    with open_zip(path, MAX_MODEL_BYTES) as archive:
        texts = []
        for name in ("metadata.json", "config.json"):
            size = archive.getinfo(name).file_size
            if size > MAX_CONFIG_BYTES:
                raise ValueError(f"{name} has {size:,} bytes, more than the {MAX_CONFIG_BYTES:,} allowed")
            texts.append(archive.read(name))
        if _WEIGHTS in archive.namelist():
            check_weights(path, io.BytesIO(archive.read(_WEIGHTS)))
    return str(json.loads(texts[0])["keras_version"]), texts[1]


def _hdf5_config(path: Path) -> tuple[str, bytes | str]:
    """Return the version and the configuration of an HDF5 file, "" where it has none."""
    import h5py  # type: ignore[import-untyped]

    check_weights(path, path)
    with h5py.File(path, "r") as file:
        found = {name: _text(file.attrs[name]) for name in ("keras_version", "model_config") if name in file.attrs}
    return found.get("keras_version", "2"), found.get("model_config", "")


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _keras_of(version: str, path: Path) -> Any:
    """Return the Keras that wrote a file: tf_keras for version 2, Keras 3 for version 3."""
    _, legacy = load_tensorflow()
    if not version.startswith("3"):
        return legacy
    # The formats differ in small ways; only Keras 3 reads its own, and only on TensorFlow can it be converted.
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import keras  # type: ignore[import-untyped]

    if keras.backend.backend() != "tensorflow":
        raise ModelError(f"{str(path)!r} was saved by Keras 3 and needs KERAS_BACKEND=tensorflow in the environment")
    return keras


@contextmanager
def _scopes(wrapped: bool) -> Iterator[None]:
    """Make tensorflow-model-optimization's classes known where a file needs them."""
    with ExitStack() as stack:
        if wrapped:
            optimization = load_model_optimization()
            stack.enter_context(optimization.quantization.keras.quantize_scope())
            stack.enter_context(optimization.sparsity.keras.prune_scope())
        yield


@contextmanager
def _readable(path: Path, config: Any | None) -> Iterator[Path]:
    """Yield a file that Keras loads: the given one, or a copy with another configuration, or with the right suffix."""
    kind = file_kind(path)
    suffix = ".keras" if kind == "keras" else ".h5"
    if config is None and (path.suffix == ".keras") == (kind == "keras"):
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / f"model{suffix}"
        if kind == "keras":
            _copy_archive(path, copy, config)
        else:
            _copy_hdf5(path, copy, config)
        yield copy


def _copy_archive(path: Path, copy: Path, config: Any | None) -> None:
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(copy, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "config.json" and config is not None:
                content = json.dumps(config).encode()
            elif name == _WEIGHTS:
                content = _without_doubles(content)
            target.writestr(name, content)


def _without_doubles(weights: bytes) -> bytes:
    """Return a weights file in which a quantising wrapper has no weight twice, nor one that its layer has.

    They have them so while training, and not when they are made for loading.
    """
    import h5py

    content = io.BytesIO(weights)
    with h5py.File(content, "r+") as file:
        for name, group in file.get("layers", {}).items():
            if name.startswith("quantize_wrapper") and "vars" in group:
                inner = group.get("layer/vars", {})
                _drop_doubles(group["vars"], [one[()] for one in inner.values()])
    return content.getvalue()


def _drop_doubles(variables: Any, elsewhere: list[Any]) -> None:
    kept: list[Any] = []
    for name in sorted(variables, key=int):
        value = variables[name][()]
        others = elsewhere if value.ndim == 1 else [*elsewhere, *kept]
        if value.ndim == 0 or not any(one.shape == value.shape and (one == value).all() for one in others):
            kept.append(value)
        del variables[name]
    for place, value in enumerate(kept):
        variables[str(place)] = value


def _copy_hdf5(path: Path, copy: Path, config: Any | None) -> None:
    import h5py

    shutil.copyfile(path, copy)
    copy.chmod(0o600)
    if config is not None:
        with h5py.File(copy, "r+") as file:
            file.attrs["model_config"] = json.dumps(config).encode()


def _refusal(path: Path, config: Any, keras: Any, error: Exception) -> ModelError:
    """Return what to say of a file that Keras does not load."""
    own = sorted(set(_own_classes(config, keras)))
    if own and all(_is_operation(keras, name) for name in own):
        return ModelError(
            f"{str(path)!r} has operations ({', '.join(own)}) that Keras 3 does not read back from .h5 files; save the "
            "model as .keras where it was made: model.save('net.keras')"
        )
    if own:
        return ModelError(
            f"{str(path)!r} needs Python code of its own, which is not in the file or not to be run from it: "
            f"{', '.join(own)}; export it as a SavedModel where that code is (model.export('net') in Keras 3, "
            "tf.saved_model.save(model, 'net') in Keras 2) and run edgemnist convert net"
        )
    return ModelError(
        f"cannot load {str(path)!r} with Keras {keras.__version__}: {first_line(error)}; the file is corrupt, or of "
        "another version of Keras: load it where it was trained, export it as a SavedModel and convert that"
    )


def _own_classes(value: Any, keras: Any, *, layer: bool = True) -> Iterator[str]:
    """Yield the names of layers, models and functions in a configuration that Keras does not have.

    ``layer``: the value stands where a layer has to be, which is all that ``.h5`` files tell of it.
    """
    if isinstance(value, list):
        for entry in value:
            yield from _own_classes(entry, keras, layer=layer)
    if not isinstance(value, dict):
        return
    name = value.get("class_name")
    if name == "function":
        yield f"the function {value['config']!r}"
    elif isinstance(name, str) and name not in WRAPPERS and (name == "Lambda" or _is_own(value, name, keras, layer)):
        yield name
    for key, entry in value.items():
        yield from _own_classes(entry, keras, layer=key in ("layers", "layer"))


def _is_own(value: Any, name: str, keras: Any, layer: bool) -> bool:
    """Whether an object's class is none of Keras's."""
    if value.get("module"):
        return str(value["module"]).partition(".")[0] not in _KERAS
    if value.get("registered_name"):
        return True
    return layer and name not in _MODELS and not hasattr(keras.layers, name)


def _is_operation(keras: Any, name: str) -> bool:
    function = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return hasattr(getattr(keras, "ops", None), function)
