"""The evidence behind the error bands, and a real compiled loop through compiler, emulator and model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edgemnist.mcu.cycles import MODELS
from edgemnist.mcu.timing import calibration
from edgemnist.mcu.timing.mix import Mix

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


def mix(instructions: int, words_loaded: int, multiplies: int) -> Mix:
    """Return the mix of code with these."""
    return Mix(instructions, words_loaded // 2, words_loaded, 0, 0, multiplies, 0)


def test_code_unlike_what_was_compared_is_said() -> None:
    """With how much more of what; code like it leaves the band as it is."""
    alike = mix(1000, 200, 300)
    assert calibration.band_of("cortex-m4", 0, alike, 1200) == calibration.band("cortex-m4", 0)
    unlike = mix(1000, 500, 600)
    found = calibration.band_of("cortex-m4", 0, unlike, 1500)
    assert (found.low, found.high) == (calibration.band("cortex-m4", 0).low, calibration.band("cortex-m4", 0).high)
    assert found.basis.endswith(
        "more than the code behind that: words loaded 50 (at most 43), multiplies 60 (at most 46)"
    )


@pytest.mark.parametrize("core", MODELS)
def test_what_networks_took_beyond_the_model_grows_with_the_words_loaded(core: str) -> None:
    """Of a chip with wait states; never below the band of code like the networks' own."""
    plain = calibration.band(core, 5)
    few, many, more = (calibration.band_of(core, 5, mix(1000, words, 100), 1000) for words in (50, 500, 800))
    assert few.high == plain.high < many.high < more.high
    assert few.low == many.low == plain.low
    assert "times" in more.basis and "times" not in few.basis


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
