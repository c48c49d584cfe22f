"""What code consists of: by hand, and as scripts/bench_kernels prints it of a net."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edgemnist.mcu.timing.mix import Mix, mix_of
from tests.mcu import firmware
from tests.mcu.cycle_profiles import machine_code, straight

SCRIPT = Path(__file__).parents[2] / "scripts" / "bench_kernels"

BY_HAND = {
    "6808 7819 bf00": Mix(3, loads=2, words_loaded=2, stores=0, words_stored=0, multiplies=0, branches=0),
    "c80e bd70": Mix(2, loads=2, words_loaded=7, stores=0, words_stored=0, multiplies=0, branches=0),
    "e9d1 2300 e9c1 2300": Mix(2, loads=1, words_loaded=2, stores=1, words_stored=2, multiplies=0, branches=0),
    "6048 b570 7048": Mix(3, loads=0, words_loaded=0, stores=3, words_stored=6, multiplies=0, branches=0),
    "fb21 3002 4348 fb81 2300": Mix(3, loads=0, words_loaded=0, stores=0, words_stored=0, multiplies=3, branches=0),
    "1888 d1fd": Mix(2, loads=0, words_loaded=0, stores=0, words_stored=0, multiplies=0, branches=1),
}
"""LDR, LDRB; LDM of three, POP of four that returns; LDRD, STRD; STR, PUSH, STRB; SMLAD, MULS, SMULL; ADDS, BNE."""


@pytest.mark.unit
@pytest.mark.parametrize(("code", "mix"), BY_HAND.items())
def test_by_hand(code: str, mix: Mix) -> None:
    """Each instruction counts once; a list's registers are words."""
    assert mix_of(straight(machine_code(code))) == mix
    thrice = mix_of(straight(machine_code(code), times=3))
    assert (thrice.instructions, thrice.words_loaded) == (3 * mix.instructions, 3 * mix.words_loaded)
    assert thrice.others == 3 * (mix.instructions - mix.loads - mix.stores - mix.multiplies - mix.branches)


def bench(path: Path, *arguments: str) -> str:
    """Return what the script prints of a model."""
    command = [
        sys.executable,
        str(SCRIPT),
        "--model",
        str(path),
        "--core",
        "cortex-m4",
        "--core",
        "cortex-m55",
        *arguments,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout


def test_bench_kernels_tells_the_mix(tmp_path: Path) -> None:
    """Of the net and of each layer, a MAC; of a core that Unicorn lacks it says that it is not told."""
    firmware.need("mps2-an386", "gnu", "qemu")
    firmware.need("mps3-an547", "gnu", "qemu")
    path = tmp_path / "net.tflite"
    path.write_bytes(firmware.model().content)
    on_m4, on_m55 = json.loads(bench(path, "--layers", "--json"))
    assert on_m55["mix"] is None and all(layer["mix"] is None for layer in on_m55["layers"])
    whole = Mix(**on_m4["mix"])
    assert abs(whole.instructions - on_m4["instructions"]) < 100
    parts = [Mix(**layer["mix"]) for layer in on_m4["layers"]]
    assert 0.95 < sum(part.words_loaded for part in parts) / whole.words_loaded <= 1
    assert all(part.multiplies > 0 for part, layer in zip(parts, on_m4["layers"], strict=True) if layer["macs"])
    lines = bench(path, "--layers").splitlines()
    assert len(lines) == 2 + 2 * (1 + len(parts))
    assert lines[2].split()[-6] == f"{whole.loads / on_m4['macs']:.3f}"
    assert lines[3 + len(parts)].endswith("not told")
