"""The ladder script: every figure is there, and what was killed goes on where it was."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.commands.train.test_train import interrupted

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ladder() -> Any:
    """Return the script as a namespace."""
    scripts = Path(__file__).parents[2] / "scripts"
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(scripts))  # as python does for a script it starts
        return SimpleNamespace(**runpy.run_path(str(scripts / "ladder"), run_name="ladder"))


def arguments(data: Path, out: Path, *more: str) -> list[str]:
    usual = ["--arch", "dense", "--epochs", "3", "--teacher", "dense", "--dataset", str(data), "--out", str(out)]
    return [*usual, *more]


def test_a_killed_ladder_goes_on_and_measures_everything(
    ladder: Any,
    strokes_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with interrupted(monkeypatch, 16):
        ladder.climb(ladder.Choice(("dense",), 1, 3, "dense", None, False), str(strokes_file), tmp_path)
    assert list(tmp_path.rglob("train-checkpoint.npz"))
    assert ladder.main(arguments(strokes_file, tmp_path, "--seeds", "1")) == 0
    root = tmp_path / "strokes"
    first = root / "dense" / "seed-0"
    before = {path: path.stat().st_mtime_ns for path in first.iterdir()}
    capsys.readouterr()
    assert ladder.main(arguments(strokes_file, tmp_path, "--seeds", "2", "--jobs", "2", "--json")) == 0
    assert {path: path.stat().st_mtime_ns for path in first.iterdir()} == before
    document = json.loads(capsys.readouterr().out)
    (net,) = document["nets"]
    assert (net["arch"], net["seeds"], [run["seed"] for run in net["runs"]]) == ("dense", 2, [0, 1])
    accuracies = [run["accuracy_int8"] for run in net["runs"]]
    assert net["accuracy_int8"]["mean"] == pytest.approx(sum(accuracies) / 2)
    assert net["accuracy_int8"]["deviation"] == pytest.approx(abs(accuracies[0] - accuracies[1]) / 2**0.5)
    assert net["macs"] == 144 * 128 + 128 * 4
    assert (root / "ladder.png").read_bytes().startswith(b"\x89PNG")
    assert "| dense |" in (root / "ladder.md").read_text()


def test_pruned_and_aware_nets_have_folders_of_their_own(ladder: Any, strokes_file: Path, tmp_path: Path) -> None:
    assert ladder.main(arguments(strokes_file, tmp_path, "--seeds", "1", "--sparsity", "0.5", "--qat")) == 0
    (net,) = json.loads((tmp_path / "strokes" / "ladder-pruned-50-qat.json").read_text())["nets"]
    assert net["arch"] == "dense-pruned-50-qat"
    assert net["runs"][0]["sparsity"] == pytest.approx(0.5, abs=0.01)
    assert net["runs"][0]["parameters_left"] < 0.6 * net["runs"][0]["parameters"]
    assert not (tmp_path / "strokes" / "dense" / "seed-0" / "pruned.keras").exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--arch", "tinny"), "did you mean 'tiny'"),
        (("--seeds", "0"), "0 seeds measure nothing"),
        (("--jobs", "0"), "0 jobs do nothing"),
        (("--teacher", "cnn-larg"), "unknown architecture 'cnn-larg'"),
        (("--sparsity", "0.5", "--reference"), "--reference is for the dense nets"),
        (("--qat", "--reference"), "--reference is for the dense nets"),
    ],
)
def test_slips_are_told(
    more: tuple[str, ...], message: str, ladder: Any, strokes_file: Path, tmp_path: Path, capsys: Any
) -> None:
    assert ladder.main(arguments(strokes_file, tmp_path / "out", *more)) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
