"""The fuzzers run, find nothing in a short time, and would find what is there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from importlib import util
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
CORPUS = Path(__file__).parent / "corpus"
SECONDS, RUNS = 60, 3000
"""The fuzzer ends after so many, which take a few seconds, or when its time is up."""
BROKEN = """
import runpy, sys
import edgemnist.compiler.reader as reader
check = reader.table_problems
def broken(model, *rest):
    if any(operator.version > 100 for operator in model.operators):
        raise ZeroDivisionError("planted")
    return check(model, *rest)
reader.table_problems = broken
runpy.run_path(sys.argv.pop(1), run_name="__main__")
"""


def run(*command: str, seconds: float) -> subprocess.CompletedProcess[str]:
    """Run a program in the repository.

    Linux counts what a process used before it became another program into its peak of memory, which the fuzzer limits:
    a shell in between starts with little, where this process may have had TensorFlow in it.
    """
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    through_a_shell = ["sh", "-c", '"$@"; exit $?', "sh"]
    return subprocess.run(
        [*through_a_shell, sys.executable, *command], cwd=REPOSITORY, env=environment, capture_output=True, text=True,
        timeout=seconds, check=False,
    )  # fmt: skip


needs_atheris = pytest.mark.skipif(
    util.find_spec("atheris") is None, reason="atheris is not installed: pip install atheris"
)


@needs_atheris
def test_no_bytes_make_the_reader_or_the_generator_falter(tmp_path: Path) -> None:
    shutil.copytree(CORPUS, tmp_path / "corpus")
    limits = (f"-runs={RUNS}", f"-max_total_time={SECONDS}", "-print_final_stats=1", f"-artifact_prefix={tmp_path}/")

    done = run("scripts/fuzz_bytes", str(tmp_path / "corpus"), *limits, seconds=4 * SECONDS)

    assert done.returncode == 0, done.stderr[-3000:]
    tried = re.search(r"number_of_executed_units: (\d+)", done.stderr)
    assert tried and int(tried[1]) > 2000


@needs_atheris
def test_a_fault_that_bytes_can_reach_is_found(tmp_path: Path) -> None:
    shutil.copytree(CORPUS, tmp_path / "corpus")
    script = tmp_path / "broken.py"
    script.write_text(BROKEN, encoding="utf-8")
    limits = ("-max_total_time=120", f"-artifact_prefix={tmp_path}/")

    done = run(str(script), "scripts/fuzz_bytes", str(tmp_path / "corpus"), *limits, seconds=240)

    assert done.returncode != 0
    assert "ZeroDivisionError: planted" in done.stderr + done.stdout
    assert list(tmp_path.glob("crash-*"))


def test_mutants_are_refused_or_equal_tflm(tmp_path: Path) -> None:
    done = run("scripts/fuzz", "--mutants", "40", "--seed", "5", "--json", "--keep", str(tmp_path), seconds=300)

    told = json.loads(done.stdout)
    assert done.returncode == 0, told["faults"]
    assert told["counts"]["refused"] > 5
    assert told["counts"]["equal to TFLM"] > 5
    assert told["counts"]["mutants"] == 40
