"""The scripts that workflows run and that are not the test command itself do what they say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "EDGEMNIST_VENV": sys.prefix, "EDGEMNIST_PYTHON": sys.executable}
    return subprocess.run([str(SCRIPTS / script), *arguments], env=environment, capture_output=True, text=True)


@pytest.mark.slow
def test_check_runs_the_unit_tests_it_is_given() -> None:
    done = run("check", "tests/data/test_idx.py", "tests/data/test_real_data.py")

    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert "test_real_data" not in done.stdout  # is not marked


@pytest.mark.slow
def test_base_package_works_without_tensorflow() -> None:
    done = run("smoke_base")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "works without TensorFlow" in done.stdout
