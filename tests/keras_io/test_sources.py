"""Keras files and SavedModels as functions of images: types, layouts, outputs, pixels, and what is refused."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgemnist.commands.convert.converter import tflite_bytes
from edgemnist.keras_io.sources import load_source, open_source
from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.support.errors import ModelError
from edgemnist.tflite.file import parse_tflite
from edgemnist.tflite.kinds import ModelKind
from tests.keras_io.nets import CLASSES, NETS, SHAPE, SIDE, keras_of, pictures, plain, residual, saved

VERSIONS = (2, 3)


def with_signatures(path: Path, **functions: tuple[Any, str]) -> Path:
    """Save a SavedModel with signatures of functions, each with the type of its input."""
    tensorflow, _ = load_tensorflow()
    module, signatures = tensorflow.Module(), {}
    module.matrix = tensorflow.Variable(np.random.default_rng(2).normal(size=(3, CLASSES)).astype(np.float32))
    for name, (function, dtype) in functions.items():
        shape = [None] if dtype == "string" else [None, *SHAPE]

        def serve(image: Any, function: Any = function) -> Any:
            return function(module, image)

        spec = tensorflow.TensorSpec(shape, dtype, name="image")
        signatures[name] = tensorflow.function(serve, autograph=False).get_concrete_function(spec)
    tensorflow.saved_model.save(module, str(path), signatures=signatures)
    return path


def classified(module: Any, image: Any) -> Any:
    tensorflow, _ = load_tensorflow()
    return {"scores": tensorflow.reduce_mean(tensorflow.cast(image, tensorflow.float32), [1, 2]) @ module.matrix}


def test_a_function_of_python_that_is_not_in_the_file_is_named_with_the_way_out(tmp_path: Path) -> None:
    tensorflow, _ = load_tensorflow()

    def doubled(module: Any, image: Any) -> Any:
        twice = tensorflow.numpy_function(lambda values: values * 2, [image], tensorflow.float32)
        means = tensorflow.reduce_mean(tensorflow.reshape(twice, tensorflow.shape(image)), [1, 2])
        return {"scores": means @ module.matrix}

    path = with_signatures(tmp_path / "net", serving_default=(doubled, "float32"))
    lost = subprocess.run(
        [sys.executable, "-c", _PREDICTING, str(path), *map(str, SHAPE)], capture_output=True, text=True, check=False
    )
    assert "ValueError: " in lost.stdout, lost.stderr
    assert lost.stdout.endswith("export it so that it runs in another process, without functions of Python's own\n")


_PREDICTING = """
import sys
from pathlib import Path
import numpy as np
from edgemnist.keras_io.sources import load_source
from edgemnist.support.errors import ModelError
shape = tuple(map(int, sys.argv[2:]))
try:
    load_source(Path(sys.argv[1]), shape).predict(np.zeros((2, *shape), np.float32))
except ModelError as error:
    print(error)
