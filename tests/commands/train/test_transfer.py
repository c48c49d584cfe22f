"""Transfer learning: weights from a file, two phases, one image shape for every later stage, clear refusals."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgemnist import cli
from edgemnist.artifacts.context import ModelContext
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.convert.settings import ConversionSettings
from edgemnist.commands.convert.stage import run_conversion
from edgemnist.commands.parity.stage import ParitySettings, parity
from edgemnist.commands.train.stage import run_training
from edgemnist.data.assembling import MAX_RESIZED_BYTES
from edgemnist.data.base import Dataset
from edgemnist.data.images import fit_image, frame_image
from edgemnist.data.loading import load_dataset, load_dataset_for
from edgemnist.harness.images import ImageSettings
from edgemnist.keras_io.saving import load_model
from edgemnist.support.errors import DatasetError, EnvironmentFailure, InputError, ModelError
from edgemnist.tflite.file import read_tflite
from edgemnist.tflite.inspection import inspect
from edgemnist.tflite.kinds import ModelKind
from edgemnist.training import architectures as models
from edgemnist.training import mobilenet as transfer
from edgemnist.training.architectures import ARCHITECTURES, build_model, find_architecture, folded_parameters
from edgemnist.training.checkpoint import read_checkpoint
from edgemnist.training.mobilenet import (
    IMAGENET,
    MOBILENET_V2,
    Transfer,
    TransferSettings,
    base_of,
    load_weights,
    plan_transfer,
    weights_file,
)
from edgemnist.training.phases import FINE_TUNING_CHECKPOINT
from edgemnist.training.train import TRAIN, TrainResult, TrainSettings
from tests.commands.train.test_train import interrupted
from tests.training.strokes import write_npz

SHAPE = (32, 32, 3)
ALPHA = 0.1  # the narrowest: nothing here depends on the width


def small_base(layers: Any, image: Any, classes: int, *, alpha: float = 1.0) -> Any:
    """Build a base that is compiled in no time: one block of MobileNetV2, with its names and its classifier."""
    x = layers.Conv2D(round(80 * alpha), 3, strides=4, use_bias=False, name="Conv1")(image)
    x = layers.ReLU(6.0, name="out_relu")(layers.BatchNormalization(momentum=0.9, name="bn_Conv1")(x))
    x = layers.GlobalAveragePooling2D(name="average")(x)
    return layers.Dense(classes, activation="softmax", name="probabilities")(x)


@pytest.fixture(scope="module", autouse=True)
def _small_base() -> Iterator[None]:
    """Let --arch mobilenet-v2 be the small base, except where a test asks for the real one."""
    rows = [replace(row, build=small_base) if row.name == MOBILENET_V2 else row for row in ARCHITECTURES]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models, "ARCHITECTURES", tuple(rows))
        yield


@pytest.fixture
def real_base(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let --arch mobilenet-v2 be MobileNetV2 after all."""
    monkeypatch.setattr(models, "ARCHITECTURES", ARCHITECTURES)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return random weights of a base, in the format in which Keras publishes its own."""
    path = tmp_path_factory.mktemp("weights") / "base_no_top.h5"
    base_of(build_model(MOBILENET_V2, SHAPE, 2, seed=9, alpha=ALPHA)).save_weights(path)
    return path


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return 120 strokes of 12x12 pixels to train on, 60 to test with."""
    return write_npz(tmp_path_factory.mktemp("data") / "strokes.npz", train=120, test=60)


def settings(weights: Path | str, dataset: Path, **changes: Any) -> TrainSettings:
    chosen: dict[str, Any] = {"alpha": ALPHA, "weights": str(weights), "fine_tune_epochs": 2, **changes}
    return TrainSettings(
        dataset=str(dataset), arch=MOBILENET_V2, epochs=2, batch=27, seed=4, transfer=TransferSettings(**chosen)
    )


