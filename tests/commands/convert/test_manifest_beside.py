"""A file that is converted by name: what the manifest beside it says of its training, and whose manifest counts."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.convert.stage import run_conversion
from edgemnist.harness.feeding import FeedingSettings
from edgemnist.support.errors import InputError
from edgemnist.tflite.normalisation import NORMALISATIONS
from tests.commands.convert.conftest import FLOAT32, INT8


def test_a_named_file_takes_what_the_manifest_beside_it_says(work: WorkFolder, tmp_path: Path) -> None:
    out = WorkFolder(tmp_path / "out")
    trained = work.path("trained.keras")
    as_recorded = run_conversion(replace(INT8, model=trained, out=out.root), work)
    assert as_recorded.warnings == run_conversion(INT8, work).warnings
    assert out.path("model_int8.tflite").read_bytes() == work.path("model_int8.tflite").read_bytes()
    settings = {**work.stages()["train"].settings, "dataset": "another"}
    work.record("train", settings=settings, results={}, outputs=[trained])
    other = replace(
        INT8, dataset=as_recorded_dataset(out), feeding=FeedingSettings(normalisation=NORMALISATIONS["-1..1"])
    )
    told = " ".join(run_conversion(replace(other, model=trained, out=out.root), work).warnings)
    assert "was trained on 'another', says the manifest beside it; it is converted with images of" in told
    assert "was trained on pixels in 0..1, says the manifest beside it; it is converted for pixels in -1..1" in told


@pytest.mark.parametrize("content", ['{"name": "a web application", "icons": []}', "[1]"])
def test_a_manifest_of_another_program_says_nothing_of_a_named_file(
    content: str, work: WorkFolder, tmp_path: Path
) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    model = Path(shutil.copy(work.path("trained.keras"), foreign))
    (foreign / "manifest.json").write_text(content)
    assert run_conversion(replace(FLOAT32, model=model, out=tmp_path / "out"), work).models
    (foreign / "manifest.json").write_text('{"format": 1, "stages": {')
    with pytest.raises(InputError, match=r"cannot read .*manifest\.json"):
        run_conversion(replace(FLOAT32, model=model, out=tmp_path / "out"), work)


def as_recorded_dataset(work: WorkFolder) -> str:
    return str(work.stages()["convert"].settings["dataset"])
