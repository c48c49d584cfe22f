"""``scripts/calibrate_cycles nets``, of one small net."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from edgemnist.mcu.boards import find_board
from edgemnist.mcu.build import BuildSettings, for_core
from tests.mcu import firmware


@pytest.fixture(scope="module")
def nets() -> dict[str, Any]:
    return runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "cycle_nets.py"))


def test_every_operation_and_what_the_model_charges(nets: dict[str, Any]) -> None:
    """Shares add up; a load of several words moves and costs them; the table has a line for each operation."""
    core = nets["Core"]("cortex-m4")
    image = firmware.image("mps2-an386", "gnu", for_core(BuildSettings(), find_board("mps2-an386")))
    (profile,) = firmware.run(image, "unicorn", firmware.inputs(1), profiled=1).profiles
    core.add("small", profile.whole)
    executed = {one.operation: one for one in core.executed if one.kind != "branch"}
    assert sum(one.share for one in core.executed) == pytest.approx(1)
    assert (executed["smlad"].cycles, executed["smlad"].words) == (1, 0)
    assert executed["ldrd"].cycles >= 1 + executed["ldrd"].words == 3
    (net,) = core.nets
    assert net.unknown == {} and net.low <= net.cycles <= net.high
    assert net.mix.instructions == profile.whole.instructions()
    lines = list(core.lines())
    assert len(lines) == 5 + len(core.executed)
    assert core.as_json()["executed"][0]["operation"] == core.executed[0].operation


def test_a_folder_without_the_nets_is_named(nets: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(Exception, match="EDGEMNIST_MODELS"):
        nets["nets_of"](None)
    with pytest.raises(Exception, match=r"lacks compact_int8\.tflite"):
        nets["nets_of"](str(tmp_path))