@pytest.fixture(scope="module")
def trained(weights: Path, few: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[WorkFolder, TrainResult]:
    """Return a folder with a model that was trained in two phases, and the training's result."""
    work = WorkFolder(tmp_path_factory.mktemp("trained"))
    return work, run_training(settings(weights, few), work)


# --- the two phases --------------------------------------------------------------------------------------------------


def test_both_phases_are_in_the_history_and_in_the_record(trained: tuple[WorkFolder, TrainResult]) -> None:
    work, result = trained
    assert [report.epoch for report in result.history] == [1, 2, 3, 4]
    assert result.epochs_run == 4
    rates = [report.learning_rate for report in result.history]
    assert max(rates[2:]) < max(rates[:2])
    ranks = [(report.validation_accuracy, -report.validation_loss) for report in result.history]
    assert result.best_epoch == ranks.index(max(ranks)) + 1
    record = work.require("train", needed_by="the test")
    assert record.settings["transfer"]["freeze"] is True
    assert len(record.settings["transfer"]["weights_sha256"]) == 64
    context = ModelContext.from_json(record.settings)
    assert context.preprocessing.image_shape == SHAPE
    assert (context.preprocessing.normalisation.scale, context.preprocessing.normalisation.offset) == (2 / 255, -1.0)
    assert sorted(path.name for path in work.root.iterdir()) == [
        "curves.png",
        "history.csv",
        "history.json",
        "manifest.json",
        "trained.keras",
    ]


@pytest.mark.parametrize("looks", [4, 9])
def test_a_resumed_training_ends_in_the_same_weights(
    looks: int,
    trained: tuple[WorkFolder, TrainResult],
    weights: Path,
    few: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    work = WorkFolder(tmp_path)
    with interrupted(monkeypatch, after_calls=looks):
        run_training(settings(weights, few), work)
    second = work.path(FINE_TUNING_CHECKPOINT)
    assert second.exists() is (looks == 9)
    if looks == 9:
        assert read_checkpoint(work.path(TRAIN.checkpoint)).state.epoch == 2
    run_training(TrainSettings(), work, resume=True)
    assert work.path("trained.keras").read_bytes() == trained[0].path("trained.keras").read_bytes()
    assert not list(tmp_path.glob("*checkpoint*"))


def test_resuming_with_other_settings_is_refused(
    weights: Path, few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = WorkFolder(tmp_path)
    with interrupted(monkeypatch, after_calls=2):
        run_training(settings(weights, few), work)
    with pytest.raises(InputError, match=r"transfer was .*'fine_tune_epochs': 2.* and is now .*'fine_tune_epochs': 5"):
        run_training(TrainSettings(transfer=TransferSettings(fine_tune_epochs=5)), work, resume=True)
    with pytest.raises(InputError, match=r"image_shape was \[32, 32, 3\] and is now \[40, 40, 3\]"):
        run_training(TrainSettings(image_size=40), work, resume=True)


def test_a_frozen_base_keeps_its_weights_and_can_be_trained_later(weights: Path, few: Path, tmp_path: Path) -> None:
    work = WorkFolder(tmp_path)
    run_training(settings(weights, few, fine_tune_epochs=0), work)
    model = load_model(work.path("trained.keras"))
    wanted = build_model(MOBILENET_V2, SHAPE, 2, seed=1, alpha=ALPHA)
    load_weights(wanted, Transfer(ALPHA, str(weights), "", True, 0), SHAPE[0])
    for kept, given in zip(base_of(model).get_weights(), base_of(wanted).get_weights(), strict=True):
        np.testing.assert_array_equal(kept, given)
    assert all(layer.trainable for layer in model.layers)


# --- weights ---------------------------------------------------------------------------------------------------------


def test_weights_come_from_a_model_with_other_classes(trained: tuple[WorkFolder, TrainResult]) -> None:
    path = trained[0].path("trained.keras")
    model = build_model(MOBILENET_V2, SHAPE, 7, seed=2, alpha=ALPHA)
    load_weights(model, Transfer(ALPHA, str(path), "", True, 0), SHAPE[0])
    for given, kept in zip(base_of(load_model(path)).get_weights(), base_of(model).get_weights(), strict=True):
        np.testing.assert_array_equal(given, kept)


def test_weights_that_do_not_fit_are_refused(weights: Path, tmp_path: Path) -> None:
    text, nothing = tmp_path / "weights.h5", tmp_path / "damaged.h5"
    text.write_text("no weights")
    model = build_model(MOBILENET_V2, SHAPE, 2, seed=1, alpha=ALPHA)
    base = base_of(model)
    base.layers[1].set_weights([np.full_like(base.layers[1].get_weights()[0], np.nan)])
    base.save_weights(nothing)
    for path, alpha, message in (
        (weights, 0.35, "do not fit MobileNetV2 with alpha 0.35"),
        (text, ALPHA, "do not fit MobileNetV2 with alpha 0.1.*signature"),
        (nothing, ALPHA, "values that are not numbers"),
    ):
        model = build_model(MOBILENET_V2, SHAPE, 2, seed=1, alpha=alpha)
        with pytest.raises(ModelError, match=message):
            load_weights(model, Transfer(alpha, str(path), "", True, 0), SHAPE[0])


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, list[str]]]:
    """Serve a folder where Keras's weights are looked for, with an empty home; yield it and the requests."""
    folder, requests = tmp_path / "published", list[str]()
    folder.mkdir()

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *arguments: object) -> None:
            pass

        def do_GET(self) -> None:
            requests.append(self.path)
            super().do_GET()

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(transfer, "IMAGENET_ADDRESS", f"http://127.0.0.1:{server.server_port}/")
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        yield folder, requests
        server.shutdown()


