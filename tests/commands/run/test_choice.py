"""The main job goes on with the dense net where pruning only costs, and records that."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.convert.settings import ConversionSettings
from edgemnist.commands.prune.stage import PruneResult, PruneSettings, run_pruning
from edgemnist.commands.run import choice
from edgemnist.data.base import Dataset

SETTINGS = ConversionSettings()


@pytest.fixture(scope="module")
def pruned_work(trained: tuple[Path, Any], strokes: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return a folder with a trained and a pruned model, and the pruning's result."""
    work = WorkFolder(Path(shutil.copytree(trained[0], tmp_path_factory.mktemp("choice") / "work")))
    return work, run_pruning(PruneSettings(epochs=1), work, dataset=strokes)


@pytest.fixture
def converted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of models that are converted, without converting them."""
    names: list[str] = []

    def convert(_: ConversionSettings, work: WorkFolder) -> Any:
        names.append(work.latest_model(needed_by="the test")[0].name)

    monkeypatch.setattr(choice, "run_conversion", convert)
    return names


@pytest.mark.parametrize(
    ("lost", "at_chance", "asked_for", "saved", "models", "said"),
    [
        (0.004, "", False, 0, ["pruned.keras"], ""),
        (-0.02, "", False, 0, ["pruned.keras"], ""),
        (0.05, "", False, 900, ["trained.keras"], "the dense net goes on: pruning took 5.00 points"),
        (0.05, "", True, 0, ["pruned.keras", "trained.keras"], "no layer of the generated C gains by the zeros"),
        (0.05, "", True, 900, ["pruned.keras"], "for 900 bytes of weights fewer in the generated C"),
        (0.05, "one class", True, 900, ["trained.keras"], "it ended at chance"),
    ],
)
def test_the_dense_net_goes_on_where_zeros_only_cost(
    lost: float,
    at_chance: str,
    asked_for: bool,
    saved: int,
    models: list[str],
    said: str,
    pruned_work: tuple[WorkFolder, PruneResult],
    converted: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    original, result = pruned_work
    work = WorkFolder(Path(shutil.copytree(original.root, tmp_path / "work")))
    monkeypatch.setattr(choice, "_bytes_saved", lambda _: saved)
    worse = dataclasses.replace(
        result, accuracy_before=0.95, accuracy=0.95 - lost, test_images=1000, at_chance=at_chance
    )
    _, chosen = choice.convert_the_better(worse, SETTINGS, work, asked_for=asked_for)
    assert converted == models
    assert said in chosen.reason
    assert chosen.reason in capsys.readouterr().err.replace("\n", "")
    assert chosen.pruned == (models[-1] == "pruned.keras")
    assert work.latest_model(needed_by="the test")[0].name == models[-1]
    assert work.path("pruned.keras").exists()
    noted = work.require("prune", needed_by="the test").results.get("set_aside")
    assert noted == (None if chosen.pruned else chosen.reason)


def test_a_new_pruning_is_no_longer_set_aside(
    pruned_work: tuple[WorkFolder, PruneResult], strokes: Dataset, tmp_path: Path
) -> None:
    work = WorkFolder(Path(shutil.copytree(pruned_work[0].root, tmp_path / "work")))
    work.set_aside("prune", "for the test")
    assert work.latest_float_model(needed_by="the test")[0].name == "trained.keras"
    run_pruning(PruneSettings(epochs=1), work, dataset=strokes)
    assert work.latest_float_model(needed_by="the test")[0].name == "pruned.keras"