"""
"""In a process of its own: the one that exported the model still has the function."""


@pytest.mark.parametrize("version", VERSIONS)
def test_mixed_precision_is_loaded_in_float32(version: int, tmp_path: Path) -> None:
    keras = keras_of(version)
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        path = saved(NETS["residual"](keras), tmp_path / "net.keras")
    finally:
        keras.mixed_precision.set_global_policy("float32")
    reference = NETS["residual"](keras)
    reference.set_weights([np.asarray(one, np.float32) for one in keras.models.load_model(path).get_weights()])
    source = load_source(path, SHAPE)
    assert "trained with the policy mixed_float16: loaded with layers of float32" in source.notes
    np.testing.assert_allclose(source.predict(pictures()), np.asarray(reference(pictures())), atol=1e-6)


def test_a_savedmodel_in_half_precision_is_refused_in_a_sentence(tmp_path: Path) -> None:
    tensorflow, _ = load_tensorflow()

    def halved(module: Any, image: Any) -> Any:
        half = tensorflow.cast(tensorflow.reduce_mean(image, [1, 2]), tensorflow.float16)
        return tensorflow.cast(half @ tensorflow.cast(module.matrix, tensorflow.float16), tensorflow.float32)

    path = with_signatures(tmp_path / "saved", serving_default=(halved, "float32"))
    with pytest.raises(ModelError, match=r"computes in float16.*model.save\('net.keras'\)"):
        load_source(path, SHAPE)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_pixels_of_a_model_that_scales_them_itself_are_known(dtype: str, version: int, tmp_path: Path) -> None:
    model = residual(keras_of(version), dtype=dtype)
    source = load_source(saved(model, tmp_path / "net.keras"), SHAPE)
    assert source.pixels == "0..255"
    told = "its input is uint8" if dtype == "uint8" else "pixels 0..255: the model has its own Rescaling(1/127.5, -1)"
    assert source.notes[0].startswith(told)
    np.testing.assert_allclose(
        source.predict(pictures()), np.asarray(model(pictures().astype(dtype), training=False)), atol=1e-6
    )


@pytest.mark.parametrize(("name", "known"), [("plain", None), ("nested", "0..255"), ("operations", "0..255")])
def test_pixels_are_not_guessed(name: str, known: str | None, tmp_path: Path) -> None:
    for version in VERSIONS:
        opened = open_source(saved(NETS[name](keras_of(version)), tmp_path / f"{version}.keras"))
        assert (opened.pixels, bool(opened.notes)) == (known, known is not None)


def test_a_signature_of_bytes_converts_as_one_of_real_numbers(tmp_path: Path) -> None:
    path = with_signatures(tmp_path / "saved", serving_default=(classified, "uint8"))
    source = load_source(path, SHAPE)
    assert source.pixels == "0..255" and "takes 'image' as uint8" in source.notes[0]
    matrix = np.random.default_rng(2).normal(size=(3, CLASSES)).astype(np.float32)
    np.testing.assert_allclose(source.predict(pictures()), pictures().mean((1, 2)) @ matrix, rtol=1e-4, atol=1e-3)
    model = parse_tflite(tflite_bytes(source, ModelKind.INT8, io="int8", calibration=pictures()))
    assert "CAST" not in {operator.kind for operator in model.operators}


def test_a_signature_of_strings_is_refused(tmp_path: Path) -> None:
    def decoded(module: Any, image: Any) -> Any:
        tensorflow, _ = load_tensorflow()
        pixels = tensorflow.io.decode_raw(image, tensorflow.uint8, fixed_length=SIDE * SIDE * 3)
        return classified(module, tensorflow.reshape(pixels, [-1, *SHAPE]))

    path = with_signatures(tmp_path / "saved", serving_default=(decoded, "string"))
    with pytest.raises(ModelError, match=r"takes 'image' as a string.*tf.saved_model.save"):
        load_source(path, SHAPE)


def test_one_of_several_signatures_and_outputs_is_chosen(tmp_path: Path) -> None:
    def two(module: Any, image: Any) -> Any:
        scores = classified(module, image)["scores"]
        return {"classes": scores, "first": scores[:, :1]}

    path = with_signatures(tmp_path / "saved", one=(classified, "float32"), both=(two, "float32"))
    with pytest.raises(ModelError, match="has the signatures both, one; name one with --output"):
        load_source(path, SHAPE)
    with pytest.raises(ModelError, match=r"classes \(\?x4\), first \(\?x1\); .* --output classes"):
        load_source(path, SHAPE, "both")
    with pytest.raises(ModelError, match="has no output 'last'"):
        load_source(path, SHAPE, "both:last")
    found = {name: load_source(path, SHAPE, name) for name in ("one", "both:classes", "both:first", "both:0")}
    assert [source.outputs for source in found.values()] == [4, 4, 1, 4]


@pytest.mark.parametrize("version", VERSIONS)
def test_one_of_several_outputs_of_a_keras_model_is_chosen(version: int, tmp_path: Path) -> None:
    keras = keras_of(version)
    image = keras.Input(SHAPE)
    flat = keras.layers.Flatten()(image)
    ends = [keras.layers.Dense(units, name=name)(flat) for units, name in ((1, "age"), (CLASSES, "kind"))]
    model = keras.Model(image, ends)
    path = saved(model, tmp_path / "net.keras")
    with pytest.raises(ModelError, match=r"age \(\?x1\), kind \(\?x4\); .* --output kind"):
        load_source(path, SHAPE)
    expected = np.asarray(model(pictures())[1])
    for output in ("kind", "1"):
        np.testing.assert_allclose(load_source(path, SHAPE, output).predict(pictures()), expected, rtol=1e-5)


def test_one_output_tells_two_classes_apart(tmp_path: Path) -> None:
    source = load_source(saved(plain(keras_of(3), units=1, activation="sigmoid"), tmp_path / "net.keras"), SHAPE)
    assert (source.outputs, source.classes) == (1, 2)
    assert source.predict(pictures()).shape == (6, 1)


@pytest.mark.parametrize(("reshape", "width"), [((1, 1, CLASSES), CLASSES), ((), 1)])
def test_rows_of_scores_in_another_form(reshape: tuple[int, ...], width: int, tmp_path: Path) -> None:
    def other(module: Any, image: Any) -> Any:
        tensorflow, _ = load_tensorflow()
        scores = classified(module, image)["scores"]
        return {"scores": tensorflow.reshape(scores[:, :width], [-1, *reshape])}

    source = load_source(with_signatures(tmp_path / "saved", serving_default=(other, "float32")), SHAPE)
    assert (source.outputs, source.predict(pictures()).shape) == (width, (6, width))


@pytest.mark.parametrize("version", VERSIONS)
def test_channels_first_is_told_from_the_shape(version: int, tmp_path: Path) -> None:
    model = NETS["channels_first"](keras_of(version))
    opened = open_source(saved(model, tmp_path / "net.keras"))
    assert (opened.layout, opened.sizes) == ("nchw", SHAPE)
    expected = np.asarray(model(pictures().transpose(0, 3, 1, 2), training=False))
    for shape in (None, SHAPE, (3, SIDE, SIDE)):
        source = opened.bind(shape)
        assert (source.image_shape, source.input_shape) == (SHAPE, (3, SIDE, SIDE))
        np.testing.assert_allclose(source.predict(source.arrange(pictures())), expected, rtol=1e-4, atol=1e-4)


def test_sizes_that_a_model_leaves_open_are_the_dataset_s(tmp_path: Path) -> None:
    opened = open_source(saved(NETS["nested"](keras_of(3)), tmp_path / "net.keras"))
    assert (opened.sizes, opened.layout) == ((None, None, 3), "nhwc")
    assert opened.bind((20, 16, 3)).input_shape == (20, 16, 3)
    with pytest.raises(ModelError, match=r"\?x\?x3.*20x16x1"):
        opened.bind((20, 16, 1))


def damaged(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:2000])


def layer_of_its_own(path: Path) -> None:
    keras = keras_of(3)

    class Doubled(keras.layers.Layer):  # type: ignore[misc, name-defined]
        def call(self, inputs: Any) -> Any:
            return inputs * 2

    image = keras.Input(SHAPE)
    saved(keras.Model(image, keras.layers.Dense(4)(keras.layers.Flatten()(Doubled()(image)))), path)


def python_code(path: Path) -> None:
    keras = keras_of(3)
    image = keras.Input(SHAPE)
    halved = keras.layers.Lambda(lambda value: value / 2)(image)
    saved(keras.Model(image, keras.layers.Dense(4)(keras.layers.Flatten()(halved))), path)


def operations_in_h5(path: Path) -> None:
    saved(NETS["operations"](keras_of(3)), path.with_suffix(".h5"))
    path.with_suffix(".h5").rename(path)


def weights_alone(path: Path) -> None:
    _, keras = load_tensorflow()
    NETS["plain"](keras).save_weights(path.with_suffix(".h5"))
    path.with_suffix(".h5").rename(path)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damaged, "corrupt or truncated"),
        (layer_of_its_own, "needs Python code of its own.*Doubled; export it as a SavedModel"),
        (python_code, "needs Python code of its own.*Lambda"),
        (operations_in_h5, r"TrueDivide\) that Keras 3 does not read back from .h5"),
        (weights_alone, r"weights alone.*model.load_weights\('net.keras'\)"),
    ],
)
def test_what_cannot_be_loaded_is_said(damage: Any, message: str, tmp_path: Path) -> None:
    path = saved(NETS["plain"](keras_of(3)), tmp_path / "net.keras")
    damage(path)
    with pytest.raises(ModelError, match=message):
        load_source(path, SHAPE)


def test_the_first_bytes_count_not_the_suffix(tmp_path: Path) -> None:
    path = saved(NETS["plain"](load_tensorflow()[1]), tmp_path / "net.h5")
    shutil.copy(path, tmp_path / "net.keras")
    one, other = (load_source(tmp_path / name, SHAPE) for name in ("net.h5", "net.keras"))
    np.testing.assert_array_equal(one.predict(pictures()), other.predict(pictures()))
