"""``edgemnist run --resume`` after the main job was killed: nothing is fitted twice or mixed with other settings."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgemnist import cli
from edgemnist.artifacts.folder import SET_ASIDE, WorkFolder
from edgemnist.commands.prune.stage import PruneResult
from edgemnist.commands.run import resuming
from edgemnist.commands.run import stage as pipeline
from edgemnist.commands.run.settings import RunSettings
from edgemnist.support.errors import InputError
from edgemnist.training.checkpoint import read_checkpoint
from edgemnist.training.train import TRAIN
from tests.training.strokes import make_dataset, write_npz

SETTINGS = RunSettings(dataset="mnist", preset="quick", seed=0, epochs=4, arch="dense").with_defaults()


@pytest.fixture
def unfinished(tmp_path: Path) -> WorkFolder:
    """Return a work folder in which a job has begun."""
    work = WorkFolder(tmp_path)
    resuming.begin(SETTINGS, make_dataset(10), work)
    return work


def test_what_is_not_given_is_as_it_was(unfinished: WorkFolder) -> None:
    began = resuming.read_unfinished(unfinished)

    for given in (RunSettings(), RunSettings(seed=0, epochs=4), SETTINGS):
        assert resuming.as_it_began(given, began, unfinished) == SETTINGS


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (RunSettings(epochs=5), "--epochs was 4 and is now 5"),
        (RunSettings(dataset="kmnist"), "--dataset was 'mnist' and is now 'kmnist'"),
        (RunSettings(seed=1, preset="best"), "--preset was 'quick' and is now 'best', --seed was 0 and is now 1"),
        (RunSettings(sparsity=0.7), "--sparsity was 'not given' and is now 0.7"),
    ],
)
def test_other_settings_are_refused(unfinished: WorkFolder, other: RunSettings, said: str) -> None:
    with pytest.raises(InputError, match="cannot resume with other settings: ") as error:
        resuming.as_it_began(other, resuming.read_unfinished(unfinished), unfinished)
    assert said in str(error.value)
    assert f"run `edgemnist run --work {unfinished.root}` without --resume to start anew" in str(error.value)


def test_other_data_are_refused(unfinished: WorkFolder) -> None:
    began, dataset = resuming.read_unfinished(unfinished), make_dataset(10)
    began.require_same(dataclasses.replace(dataset, name="moved"), unfinished)
    with pytest.raises(InputError, match="has other content than when the job began"):
        began.require_same(make_dataset(11), unfinished)


def test_nothing_to_resume(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["run", "--resume", "--work", str(tmp_path)]) == 2
    assert "nothing to resume" in capsys.readouterr().err
    (tmp_path / resuming.NAME).write_text('{"settings": 1}')
    assert cli.run(["run", "--resume", "--work", str(tmp_path)]) == 2
    assert "without --resume to start anew" in capsys.readouterr().err


def kill_while_it_trains(work: Path, dataset: Path) -> int:
    """Start the main job, end it by SIGKILL after an epoch or more of the training, and return how many were over."""
    options = ["--dataset", str(dataset), "--arch", "dense", "--epochs", "60", "--preset", "quick", "--work", str(work)]
    command = [sys.executable, "-m", "edgemnist", "run", *options]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        checkpoint, deadline = work / TRAIN.checkpoint, time.monotonic() + 240
        while not checkpoint.exists() or not read_checkpoint(checkpoint).state.epoch:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
    return read_checkpoint(checkpoint).state.epoch


def stop(*_: object, **__: object) -> None:
    """Stop a job, as Ctrl-C does."""
    raise KeyboardInterrupt


@pytest.mark.slow
def test_a_killed_job_goes_on_and_fits_nothing_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, dataset = tmp_path / "work", write_npz(tmp_path / "few.npz", 60, 40)
    over = kill_while_it_trains(root, dataset)
    assert 0 < over < 60
    work = WorkFolder(root)
    monkeypatch.setattr(pipeline, "require_learned", lambda _: None)
    monkeypatch.setattr(pipeline, "convert_the_better", stop)
    with pytest.raises(KeyboardInterrupt):
        pipeline.run_main_job(RunSettings(), work, resume=True)
    made = {stage: work.require(stage, needed_by="the test").results for stage in ("train", "prune")}
    assert made["train"]["epochs_run"] == 60
    assert len(json.loads((root / "history.json").read_text())) == 60

    work.set_aside("prune", "it is worse")
    for fit in ("run_training", "run_pruning"):
        monkeypatch.setattr(pipeline, fit, lambda *_, **__: pytest.fail("fitted again"))
    results: list[PruneResult] = []

    def keep(pruned: PruneResult, *_: object, **__: object) -> None:
        results.append(pruned)
        stop()

    monkeypatch.setattr(pipeline, "convert_the_better", keep)
    with pytest.raises(KeyboardInterrupt):
        pipeline.run_main_job(RunSettings(epochs=60), work, resume=True)
    assert json.loads(json.dumps(results[0].figures())) == made["prune"]
    assert SET_ASIDE not in work.require("prune", needed_by="the test").results
