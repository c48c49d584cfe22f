"""CONTRIBUTING's example of a new operator, copied as it tells, works: its own tests pass beside the real code."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.oracles import needs

ROOT = Path(__file__).resolve().parents[2]
_FILE = re.compile(r"^`([\w/.]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@needs("tflm", "tflite-runtime-reference", "host-c")
def test_the_example_of_an_operator_works(tmp_path: Path) -> None:
    files = dict(_FILE.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))
    for folder in ("edgemnist", "firmware", "tests"):
        leave = shutil.ignore_patterns("__pycache__", "golden")
        shutil.copytree(ROOT / folder, tmp_path / folder, symlinks=True, ignore=leave)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name, content in files.items():
        assert not (ROOT / name).exists(), f"{name} exists by now: choose another operator for CONTRIBUTING.md"
        (tmp_path / name).write_text(content, encoding="utf-8")
    (test,) = (name for name in files if name.startswith("tests/"))

    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "EDGEMNIST_NO_SKIPS": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    assert len(files) == 3
    assert done.returncode == 0, done.stdout + done.stderr