def test_imagenet_weights_are_downloaded_once(published: tuple[Path, list[str]]) -> None:
    folder, requests = published
    name = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.5_96_no_top.h5"
    (folder / name).write_bytes(b"weights")
    for _ in range(2):
        found = weights_file(IMAGENET, 0.5, 96)
        assert found is not None
        assert found == Path("~/.keras/models").expanduser() / name
        assert found.read_bytes() == b"weights"
    assert requests == [f"/{name}"]


def test_imagenet_weights_that_are_not_to_be_had(
    published: tuple[Path, list[str]], few: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["train", "--arch", MOBILENET_V2, "--dataset", str(few), "--work", str(tmp_path / "work")]
    assert cli.run(arguments) == 3
    error = capsys.readouterr().err
    assert "HTTP 404" in error
    assert "put mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5 into" in error
    assert "--weights none" in error
    assert len(published[1]) == 1
    assert not (tmp_path / "work").exists()
    with pytest.raises(EnvironmentFailure):
        plan_transfer(MOBILENET_V2, None, 32)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--arch", "tiny", "--alpha", "0.5"), "are for --arch mobilenet-v2, this is 'tiny'"),
        (("--no-freeze",), "are for --arch mobilenet-v2, this is 'tiny'"),
        (("--arch", MOBILENET_V2, "--alpha", "0.4"), "allowed are 0.35, 0.5, 0.75, 1, 1.3, 1.4"),
        (("--arch", MOBILENET_V2, "--weights", "none", "--alpha", "nan"), "alpha nan is out of range"),
        (("--arch", MOBILENET_V2, "--weights", "gone.h5"), "no such file of weights: 'gone.h5'"),
        (("--arch", MOBILENET_V2, "--weights", "none", "--freeze"), "gives it nothing to keep"),
        (("--arch", MOBILENET_V2, "--weights", "none", "--fine-tune-epochs", "2"), "follow a training with a frozen"),
        (("--arch", MOBILENET_V2, "--weights", "none", "--image-size", "31"), "takes 32 to 224 pixels"),
        (("--arch", "cnn", "--image-size", "9"), "images of 9x9x1 are too small for 'cnn'"),
        (("--arch", "dense", "--teacher", MOBILENET_V2), "12x12x1 have 1 channels, 'mobilenet-v2' needs 3"),
    ],
)
def test_a_slip_is_one_message_and_exit_code_2(
    options: tuple[str, ...], message: str, few: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["train", "--dataset", str(few), "--work", str(tmp_path / "work"), *options]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""
    assert not (tmp_path / "work").exists()


# --- after the training ----------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.usefixtures("real_base")
def test_mobilenet_v2_goes_all_the_way_on_images_of_one_shape(few: Path, tmp_path: Path) -> None:
    base_of(build_model(MOBILENET_V2, SHAPE, 2, seed=9, alpha=ALPHA)).save_weights(tmp_path / "base_no_top.h5")
    work = WorkFolder(tmp_path / "work")
    result = run_training(settings(tmp_path / "base_no_top.h5", few, fine_tune_epochs=0), work)
    context = ModelContext.from_json(work.require("train", needed_by="the test").settings)
    dataset = load_dataset_for(context)
    assert dataset.image_shape == SHAPE
    recorded = work.require("train", needed_by="the test").settings["dataset_sha256"]
    assert dataset.sha256 == recorded
    np.testing.assert_array_equal(dataset.test.images[..., 0], dataset.test.images[..., 2])

    converted = run_conversion(ConversionSettings(modes=(ModelKind.INT8,), calibration=40, even_so=True), work)
    assert converted.warnings == ()
    report = parity(ParitySettings(images=ImageSettings(count=40), runtimes=("tflm", "host-c")), work)
    generated = next(run for run in report.runs if run.runtime == "host-c")
    assert generated.exact
    assert result.parameters == inspect(read_tflite(work.path("model_int8.tflite"))).parameters


@pytest.mark.usefixtures("real_base")
def test_the_table_tells_the_size_of_the_narrowest_imagenet_net() -> None:
    row = find_architecture(MOBILENET_V2)
    model = build_model(MOBILENET_V2, SHAPE, 10, seed=1)
    assert folded_parameters(model) == row.parameters
    assert row.smallest_side == SHAPE[0]
    with pytest.raises(InputError, match="at least 32x32x3"):
        build_model(MOBILENET_V2, (31, 40, 3), 10, seed=1)


@pytest.mark.parametrize("dataset", ["mnist", "emnist-letters", "fashion-mnist"])
def test_a_picture_for_an_enlarged_dataset_is_framed_as_the_dataset_was(dataset: str) -> None:
    page = np.full((90, 70), 230, np.uint8)
    page[20:70, 30:40] = 15
    small, large = (frame_image(page, shape, dataset) for shape in ((28, 28, 1), SHAPE))
    assert large.inverted
    np.testing.assert_array_equal(large.pixels, fit_image(small.pixels, SHAPE[:2], 3))


def test_images_are_not_enlarged_beyond_memory(few: Path) -> None:
    side = int((MAX_RESIZED_BYTES / 180 / 3) ** 0.5) + 1
    with pytest.raises(DatasetError, match=r"180 images of .* would take 4\.3 GB .* choose a smaller image size"):
        load_dataset(str(few), image_size=(side, side), channels=3)


def test_any_architecture_takes_resized_images(strokes: Dataset, strokes_file: Path, tmp_path: Path) -> None:
    work = WorkFolder(tmp_path)
    run_training(TrainSettings(dataset=str(strokes_file), image_size=8, arch="dense", epochs=1), work)
    context = ModelContext.from_json(work.require("train", needed_by="the test").settings)
    assert context.preprocessing.image_shape == (8, 8, 1)
    with pytest.raises(InputError, match="12x12x1 have 1 channels"):
        run_training(TrainSettings(arch=MOBILENET_V2), work, dataset=strokes)
    assert json.loads(work.manifest_path.read_text())["stages"]["train"]["settings"]["transfer"] is None
