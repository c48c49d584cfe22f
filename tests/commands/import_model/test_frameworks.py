"""The frameworks script: what is installed is measured, what is not is named with its command."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.commands.convert.conftest import quadrants as quadrants

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def script() -> Any:
    """Return the script as a namespace."""
    scripts = Path(__file__).parents[3] / "scripts"
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(scripts))  # as python does for a script it starts
        return SimpleNamespace(**runpy.run_path(str(scripts / "frameworks"), run_name="frameworks"))


def test_measures_what_is_installed_and_names_the_rest(
    script: Any, strokes_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    usual = ["--dataset", str(strokes_file), "--images", "300", "--epochs", "2", "--threads", "1"]
    assert script.main([*usual, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    rows = {row["framework"]: row for row in document["rows"]}
    assert {"TensorFlow/Keras", "scikit-learn"} <= set(rows)
    assert set(rows) | set(document["missing"]) == {one.name for one in script.FRAMEWORKS}
    assert (document["training_images"], document["epochs"], document["failed"]) == (300, 2, {})
    assert all("pip install" in command for command in document["missing"].values())
    for row in rows.values():
        assert all(row["versions"].values()) and row["file_bytes"] > 1_000
        assert row["training_seconds"] > 0 and row["peak_memory_bytes"] > 50e6
        assert 0 < row["seconds_per_image_in_100"] < 10 * row["seconds_per_image_alone"]
    assert rows["scikit-learn"]["accuracy"] > 0.9
    assert rows["scikit-learn"]["peak_memory_bytes"] < rows["TensorFlow/Keras"]["peak_memory_bytes"]
    text = script.table({**document, "missing": {"PyTorch": "pip install torch"}})
    assert "| scikit-learn (scikit-learn " in text and "Not installed: PyTorch (pip install torch)" in text


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--images", "0"], "--images 0 is too few"),
        (["--framework", "caffe"], "choose from TensorFlow/Keras"),
        (["--dataset", "QUADRANTS"], "at least 10x10"),
    ],
)
def test_slips_are_told(
    more: list[str], message: str, script: Any, strokes_file: Path, quadrants: Path, capsys: Any
) -> None:
    given = [str(quadrants) if word == "QUADRANTS" else word for word in more]
    assert script.main(["--dataset", str(strokes_file), *given]) == 2
    assert message in capsys.readouterr().err


def test_nothing_installed_is_said(script: Any, strokes_file: Path) -> None:
    train = script.FRAMEWORKS[0].train
    framework = script.Framework("Theano", "CNN", ("theano_of_old",), (), "pip install theano", train)
    with pytest.raises(Exception, match="Theano: pip install theano"):
        script.compare(script.Job(str(strokes_file), 10, 1, 1, 0), [framework])
