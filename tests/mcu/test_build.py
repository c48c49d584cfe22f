"""Linked images: sizes that add up, files beside them, the same bytes each time, boards that are too small."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from edgemnist.mcu.boards import boards, find_board
from edgemnist.mcu.build import BuildSettings, build_firmware, build_fitted
from edgemnist.mcu.cores import find_core
from edgemnist.mcu.toolchain import TOOLCHAINS, choose_toolchain
from edgemnist.support.errors import GateFailedError, InputError, MissingDependencyError
from edgemnist.tflite.file import parse_tflite
from tests.compiler.band_nets import mobile
from tests.mcu import firmware

ONE_BOARD_A_CORE = sorted({board.core.name: name for name, board in boards().items()}.values())


@pytest.mark.parametrize(
    ("board", "toolchain", "optimise"),
    [(board, toolchain, "speed") for board in ONE_BOARD_A_CORE for toolchain in TOOLCHAINS]
    # Zig makes its helper library anew for each core and optimisation, which takes seconds.
    + [(board, "gnu", "size") for board in ONE_BOARD_A_CORE]
    + [(board, "zig", "size") for board in ("microbit", "mps2-an386")],
)
def test_sizes_add_up(board: str, toolchain: str, optimise: str) -> None:
    image = firmware.image(board, toolchain, BuildSettings(optimise=optimise))
    sizes = image.sizes
    assert sizes.ram == sizes.arena + sizes.static + sizes.stack
    assert sizes.stack == BuildSettings().stack()
    assert 0 < sizes.arena < 1000
    assert sizes.model_constants == sum(layer.constants for layer in sizes.layers)
    assert 0 < sizes.model_code + sizes.model_constants < sizes.flash
    assert len(sizes.layers) == len(image.layers)
    assert all(layer.code > 0 for layer in sizes.layers)
    assert len(image.elf.binary()) == sizes.flash


@pytest.mark.parametrize(("board", "needed"), [("mps2-an385", False), ("microbit", True)])
def test_zig_makes_its_library_only_where_it_is_needed(
    board: str, needed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Cortex-M0 has no product of 64 bits."""
    firmware.need(board, "zig")
    if not needed:
        monkeypatch.setenv("EDGEMNIST_CACHE", str(tmp_path / "cache"))
    image = build_firmware(firmware.model(), find_board(board), BuildSettings(toolchain="zig"), tmp_path / "image")
    assert ("__aeabi_lmul" in image.elf.symbols) == needed
    assert not list((tmp_path / "cache").rglob("*compiler_rt*"))


def test_files_beside_the_elf(tmp_path: Path) -> None:
    image = build_firmware(firmware.model(), find_board("microbit"), BuildSettings(), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "firmware.elf", "firmware.bin", "firmware.hex", "firmware.map", "firmware.json",
    }  # fmt: skip
    stack_top = image.elf.symbols["stack_top"].address
    assert int.from_bytes((tmp_path / "firmware.bin").read_bytes()[:4], "little") == stack_top
    assert " net_step_0\n" in (tmp_path / "firmware.map").read_text()
    content = json.loads((tmp_path / "firmware.json").read_text())
    assert content["fits"] is True
    assert content["flash_bytes"] == image.sizes.flash


@pytest.mark.parametrize("board", ["microbit", "mps2-an505"])
def test_intel_hex_holds_the_same_bytes(board: str, tmp_path: Path) -> None:
    """Read back by GNU's objcopy."""
    firmware.need(board, "gnu")
    image = firmware.image(board)
    (tmp_path / "firmware.hex").write_text(image.elf.intel_hex())
    command = ["arm-none-eabi-objcopy", "-I", "ihex", "-O", "binary", "firmware.hex", "back.bin"]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert (tmp_path / "back.bin").read_bytes() == image.elf.binary()


@pytest.mark.parametrize("toolchain", list(TOOLCHAINS))
def test_the_same_bytes_each_time(tmp_path: Path, toolchain: str) -> None:
    firmware.need("mps2-an385", toolchain)
    board, settings = find_board("mps2-an385"), BuildSettings(toolchain=toolchain)
    binaries = [
        build_firmware(firmware.model(), board, settings, tmp_path / folder).elf.binary() for folder in ("one", "two")
    ]
    assert binaries[0] == binaries[1]


@pytest.mark.parametrize(("flash", "ram", "over"), [(4096, 1 << 20, "flash by"), (1 << 20, 1000, "RAM by")])
def test_a_board_too_small(tmp_path: Path, flash: int, ram: int, over: str) -> None:
    image = build_firmware(firmware.model(), firmware.small_board(flash, ram), BuildSettings(), tmp_path)
    excess = image.excess()
    assert excess == {
        memory: need - have
        for memory, need, have in (("flash", image.sizes.flash, flash), ("RAM", image.sizes.ram, ram))
        if need > have
    }
    with pytest.raises(GateFailedError, match=f"over: {over} {next(iter(excess.values())):,} B"):
        image.raise_too_large()


def test_an_arena_too_large_for_the_board_runs_by_bands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where bands don't make it small enough, the image is as it was, and says what is over."""
    model = parse_tflite(mobile())
    whole = build_firmware(model, firmware.small_board(1 << 20, 1 << 20), BuildSettings(), tmp_path)
    need, arena = whole.sizes.ram, whole.sizes.arena

    banded = build_fitted(model, firmware.small_board(1 << 20, need - arena // 3), BuildSettings(), tmp_path)
    said = capsys.readouterr().err
    hopeless = build_fitted(model, firmware.small_board(1 << 20, need - arena + 16), BuildSettings(), tmp_path)

    assert banded.excess() == {}
    assert banded.sizes.arena <= arena - arena // 3
    assert f"{arena // 3:,} too many for the RAM" in said and f"it takes {banded.sizes.arena:,}" in said
    assert hopeless.sizes == whole.sizes
    assert list(hopeless.excess()) == ["RAM"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (BuildSettings(transport="can"), "unknown transport 'can'"),
        (BuildSettings(optimise="fast"), "unknown optimisation 'fast'"),
        (BuildSettings(toolchain="keil"), "unknown toolchain 'keil'"),
        (BuildSettings(transport="uart"), "no serial port driver for 'blue-pill'"),
    ],
)
def test_unknown_settings(tmp_path: Path, settings: BuildSettings, message: str) -> None:
    with pytest.raises(InputError, match=message):
        build_firmware(firmware.model(), find_board("blue-pill"), settings, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_toolchain_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingDependencyError, match="apt install gcc-arm-none-eabi"):
        choose_toolchain("gnu", find_core("cortex-m3"))
