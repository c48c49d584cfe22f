"""Training a net of a file: interrupted with the file changed or gone, twice, pruned, and with int8's rounding."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from edgemnist.artifacts.folder import TRAINED_MODEL, WorkFolder
from edgemnist.commands.prune.stage import PruneSettings, run_pruning
from edgemnist.commands.qat.stage import QatSettings, run_qat
from edgemnist.commands.run import resuming
from edgemnist.commands.run.settings import RunSettings
from edgemnist.commands.train.stage import run_training
from edgemnist.data.base import Dataset
from edgemnist.support.errors import InputError
from edgemnist.training.architectures import find_architecture
from edgemnist.training.blueprint import Block, Blueprint, read_blueprint
from edgemnist.training.train import KEPT_ARCHITECTURE, TrainSettings, is_resumable, is_trained
from tests.commands.train.test_train import interrupted

NET = Blueprint(name="found", blocks=(Block(channels=6, stride=2), Block(kind="separable", channels=8)))
OTHER = dataclasses.replace(NET, blocks=NET.blocks[:1])


def write(folder: Path, net: Blueprint = NET) -> TrainSettings:
    """Write a net's file, and return the settings of a short training of it."""
    path = folder / "net.toml"
    path.write_text(net.as_toml())
    return TrainSettings(arch=str(path), epochs=3, seed=3, batch=32)


@pytest.fixture(scope="module")
def trained(strokes: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the file, and the work folder of a training that nobody disturbed; not to be changed."""
    folder = tmp_path_factory.mktemp("blueprint")
    run_training(write(folder), WorkFolder(folder / "work"), dataset=strokes)
    return folder


@pytest.mark.slow
def test_it_goes_on_without_the_file_to_the_same_bytes(
    trained: Path, strokes: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, settings = WorkFolder(tmp_path / "work"), write(tmp_path)
    with interrupted(monkeypatch, 5):
        run_training(settings, work, dataset=strokes)
    assert is_resumable(settings, strokes, work)
    assert not is_resumable(write(tmp_path, OTHER), strokes, work)
    with pytest.raises(InputError, match="cannot resume with other settings: blueprint was "):
        run_training(settings, work, dataset=strokes, resume=True)
    Path(settings.arch or "").unlink()
    with pytest.raises(InputError, match=r"net.toml' cannot be read"):
        run_training(settings, work, dataset=strokes, resume=True)
    result = run_training(TrainSettings(), work, dataset=strokes, resume=True)

    assert result.arch == "found"
    assert work.path(TRAINED_MODEL).read_bytes() == (trained / "work" / TRAINED_MODEL).read_bytes()


@pytest.mark.slow
def test_whether_it_is_trained_is_told_by_what_is_in_the_file(trained: Path, strokes: Dataset, tmp_path: Path) -> None:
    work = WorkFolder(trained / "work")
    (tmp_path / "else where").mkdir()

    assert is_trained(write(tmp_path / "else where"), strokes, work)
    assert is_trained(dataclasses.replace(write(tmp_path), arch="found"), strokes, work)
    assert not is_trained(write(tmp_path, OTHER), strokes, work)
    assert not is_trained(dataclasses.replace(write(tmp_path), seed=4), strokes, work)
    assert not is_trained(dataclasses.replace(write(tmp_path), arch="tiny"), strokes, work)
    assert read_blueprint(work.path(KEPT_ARCHITECTURE)) == NET


@pytest.mark.slow
def test_what_was_trained_before_there_were_blueprints_is_trained(strokes: Dataset, tmp_path: Path) -> None:
    work = WorkFolder(tmp_path)
    settings = TrainSettings(arch="fast", epochs=1, seed=3)
    run_training(settings, work, dataset=strokes)
    manifest = json.loads(work.manifest_path.read_text())
    assert manifest["stages"]["train"]["settings"].pop("blueprint") is None
    work.manifest_path.write_text(json.dumps(manifest))

    assert is_trained(settings, strokes, work)
    assert not is_trained(dataclasses.replace(settings, arch="micro"), strokes, work)


@pytest.mark.slow
def test_it_is_pruned_and_trained_with_rounding(trained: Path, strokes: Dataset, tmp_path: Path) -> None:
    work = WorkFolder(tmp_path)
    for path in (trained / "work").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    pruned = run_pruning(PruneSettings(sparsity=0.5, epochs=1), work, dataset=strokes)
    rounded = run_qat(QatSettings(epochs=1), work, dataset=strokes)

    assert (pruned.arch, rounded.arch) == ("found", "found")
    assert 0 < pruned.sparsity < 0.5
    assert rounded.source == "pruned.keras"


def test_a_file_may_not_take_another_architectures_name(tmp_path: Path) -> None:
    settings = write(tmp_path, dataclasses.replace(NET, name="tiny"))
    with pytest.raises(InputError, match="'tiny' is the name of another architecture"):
        find_architecture(settings.arch or "")


def test_the_main_job_goes_on_with_the_architecture_that_it_began_with(tmp_path: Path) -> None:
    work, path = WorkFolder(tmp_path / "work"), write(tmp_path).arch or ""
    settings = RunSettings(arch=path).with_defaults()
    own = resuming.with_kept_architecture(settings, work, begins=True)

    assert read_blueprint(Path(own.architecture)) == NET
    assert resuming.with_kept_architecture(settings, work, begins=False) == own
    write(tmp_path, OTHER)
    with pytest.raises(InputError, match=r"cannot resume: the architecture in .* is another than when the job began"):
        resuming.with_kept_architecture(settings, work, begins=False)
    Path(path).unlink()
    assert resuming.with_kept_architecture(settings, work, begins=False) == own
    assert resuming.with_kept_architecture(RunSettings(arch="nano"), work, begins=False) == RunSettings(arch="nano")
