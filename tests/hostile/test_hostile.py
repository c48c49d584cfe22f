"""Every hostile file is refused in a sentence, within a second and 256 MB, or taken rightly within the same."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgemnist.data import image_folder
from edgemnist.data.images import ImageHeader, read_header
from edgemnist.data.loading import load_dataset
from edgemnist.data.npz import load_npz
from edgemnist.support.errors import DatasetError, InputError
from edgemnist.support.reading import bytes_allowed
from tests.hostile import all_cases
from tests.hostile.cases import Case
from tests.hostile.large import LARGE
from tests.hostile.probe import READERS, Cost

MOST_SECONDS = 1.0
MOST_BYTES = 256 << 20
_HANGS = 300

CASES = {case.name: case for case in all_cases()}


@pytest.fixture(scope="module")
def costs() -> dict[str, Cost]:
    """Return what reading each of the files came to, in one process without anything else in it."""
    run = subprocess.run(
        [sys.executable, "-m", "tests.hostile.probe"],
        capture_output=True, text=True, timeout=_HANGS, cwd=Path(__file__).parents[2], check=False,
    )  # fmt: skip
    assert not run.stderr, "something was written to the terminal"
    return {cost.name: cost for cost in (Cost(**json.loads(line)) for line in run.stdout.splitlines())}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_refused_or_taken_at_little_cost(case: Case, costs: dict[str, Cost]) -> None:
    cost = costs[case.name]
    assert cost.refused or not cost.error, f"{cost.error}: {cost.said}"
    assert cost.seconds < MOST_SECONDS
    assert cost.memory < MOST_BYTES
    assert "\n" not in cost.said
    assert len(cost.said) < 1000
    if case.refusal == "":
        assert not cost.error, cost.said
    elif case.refusal != ".*":
        assert re.search(case.refusal, cost.said), cost.said


def run_edgemnist(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edgemnist", *arguments],
        capture_output=True, text=True, timeout=_HANGS, env={**os.environ, **environment}, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["npz: 2^400 elements", "40 dimensions", "csv: infinite pixel"])
def test_the_command_says_it_in_a_line(name: str, tmp_path: Path) -> None:
    run = run_edgemnist("data", "show", str(CASES[name].make(tmp_path)), "--out", str(tmp_path / "sheet.png"))
    assert run.returncode == 2
    assert "Traceback" not in run.stderr + run.stdout
    assert "Warning" not in run.stderr
    assert str(tmp_path) in "".join(run.stderr.split())
    assert not (tmp_path / "sheet.png").exists()


def test_without_permission(tmp_path: Path) -> None:
    """Root may read everything, so root becomes nobody for this."""
    path = tmp_path / "a.npz"
    path.write_bytes(b"")
    path.chmod(0)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        with pytest.raises(DatasetError, match=r"cannot read .*: Permission denied"):
            load_npz(path, "it")
    finally:
        if root:
            os.seteuid(0)


def test_a_file_that_goes_away_or_shrinks_while_others_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(8):
        folder = tmp_path / "ab"[number % 2]
        folder.mkdir(exist_ok=True)
        Image.fromarray(np.full((9, 9), number, np.uint8)).save(folder / f"{number}.png")

    def damaging(path: Path) -> ImageHeader:
        header = read_header(path)
        if path.name == "2.png":
            path.unlink()
        if path.name == "3.png":
            os.truncate(path, 50)
        return header

    monkeypatch.setattr(image_folder, "read_header", damaging)
    with pytest.raises(DatasetError, match=r"(?s)2 pictures .* cannot be read.*2\.png.*3\.png"):
        load_dataset(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "value"), [("npz: bomb of 200 MB", "300000000"), ("h5: weight of 4 TB that is not stored", str(1 << 43))]
)
def test_the_variable_raises_the_limit(name: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = CASES[name].make(tmp_path)
    reader = READERS[CASES[name].reader]
    with pytest.raises(InputError, match="set EDGEMNIST_MAX_BYTES"):
        reader(path)
    monkeypatch.setenv("EDGEMNIST_MAX_BYTES", value)
    try:
        reader(path)
    except InputError as error:  # of another thing: the bomb lacks labels
        assert "EDGEMNIST_MAX_BYTES" not in str(error)


@pytest.mark.parametrize("value", ["2 GB", "-1", "9" * 30])
def test_a_limit_that_is_no_number(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEMNIST_MAX_BYTES", value)
    with pytest.raises(InputError, match="set it to a number of bytes, such as 4000000000"):
        bytes_allowed(1)


@pytest.mark.parametrize("name", ["4000_sums", "2500_outputs", "8000_inputs"])
def test_models_of_many_parts_are_inspected_at_little_cost(name: str, tmp_path: Path) -> None:
    """Not the square of what there is: a second of a processor or two, where a busy machine takes five."""
    path = tmp_path / "net.tflite"
    path.write_bytes(LARGE[name]())
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = run_edgemnist("inspect", str(path), "--json")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert run.returncode == 0, run.stderr
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime <= 5.0
