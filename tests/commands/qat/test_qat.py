"""Quantisation-aware training: learned ranges reach the int8 file, zeros stay, refusals, resume."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgemnist import cli
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.convert.converter import tflite_bytes
from edgemnist.commands.prune.stage import PruneSettings, run_pruning
from edgemnist.commands.qat.stage import QAT, QatSettings, run_qat
from edgemnist.commands.train.stage import run_training
from edgemnist.data.base import Dataset
from edgemnist.keras_io.saving import load_model
from edgemnist.keras_io.sources import load_source
from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.support.errors import InputError, StageOrderError, UnsupportedModelError
from edgemnist.tflite.file import TfliteModel, parse_tflite
from edgemnist.tflite.kinds import ModelKind
from edgemnist.tflite.normalisation import Normalisation
from edgemnist.training import quantisation
from edgemnist.training.architectures import architectures, build_model
from edgemnist.training.distillation import DistillationSettings
from edgemnist.training.train import TrainSettings
from tests.commands.train.test_train import interrupted
from tests.training.strokes import make_dataset

QUICK = QatSettings(epochs=2)


def copy_of(arch: str, strokes: Dataset, factory: pytest.TempPathFactory, folder: Path) -> WorkFolder:
    """Return a folder with a trained model; it is trained once."""
    kept = factory.getbasetemp() / f"qat-{arch}"
    if not kept.exists():
        run_training(TrainSettings(arch=arch, epochs=12, seed=3, batch=32), WorkFolder(kept), dataset=strokes)
    return WorkFolder(Path(shutil.copytree(kept, folder / "work")))


@pytest.fixture
def work(strokes: Dataset, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> WorkFolder:
    """Return a folder with a trained net of convolutions and batch norms."""
    return copy_of("fast", strokes, tmp_path_factory, tmp_path)


@pytest.fixture
def dense_work(strokes: Dataset, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> WorkFolder:
    """Return a folder with a trained net that compiles in no time."""
    return copy_of("dense", strokes, tmp_path_factory, tmp_path)


def int8_of(path: Path, shape: tuple[int, int, int]) -> TfliteModel:
    """Return the int8 model of a Keras file, calibrated with images that would give every range wrong."""
    blank = np.zeros((3, *shape), np.float32)
    return parse_tflite(tflite_bytes(load_source(path, shape), ModelKind.INT8, io="int8", calibration=blank))


def ends(model: TfliteModel, kind: str) -> list[tuple[float, float]]:
    """Return the real range of the outputs of every operator of a kind."""
    found = []
    for operator in model.operators:
        quantisation = model.tensors[operator.outputs[0]].quantisation
        if operator.kind == kind and quantisation is not None:
            scale, zero_point = quantisation.scale, quantisation.zero_point
            found.append((scale * (-128 - zero_point), scale * (127 - zero_point)))
    return found


def kernels(model: Any) -> dict[str, NDArray[np.float32]]:
    return {layer.name: layer.get_weights()[0] for layer in model.layers if hasattr(layer, "kernel")}


def learned(path: Path) -> list[tuple[float, float]]:
    """Return the ends of the fake quantisations in a saved model, in order."""
    _, keras = load_tensorflow()
    config = keras.models.load_model(path, compile=False).get_config()
    calls = [layer["inbound_nodes"][0][3] for layer in config["layers"] if layer["class_name"] == "TFOpLambda"]
    return [(call["min"], call["max"]) for call in calls]


def test_learned_ranges_reach_the_int8_file_and_zeros_stay(work: WorkFolder, strokes: Dataset) -> None:
    teacher = DistillationSettings(teacher=str(work.path("trained.keras")))
    pruned = run_pruning(PruneSettings(sparsity=0.5, epochs=2, distillation=teacher), work, dataset=strokes)
    result = run_qat(QatSettings(epochs=2, distillation=teacher), work, dataset=strokes)
    assert result.accuracy > 0.9
    assert result.accuracy_before == pruned.accuracy
    assert (result.source, result.sparsity) == ("pruned.keras", pruned.sparsity)
    before, after = (kernels(load_model(path)) for path in (pruned.model_path, result.model_path))
    assert all(np.array_equal(after[name] == 0, kernel == 0) for name, kernel in before.items())
    assert list(work.require("qat", needed_by="the test").inputs) == ["pruned.keras"]
    path, record = work.latest_model(needed_by="the test")
    assert (path.name, record.stage) == ("qat.keras", "qat")
    assert {"qat-history.csv", "qat-history.json", "qat-curves.png"} <= {file.name for file in work.root.iterdir()}
    image, *activations = learned(path)
    assert image == (0.0, 1.0)
    model = int8_of(path, (12, 12, 1))
    quantisation = model.input().quantisation
    assert quantisation is not None
    assert quantisation.scale == pytest.approx(1 / 255)
    assert quantisation.zero_point == -128
    step = max(high - low for low, high in activations) / 255
    found = ends(model, "CONV_2D") + ends(model, "MEAN") + ends(model, "FULLY_CONNECTED")
    np.testing.assert_allclose(found, activations, atol=step)


def test_the_same_seed_gives_the_same_file_after_ctrl_c(
    dense_work: WorkFolder, strokes: Dataset, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    work = dense_work
    run_qat(QUICK, work, dataset=strokes)
    whole = work.path("qat.keras").read_bytes()
    with interrupted(monkeypatch, 4):
        run_qat(QUICK, work, dataset=strokes)
    assert f"go on with `edgemnist qat --work {work.root} --resume`" in capsys.readouterr().err
    work.path("qat.keras").unlink()
    run_qat(QatSettings(), work, dataset=strokes, resume=True)
    assert work.path("qat.keras").read_bytes() == whole
    assert not work.path(QAT.checkpoint).exists()


def test_a_newer_float_model_comes_first(dense_work: WorkFolder, strokes: Dataset) -> None:
    run_qat(QatSettings(epochs=1), dense_work, dataset=strokes)
    pruned = run_pruning(PruneSettings(epochs=1), dense_work, dataset=strokes)
    assert dense_work.latest_model(needed_by="the test")[0] == pruned.model_path


@pytest.mark.parametrize(
    "name", [row.name for row in architectures() if row.name in ("fast", "ds-cnn", "cnn", "dense")]
)
def test_every_kind_of_layer_goes_through(name: str) -> None:
    model = build_model(name, (12, 12, 1), 4, seed=1)
    images = np.random.default_rng(0).random((8, 12, 12, 1)).astype(np.float32)
    wrapped = quantisation.wrap(model, keep_zeros=False)
    quantisation.start_ranges(wrapped, model, images, Normalisation())
    plain = quantisation.plain_model(model, wrapped, Normalisation())
    np.testing.assert_allclose(np.asarray(plain(images)), np.asarray(model(images)), atol=0.02)
    assert all(low <= 0 < high for low, high in quantisation.learned_ranges(wrapped, Normalisation()).values())


def test_layers_that_cannot_be_quantised_are_all_listed() -> None:
    _, keras = load_tensorflow()
    layers = [keras.layers.Input((4, 4)), keras.layers.LSTM(3, name="memory"), keras.layers.Dense(2, name="last")]
    layers.insert(1, keras.layers.GaussianNoise(0.1, name="noise"))
    with pytest.raises(UnsupportedModelError, match=r"(?s)convert --int8.*noise \(GaussianNoise\).*memory \(LSTM\)"):
        quantisation.wrap(keras.Sequential(layers), keep_zeros=False)


def test_refusals(dense_work: WorkFolder, strokes: Dataset, tmp_path: Path) -> None:
    work = dense_work
    with pytest.raises(StageOrderError, match=r"edgemnist qat needs the result of 'train'"):
        run_qat(QUICK, WorkFolder(tmp_path / "empty"), dataset=strokes)
    with pytest.raises(InputError, match=r"this is 'others' .* train on the same data"):
        run_qat(QUICK, work, dataset=make_dataset(300, name="others"))
    with pytest.raises(InputError, match="nothing to resume"):
        run_qat(QUICK, work, dataset=strokes, resume=True)
    with pytest.raises(InputError, match="epochs 0 is too low"):
        run_qat(QatSettings(epochs=0), work, dataset=strokes)


def test_train_prune_qat_convert_without_further_arguments(
    strokes_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.run(["train", "--dataset", str(strokes_file), "--arch", "dense", "--epochs", "8", "--batch", "32"]) == 0
    assert cli.run(["qat", "--epochs", "1"]) == 0
    assert "takes the learned ranges" in capsys.readouterr().out
    assert cli.run(["convert", "--int8", "--float32", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert Path(document["source"]).name == "qat.keras"
    agreement = document["models"]["int8"]["verification"]["agreement"]
    assert agreement > 0.95
    assert document["models"]["float32"]["verification"]["agreement"] > 0.95
    assert cli.run(["convert", "--int16x8", "--float16"]) == 2
    assert "'qat.keras' was trained for int8 and cannot become float16 or int16x8" in capsys.readouterr().err
