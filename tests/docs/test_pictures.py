"""The documentation's picture is the one that its script draws from today's figures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "ladder_picture"


def test_picture_of_the_ladder_is_up_to_date() -> None:
    assert subprocess.run([sys.executable, str(SCRIPT), "--check"]).returncode == 0, "run scripts/ladder_picture"
