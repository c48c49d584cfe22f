"""What a machine tells of itself while times are measured."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgemnist.support import machine
from edgemnist.support.machine import Conditions, MachineState, machine_name

pytestmark = pytest.mark.unit

QUIET = MachineState(load=0.1, ticks=1000, stolen_ticks=0, throttle_events=3, throttled=False)


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder in the place of /sys that tells nothing yet."""
    monkeypatch.setattr(machine, "_SYS", tmp_path)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    return tmp_path


def tell(folder: Path, name: str, content: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def test_a_quiet_machine(told: Path) -> None:
    tell(told, "devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n")
    after = MachineState(load=2.0, ticks=2000, stolen_ticks=0, throttle_events=3, throttled=False)

    found = Conditions.between(QUIET, after)

    assert found.in_words() == "load 0.10 before, 4 processors; governor performance; not throttled"


@pytest.mark.parametrize(
    ("before", "after", "governor", "said"),
    [
        ({"load": 3.0}, {}, "performance", "other work was running"),
        ({}, {"throttle_events": 4}, "performance", "slowed down"),
        ({}, {}, "powersave", "saves power"),
        ({}, {"stolen_ticks": 100}, "performance", "host was busy"),
    ],
)
def test_what_spoils_times_is_said(
    told: Path, before: dict[str, Any], after: dict[str, Any], governor: str, said: str
) -> None:
    tell(told, "devices/system/cpu/cpu0/cpufreq/scaling_governor", governor)

    found = Conditions.between(replace(QUIET, **before), replace(QUIET, **{"ticks": 2000, **after}))

    assert said in found.in_words().partition("Times are rough: ")[2]


@pytest.mark.parametrize(("flags", "throttled"), [("0x0", False), ("0x50000", False), ("0x50005", True), ("4", True)])
def test_a_raspberry_pi_tells_what_is_now(told: Path, flags: str, throttled: bool) -> None:
    """The upper bits tell of the past, since it was started."""
    tell(told, "devices/platform/soc/soc:firmware/get_throttled", flags)

    state = MachineState.now()

    assert state.throttled is throttled
    assert Conditions.between(state, state).throttled is throttled


def test_this_machine() -> None:
    state = MachineState.now()

    assert "Python 3." in machine_name()
    assert 0 <= Conditions.between(state, MachineState.now()).stolen_share <= 1
    assert state.ticks > 0
