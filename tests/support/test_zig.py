"""A damaged file in the compiler's cache costs time, and nothing else. The command says only what the linker would."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from edgemnist.support.zig import run_zig

pytestmark = pytest.mark.unit

LINKS = """
import os, sys
from pathlib import Path
library = Path(os.environ["ZIG_GLOBAL_CACHE_DIR"]) / "libcompiler_rt.a"
if library.exists() and library.read_text() != "whole":
    sys.exit(f"ld.lld: error: {library}: failed to parse archive")
if Path("model.c").read_text() != "right":
    sys.exit("model.c:1: error")
library.parent.mkdir(parents=True, exist_ok=True)
library.write_text("whole")
"""


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file that the compiler keeps for all builds."""
    monkeypatch.setenv("EDGEMNIST_CACHE", str(tmp_path / "cache"))
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "model.c").write_text("right")
    return tmp_path / "cache" / "zig" / "libcompiler_rt.a"


def test_a_damaged_cache_is_passed_over_and_told(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [sys.executable, "-c", LINKS]
    assert run_zig(command, tmp_path / "build", 30).returncode == 0
    assert shared.read_text() == "whole"
    shared.write_text("who")
    assert run_zig(command, tmp_path / "build", 30).returncode == 0
    assert capsys.readouterr().err.splitlines() == [
        f"the compiler's cache '{shared.parent}' is damaged and was passed over; delete it, and it is made anew"
    ]


def test_an_error_in_the_code_is_told_once(shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "build" / "model.c").write_text("wrong")
    done = run_zig([sys.executable, "-c", LINKS], tmp_path / "build", 30)
    assert (done.returncode, done.stderr) == (1, "model.c:1: error\n")
    assert capsys.readouterr().err == ""
