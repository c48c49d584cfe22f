"""The evidence behind the error bands, and a real compiled loop through compiler, emulator and model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edgemnist.mcu.cycles import MODELS
from edgemnist.mcu.timing import calibration

pytestmark = pytest.mark.unit

SCRIPT = Path(__file__).parents[2] / "scripts" / "calibrate_cycles"


@pytest.mark.parametrize("core", MODELS)
@pytest.mark.parametrize("wait_states", [0, 5])
def test_band(core: str, wait_states: int) -> None:
    """A band holds 1 and every ratio of the same code; wait states never narrow it; it says where it comes from."""
    band = calibration.band(core, wait_states)
    assert band.low <= 1 <= band.high
    assert all(band.low <= ratio <= band.high for ratio in calibration.same_code_ratios(core))
    assert band.high >= calibration.band(core, 0).high
    assert "published" in band.basis


def test_tables_agree() -> None:
    """Every modelled core has its CoreMark figure, and every row a figure for each core."""
    assert set(calibration.COREMARK_PER_MHZ) == set(MODELS)
    assert all(len(row) == len(MODELS) for row in calibration.COREMARK_MODELLED.values())
    assert set(calibration.STYLED_LOOP) <= set(MODELS)


def test_models_are_near_what_was_published() -> None:
    """The same code on the same core: every routine within 7 %."""
    assert all(abs(check.ratio - 1) < 0.07 for check in calibration.SAME_CODE)


def test_compiled_loops() -> None:
    """The script builds, runs and times real loops; with any compiler near the figures recorded with GCC."""
    run = subprocess.run(
        [sys.executable, SCRIPT, "--json", "--toolchain", "auto"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    loops = {(loop["core"], loop["loop"]): loop for loop in json.loads(run.stdout)["loops"]}
    assert {core for core, _ in loops} == set(MODELS)
    for (core, name), loop in loops.items():
        assert loop["low"] <= loop["cycles"] <= loop["high"]
        assert 0.5 < loop["cycles_per_instruction"] < 2.5, (core, name)
    for core, recorded in calibration.STYLED_LOOP.items():
        assert loops[core, "conv_blocked"]["cycles_per_instruction"] == pytest.approx(recorded, rel=0.2)
    m4 = loops["cortex-m4", "conv_blocked"]["cycles_per_mac"]
    assert (
        loops["cortex-m7", "conv_blocked"]["cycles_per_mac"] < m4 < loops["cortex-m3", "conv_blocked"]["cycles_per_mac"]
    )
    assert 1.5 < m4 < 4.6  # between the published cycles per MAC of the fastest and the slowest engine on Cortex-M4
