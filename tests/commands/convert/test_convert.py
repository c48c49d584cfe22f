"""The convert stage: every mode, every source format, what it records, and what it refuses."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgemnist import cli
from edgemnist.artifacts.context import ModelContext
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.convert.settings import MODES, ConversionResult, ConversionSettings
from edgemnist.commands.convert.stage import run_conversion
from edgemnist.harness.feeding import FeedingSettings
from edgemnist.harness.models import model_file
from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.support.errors import InputError, ModelError, StageOrderError
from edgemnist.support.files import sha256_of
from edgemnist.tflite.file import read_tflite
from edgemnist.tflite.inspection import inspect
from edgemnist.tflite.kinds import ModelKind, model_kind
from edgemnist.tflite.normalisation import NORMALISATIONS
from edgemnist.tflite.preprocessing import Preprocessing
from tests.commands.convert.conftest import CLASSES, FLOAT32, INT8, SIDE, build, draw, make_work_folder, save
from tests.csource.files import TINY_MODEL

Snapshot = Callable[[Path], dict[str, bytes]]


@pytest.fixture(scope="module")
def everything(
    trained_file: Path, quadrants: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[WorkFolder, ConversionResult]:
    """Return a work folder converted to every mode, with every C array."""
    work = make_work_folder(tmp_path_factory.mktemp("all") / "work", trained_file, quadrants)
    return work, run_conversion(ConversionSettings(modes=MODES, calibration=100, c_array=True), work)


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)
def test_every_mode_makes_its_kind_and_classifies(
    everything: tuple[WorkFolder, ConversionResult], mode: ModelKind
) -> None:
    work, result = everything
    facts = next(model for model in result.models if model.mode == mode.value)
    model = read_tflite(work.path(model_file(mode)))
    assert model_kind(model) is mode
    assert model.input().shape == (1, SIDE, SIDE, 1)
    assert (facts.sha256, facts.size) == (model.sha256, model.size)
    assert facts.gzip_size < facts.size
    assert facts.verification.images == 400
    assert facts.verification.accuracy == pytest.approx(1.0, abs=0.02)
    assert facts.verification.agreement >= 0.98
    assert result.warnings == ()


def test_no_shape_arithmetic_and_no_operator_too_new(everything: tuple[WorkFolder, ConversionResult]) -> None:
    _, result = everything
    for model in result.models:
        assert not {"SHAPE", "STRIDED_SLICE", "PACK"} & set(model.operator_versions)
        # tflite-runtime 2.14 loads FULLY_CONNECTED up to version 11.
        assert model.operator_versions["FULLY_CONNECTED"] <= 11


def test_int8_input_is_pixel_minus_128(everything: tuple[WorkFolder, ConversionResult]) -> None:
    work, _ = everything
    model = read_tflite(work.path("model_int8.tflite"))
    assert (model.input().dtype, model.output().dtype) == ("int8", "int8")
    quantisation = model.input().quantisation
    assert quantisation is not None
    assert quantisation.scale == pytest.approx(1 / 255, rel=1e-6)
    assert quantisation.zero_point == -128
    assert "return (int8_t)(pixel - 128);" in work.path("model_int8.h").read_text()


def test_weights_are_counted_alike_in_float_modes(everything: tuple[WorkFolder, ConversionResult]) -> None:
    work, _ = everything
    found = {mode: inspect(read_tflite(work.path(model_file(mode)))) for mode in MODES}
    assert len({inspection.macs for inspection in found.values()}) == 1
    assert len({inspection.parameters for inspection in found.values()}) == 1
    assert found[ModelKind.FLOAT16].weight_bytes * 2 == found[ModelKind.FLOAT32].weight_bytes
    assert found[ModelKind.FLOAT16].peak_activation_bytes == found[ModelKind.FLOAT32].peak_activation_bytes


def test_c_arrays_have_labels_and_names_of_their_own(everything: tuple[WorkFolder, ConversionResult]) -> None:
    work, result = everything
    names = {model.mode: model.c_name for model in result.models}
    assert names["int8"] == "g_model"
    assert names["float16"] == "g_model_float16"
    labels = ModelContext.from_json(work.stages()["convert"].settings).preprocessing.class_names
    assert all(f'"{label}"' in work.path("model_int8.c").read_text() for label in labels)


def test_record_says_all_and_hashes_every_file(everything: tuple[WorkFolder, ConversionResult]) -> None:
    work, _ = everything
    record = work.stages()["convert"]
    assert record.inputs == {"trained.keras": sha256_of(work.path("trained.keras"))}
    assert record.outputs["model_int8.tflite"] == sha256_of(work.path("model_int8.tflite"))
    headers = {"model_int8_tflm.h", "model_int8_dump.h", *(f"model_{mode.value}.h" for mode in MODES)}
    assert {name for name in record.outputs if name.endswith(".h")} == headers
    assert record.settings["source"] == "trained.keras"
    assert "tensorflow" in record.versions
    int8 = record.results["models"]["int8"]
    assert int8["input"]["zero_point"] == -128
    assert int8["calibration"]["per_class"] == [25] * len(CLASSES)
    assert record.results["models"]["float32"]["calibration"] is None
    json.dumps(record.results)


def test_same_input_gives_the_same_bytes(
    everything: tuple[WorkFolder, ConversionResult], work: WorkFolder, snapshot: Snapshot
) -> None:
    run_conversion(INT8, work)
    first, again = snapshot(everything[0].root), snapshot(work.root)
    for name in ("model_int8.tflite", "model_int8.h", "model_int8.c"):
        assert first[name] == again[name]


@pytest.mark.parametrize("io", ["uint8", "float32"])
def test_other_input_types(work: WorkFolder, io: str) -> None:
    (model,) = run_conversion(replace(INT8, io=io, c_array=False), work).models
    assert (model.input.dtype, model.output.dtype) == (io, io)
    assert model_kind(read_tflite(work.path(model.file))) is ModelKind.INT8
    assert not work.path("model_int8.h").exists()


def test_later_modes_join_the_record_until_the_source_changes(work: WorkFolder, legacy_model: Any) -> None:
    run_conversion(INT8, work)
    run_conversion(FLOAT32, work)
    record = work.stages()["convert"]
    assert set(record.results["models"]) == {"int8", "float32"}
    assert {"model_int8.tflite", "model_float32.tflite", "model_int8.h"} <= set(record.outputs)
    _, keras = load_tensorflow()
    other = keras.models.clone_model(legacy_model)
    other.set_weights([weight * 1.01 for weight in legacy_model.get_weights()])
    save(other, work.path("trained.keras"))
    work.record("train", settings=work.stages()["train"].settings, results={}, outputs=[work.path("trained.keras")])
    result = run_conversion(FLOAT32, work)
    assert result.warnings == ("model_int8.tflite was made of an earlier model; convert it again or delete it",)
    assert set(work.stages()["convert"].results["models"]) == {"float32"}


# --- models from elsewhere -------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def foreign_models(legacy_model: Any, keras_3_model: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the same two nets in every format that is read."""
    folder = tmp_path_factory.mktemp("foreign")
    exported = folder / "keras_3_saved_model"
    keras_3_model.export(str(exported), verbose=False)
    return {
        "Keras 2 .keras": save(legacy_model, folder / "legacy.keras"),
        "Keras 2 .h5": save(legacy_model, folder / "legacy.h5"),
        "Keras 2 SavedModel": save(legacy_model, folder / "legacy", save_format="tf") and folder / "legacy",
        "Keras 3 .keras": save(keras_3_model, folder / "three.keras"),
        "Keras 3 .h5": save(keras_3_model, folder / "three.h5"),
        "Keras 3 SavedModel": exported,
    }


