"""One sigmoid output tells two classes apart: training, distillation, pruning, quantisation-aware training."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from edgemnist.artifacts.context import ModelContext
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.prune.stage import PruneSettings, run_pruning
from edgemnist.commands.qat.stage import QatSettings, run_qat
from edgemnist.commands.train.stage import run_training
from edgemnist.data.base import Dataset
from edgemnist.keras_io.saving import load_model
from edgemnist.support.errors import InputError
from edgemnist.tflite.preprocessing import OutputKind
from edgemnist.training.distillation import DistillationSettings
from edgemnist.training.train import TrainSettings
from tests.training.strokes import make_dataset


def two_strokes() -> Dataset:
    """Return the horizontal and vertical strokes alone."""
    whole = make_dataset(400, 120, name="two strokes")
    train, test = (split.take(np.flatnonzero(split.labels < 2)) for split in (whole.train, whole.test))
    return dataclasses.replace(whole, train=train, test=test, class_names=whole.class_names[:2])


def test_the_chain_of_fits_on_one_sigmoid(tmp_path_factory: pytest.TempPathFactory) -> None:
    dataset, work = two_strokes(), WorkFolder(tmp_path_factory.mktemp("sigmoid"))
    trained = run_training(TrainSettings(arch="dense", epochs=12, batch=32, head="sigmoid"), work, dataset=dataset)
    model = load_model(trained.model_path)
    assert model.output_shape == (None, 1)
    record = work.require("train", needed_by="the test")
    assert ModelContext.from_json(record.settings).preprocessing.output is OutputKind.ONE_PROBABILITY
    said = np.asarray(model(dataset.test.images / np.float32(255)))[:, 0] > 0.5
    assert trained.accuracy == np.mean(said == dataset.test.labels) > 0.8
    teacher = DistillationSettings(teacher=str(trained.model_path))
    pruned = run_pruning(PruneSettings(epochs=4, distillation=teacher), work, dataset=dataset)
    assert pruned.accuracy > 0.8
    aware = run_qat(QatSettings(epochs=2), work, dataset=dataset)
    assert aware.accuracy > 0.8
    plain = load_model(aware.model_path)
    assert plain.output_shape == (None, 1)
    outputs = np.asarray(plain(dataset.test.images / np.float32(255)))
    assert 0 <= outputs.min() < 0.25
    assert 0.75 < outputs.max() <= 1
    context = ModelContext.from_json(work.require("qat", needed_by="the test").settings)
    assert context.preprocessing.output is OutputKind.ONE_PROBABILITY


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("sigmoid", "--head sigmoid is one output that tells 2 classes apart, this dataset has 4; use --head softmax"),
        ("tanh", "unknown head 'tanh'; choose one of softmax, sigmoid"),
    ],
)
def test_a_head_that_does_not_fit_is_refused(head: str, message: str, strokes: Dataset, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        run_training(TrainSettings(head=head), WorkFolder(tmp_path / "work"), dataset=strokes)