@pytest.mark.parametrize(
    "kind",
    ["Keras 2 .keras", "Keras 2 .h5", "Keras 2 SavedModel", "Keras 3 .keras", "Keras 3 .h5", "Keras 3 SavedModel"],
)
def test_every_source_format(foreign_models: dict[str, Path], quadrants: Path, tmp_path: Path, kind: str) -> None:
    normalisation = NORMALISATIONS["0..255"] if "3" in kind else NORMALISATIONS["0..1"]
    settings = replace(INT8, dataset=str(quadrants), feeding=FeedingSettings(normalisation=normalisation))
    out = WorkFolder(tmp_path / "out")
    result = run_conversion(replace(settings, model=foreign_models[kind], out=out.root), WorkFolder(tmp_path / "none"))
    assert result.models[0].verification.accuracy == pytest.approx(1.0, abs=0.02)
    assert result.models[0].input.zero_point == -128
    record = out.stages()["convert"]
    assert record.settings["source"] == str(foreign_models[kind])
    assert ModelContext.from_json(record.settings).preprocessing.normalisation == normalisation
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(("batch", "accepted"), [(1, True), (4, False)])
def test_saved_model_with_a_batch_of_its_own(tmp_path: Path, legacy_model: Any, batch: int, accepted: bool) -> None:
    tensorflow, _ = load_tensorflow()
    module = tensorflow.Module()
    module.net = legacy_model
    shape = tensorflow.TensorSpec([batch, SIDE, SIDE, 1], tensorflow.float32)
    signature = tensorflow.function(lambda image: legacy_model(image, training=False)).get_concrete_function(shape)
    tensorflow.saved_model.save(module, str(tmp_path / "fixed"), signatures=signature)
    out = WorkFolder(tmp_path / "out")
    if accepted:
        assert run_conversion(replace(FLOAT32, model=tmp_path / "fixed"), out).models[0].verification.agreement == 1.0
        return
    with pytest.raises(ModelError, match="cannot be called on float32 images of shape 1x8x8x1"):
        run_conversion(replace(FLOAT32, model=tmp_path / "fixed"), out)


def test_small_dataset_is_calibrated_with_all_its_images(tmp_path: Path, trained_file: Path) -> None:
    (x_train, y_train), (x_test, y_test) = draw(60, 5), draw(40, 6)
    np.savez(tmp_path / "small.npz", x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    work = make_work_folder(tmp_path / "work", trained_file, tmp_path / "small.npz")
    (model,) = run_conversion(replace(INT8, calibration=None), work).models
    assert model.calibration is not None
    assert model.calibration["images"] == 60


def test_float_modes_need_no_dataset(foreign_models: dict[str, Path], tmp_path: Path) -> None:
    settings = ConversionSettings(modes=(ModelKind.FLOAT32, ModelKind.FLOAT16))
    result = run_conversion(replace(settings, model=foreign_models["Keras 2 .keras"]), WorkFolder(tmp_path))
    assert [model.verification.accuracy for model in result.models] == [None, None]
    assert result.models[0].verification.agreement == 1.0


def test_int8_of_a_foreign_model_asks_for_the_dataset(foreign_models: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--dataset"):
        run_conversion(replace(INT8, model=foreign_models["Keras 2 .keras"]), WorkFolder(tmp_path))


@pytest.mark.parametrize("wrong", ["0..1", "-1..1"])
def test_wrong_normalisation_is_refused_and_the_right_one_named(
    foreign_models: dict[str, Path], quadrants: Path, tmp_path: Path, wrong: str
) -> None:
    settings = replace(INT8, dataset=str(quadrants), feeding=FeedingSettings(normalisation=NORMALISATIONS[wrong]))
    with pytest.raises(ModelError, match=r"--normalisation=0\.\.255"):
        run_conversion(replace(settings, model=foreign_models["Keras 3 .keras"]), WorkFolder(tmp_path / "out"))
    assert not list((tmp_path / "out").iterdir())


def refused_model(name: str, folder: Path) -> Path:
    """Make a model that edgemnist does not take."""
    _, keras = load_tensorflow()
    layers = keras.layers
    image = layers.Input((SIDE, SIDE, 1))
    flat = layers.Flatten()(image)
    models = {
        "2 inputs": lambda: keras.Model([image, other := layers.Input((4,))], layers.Concatenate()([flat, other])),
        "2 outputs": lambda: keras.Model(image, [layers.Dense(4)(flat), layers.Dense(2)(flat)]),
        "images of 2 channels": lambda: keras.Sequential(
            [layers.Input((16, 16, 2)), layers.Flatten(), layers.Dense(4)]
        ),
        "has learned nothing|no way of feeding": lambda: keras.Sequential(
            [layers.Input((16, 16, 1)), layers.Flatten(), layers.Dense(4, kernel_initializer="zeros")]
        ),
        "tells 7 classes apart": lambda: keras.Model(image, layers.Dense(7)(flat)),
        "an output of shape 1x8x8x2": lambda: keras.Model(image, layers.Conv2D(2, 1)(image)),
        "before it knew its input shape": lambda: keras.Sequential([layers.Flatten(), layers.Dense(4)]),
        "NaN": lambda: keras.Model(
            image, layers.Dense(4, kernel_initializer=keras.initializers.Constant(float("nan")))(flat)
        ),
    }
    return save(models[name](), folder / "odd.keras")


@pytest.mark.parametrize(
    "name",
    [
        "2 inputs",
        "2 outputs",
        "images of 2 channels",
        "has learned nothing|no way of feeding",
        "tells 7 classes apart",
        "an output of shape 1x8x8x2",
        "before it knew its input shape",
        "NaN",
    ],
)
def test_models_that_are_no_fitting_classifier_are_refused(tmp_path: Path, quadrants: Path, name: str) -> None:
    path = refused_model(name, tmp_path)
    with pytest.raises(ModelError, match=name):
        run_conversion(replace(INT8, dataset=str(quadrants), model=path), WorkFolder(tmp_path / "out"))


def damaged_file(name: str, trained: Path, legacy_model: Any, folder: Path) -> Path:
    """Make a damaged file of each format."""
    if name == "empty.keras":
        (folder / name).touch()
    elif name == "truncated.keras":
        (folder / name).write_bytes(trained.read_bytes()[:-500])
    elif name == "no_weights.keras":
        with zipfile.ZipFile(trained) as whole, zipfile.ZipFile(folder / name, "w") as cut:
            for entry in ("metadata.json", "config.json"):
                cut.writestr(entry, whole.read(entry))
    elif name == "text.h5":
        (folder / name).write_text("not HDF5")
    elif name == "truncated.h5":
        whole_file = save(legacy_model, folder / "whole.h5").read_bytes()
        (folder / name).write_bytes(whole_file[: len(whole_file) // 2])
    else:
        (folder / name).mkdir()
        (folder / name / "saved_model.pb").write_bytes(b"\x00\x01nonsense")
    return folder / name


@pytest.mark.parametrize(
    "name", ["empty.keras", "truncated.keras", "no_weights.keras", "text.h5", "truncated.h5", "saved_model"]
)
def test_damaged_models_give_one_message(
    tmp_path: Path, trained_file: Path, legacy_model: Any, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    path = damaged_file(name, trained_file, legacy_model, tmp_path)
    assert cli.run(["convert", str(path), "--float32", "--out", str(tmp_path / "out")]) == 2
    message = capsys.readouterr().err
    assert message.startswith("edgemnist: ")
    assert str(path) in message
    assert "corrupt" in message
    assert "Traceback" not in message


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.keras"], "there is no model 'missing.keras'"),
        (["/dev/null"], "is a device; give a regular file"),
        (["."], "holds no saved_model.pb"),
        (["--io", "int4"], "hoose one of int8, uint8, float32"),
        (["--name", "1abc"], "not a C identifier"),
        (["--style", "x"], "choose one of default, tflm"),
        (["--normalisation", "0-2"], "choose one of 0..1, 0..255, -1..1"),
        (["--calibration", "0"], "calibration"),
        ([str(TINY_MODEL), "--int8"], "is int8 already"),
        ([str(TINY_MODEL), "--no-c-array"], "nothing is left to do"),
    ],
)
def test_wrong_arguments_give_one_message(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.run(["convert", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_nothing_trained_names_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(StageOrderError):
        run_conversion(INT8, WorkFolder(tmp_path))
    assert cli.run(["convert", "--work", str(tmp_path)]) == 2
    assert "`edgemnist train --work" in capsys.readouterr().err


def test_dataset_of_a_work_folder_cannot_be_changed(work: WorkFolder) -> None:
    with pytest.raises(InputError, match="for models from elsewhere"):
        run_conversion(replace(INT8, dataset="mnist"), work)


def test_more_calibration_images_than_there_are(work: WorkFolder) -> None:
    with pytest.raises(InputError, match="has 1200 training images"):
        run_conversion(replace(INT8, calibration=1201), work)


def test_a_dataset_that_changed_since_training_is_told(work: WorkFolder) -> None:
    settings = {**work.stages()["train"].settings, "dataset_sha256": "0" * 64}
    work.record("train", settings=settings, results={}, outputs=[work.path("trained.keras")])
    (warning,) = run_conversion(FLOAT32, work).warnings
    assert "not what the model was trained on any more" in warning


def test_refused_conversion_keeps_the_files_of_the_last(work: WorkFolder, snapshot: Snapshot) -> None:
    run_conversion(INT8, work)
    before = snapshot(work.root)
    with pytest.raises(InputError):
        run_conversion(replace(INT8, calibration=5000), work)
    assert snapshot(work.root) == before


def test_a_file_that_classifies_worse_is_refused(work: WorkFolder, quadrants: Path) -> None:
    """Verify an untrained net's file against the trained source."""
    from edgemnist.commands.convert.source import opening
    from edgemnist.commands.convert.verification import Verifier, make_trial
    from edgemnist.data.loading import load_dataset

    _, keras = load_tensorflow()
    untrained = save(build(keras), work.path("untrained.keras"))
    settings = replace(FLOAT32, dataset=str(quadrants))
    run_conversion(replace(settings, model=untrained, even_so=True), WorkFolder(work.root / "untrained"))
    test = load_dataset(str(quadrants)).test
    with opening(work.path("trained.keras")) as load:
        source = load.bind((SIDE, SIDE, 1))
        trial = make_trial(source, test.images, test.labels, Preprocessing((SIDE, SIDE, 1)))
    bad = read_tflite(work.root / "untrained" / "model_float32.tflite")
    with Verifier(trial) as verifier, pytest.raises(ModelError, match="it was not kept"):
        verifier.verify(bad, "model_float32.tflite")
