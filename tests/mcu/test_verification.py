"""Builds at the same time get their own images, and an image that is not the model's is withheld."""

from __future__ import annotations

import functools
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from edgemnist import cli
from edgemnist.mcu.boards import find_board
from edgemnist.mcu.build import OPTIMISATIONS, BuildSettings, build_firmware
from edgemnist.mcu.cores import Core
from edgemnist.mcu.elf import Symbol, read_elf
from edgemnist.mcu.network import Network, NetworkSettings, make_network
from edgemnist.mcu.toolchain import TOOLCHAINS, LinkJob
from edgemnist.mcu.verification import Expected, verify_image
from edgemnist.support.errors import InternalError
from edgemnist.tflite.file import TfliteModel, parse_tflite
from tests.compiler.layers import Layers
from tests.mcu import firmware

BOARD = "mps2-an386"
ROUNDS = {"zig": 8, "gnu": 3}
"""Only Zig has a cache."""


@functools.cache
def dense_model() -> TfliteModel:
    """Return a network whose weights are too many to be turned into code: input (1, 8, 8, 1), 10 classes."""
    layers = Layers.seeded(7)
    image = layers.input((1, 8, 8, 1), 1 / 255, -128)
    return parse_tflite(layers.finish(layers.dense(layers.reshape(image, (1, 64)), 10)))


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    """Return the path of the dense model."""
    path = tmp_path / "dense.tflite"
    path.write_bytes(dense_model().content)
    return path


# --- at the same time -------------------------------------------------------------------------------------------------

_BUILDER = """
import sys
from pathlib import Path
from edgemnist.mcu.boards import find_board
from edgemnist.mcu.build import BuildSettings, build_firmware
from edgemnist.tflite.file import read_tflite
model, board, settings = read_tflite(Path(sys.argv[1])), find_board(sys.argv[2]), BuildSettings(toolchain=sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[4])):
    build_firmware(model, board, settings, Path(sys.argv[5]) / str(number))
"""


@pytest.mark.slow
@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_two_processes_get_their_own_images(toolchain: str, model_file: Path, tmp_path: Path) -> None:
    """Every image equals the one that was built alone, byte by byte."""
    firmware.need(BOARD, toolchain)
    small = tmp_path / "small.tflite"
    small.write_bytes(firmware.model().content)
    board, settings, rounds = find_board(BOARD), BuildSettings(toolchain=toolchain), ROUNDS[toolchain]
    alone = {
        path: build_firmware(model, board, settings, tmp_path / f"alone-{path.stem}").elf.binary()
        for path, model in ((model_file, dense_model()), (small, firmware.model()))
    }
    builders = [
        subprocess.Popen(
            [sys.executable, "-c", _BUILDER, path, BOARD, toolchain, str(rounds), tmp_path / path.stem],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for path in alone
    ]  # fmt: skip
    for builder in builders:
        assert builder.stdout is not None
        builder.stdout.readline()
    for builder in builders:
        assert builder.stdin is not None
        builder.stdin.write("go\n")
        builder.stdin.flush()
    complaints = [builder.communicate()[1] for builder in builders]
    assert [builder.returncode for builder in builders] == [0, 0], complaints
    for path, binary in alone.items():
        images = [(tmp_path / path.stem / str(number) / "firmware.bin").read_bytes() for number in range(rounds)]
        assert [image == binary for image in images] == [True] * rounds


# --- not the model's --------------------------------------------------------------------------------------------------

Tamper = Callable[[LinkJob, Path], LinkJob]


def _changed(file: str, old: str, new: str) -> Tamper:
    """Return what changes the first match of ``old``, a pattern, in a written file just before it is compiled."""

    def tamper(job: LinkJob, folder: Path) -> LinkJob:
        text, count = re.subn(old, new, (folder / file).read_text(), count=1)
        assert count == 1
        (folder / file).write_text(text)
        return job

    return tamper


def _other_network(job: LinkJob, folder: Path) -> LinkJob:
    """Compile the other network's sources."""
    for name, text in _network(firmware.model()).files.items():
        (folder / name).write_text(text)
    return job


def _other_objects(job: LinkJob, folder: Path) -> LinkJob:
    """Compile for other sources than those that were written: objects of another build look like that."""
    flags = [flag[:-8] + 'abcdef0"' if "SOURCES_SHA256" in flag else flag for flag in job.flags]
    return replace(job, flags=tuple(flags))


def _network(model: TfliteModel) -> Network:
    return make_network(model, NetworkSettings(), find_board(BOARD).core.elf_machine)


TAMPERS: dict[str, tuple[Tamper, str]] = {
    "arena": (_changed("net.h", r"(#define NET_ARENA_SIZE )", r"\g<1>1"), "the arena is 1"),
    "model": (_changed("firmware_config.h", r"SHA256 \{0x", "SHA256 {0x1^0x"), "model_sha256 has other bytes"),
    "board": (_changed("firmware_config.h", '"mps2-an386"', '"mps2-an385"'), "board_name has other bytes"),
    "stack": (_changed("memory.ld", "STACK_BYTES = 2048", "STACK_BYTES = 1024"), "reserve is 1,024 B, not 2,048 B"),
    "flash": (_changed("memory.ld", "ORIGIN = 0x00000000", "ORIGIN = 0x00000100"), "it starts at 0x00000100"),
    "constant": (_changed("net.c", r"(net_weights_0\[640\][ \w]*= \{\n  )", r"\g<1>1 ^ "), "other bytes"),
    "size": (_changed("net.c", r"net_weights_0\[640\]", "net_weights_0[641]"), "net_weights_0 is 641 B, not 640 B"),
    "network": (_other_network, "its layers are 0, 1, 2"),
    "objects": (_other_objects, "its 2 objects are from"),
}


@pytest.mark.parametrize(
    ("toolchain", "optimise", "tampered"),
    [("zig", "speed", name) for name in TAMPERS]
    + [("gnu", "size", name) for name in TAMPERS]
    + [(toolchain, optimise, "arena") for toolchain, optimise in (("zig", "size"), ("gnu", "speed"))]
    + [(toolchain, optimise, "constant") for toolchain, optimise in (("zig", "size"), ("gnu", "speed"))],
)
def test_an_image_that_is_not_the_models_is_withheld(
    toolchain: str,
    optimise: str,
    tampered: str,
    model_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The files given to a real compiler are changed; an image that was there before stays as it was."""
    firmware.need(BOARD, toolchain)
    tamper, says = TAMPERS[tampered]
    chain = type(TOOLCHAINS[toolchain])
    link = chain.link

    def tampered_link(self: object, core: Core, job: LinkJob, folder: Path) -> None:
        link(TOOLCHAINS[toolchain], core, tamper(job, folder), folder)

    monkeypatch.setattr(chain, "link", tampered_link)
    out = tmp_path / "out"
    command = ["firmware", "build", "--board", BOARD, "--toolchain", toolchain, "--optimise", optimise]
    assert cli.run([*command, str(model_file), "--out", str(out)]) == 70
    said = capsys.readouterr()
    assert says in said.err and "please report it" in said.err and said.out == ""
    assert not out.exists()
    if tampered != "arena":  # what is there before is looked at once for each compiler and optimisation
        return
    out.mkdir()
    (out / "firmware.elf").write_bytes(b"the last good one")
    assert cli.run([*command, str(model_file), "--out", str(out)]) == 70
    assert [(path.name, path.read_bytes()) for path in out.iterdir()] == [("firmware.elf", b"the last good one")]


@pytest.mark.parametrize("optimise", OPTIMISATIONS)
@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_what_is_compared_for_tflm(toolchain: str, optimise: str, tmp_path: Path) -> None:
    """Its own arena has one of two sizes; the model's file has to be in the image whole."""
    firmware.need(BOARD, toolchain)
    board = find_board(BOARD)
    image = build_firmware(dense_model(), board, BuildSettings(toolchain=toolchain, optimise=optimise), tmp_path)
    network = replace(_network(dense_model()), interpreter_arena_bytes=frozenset({2048, 4096}))
    wanted = Expected(network, image.model_sha256, tuple(image.elf.sources), board, 2048)
    for size, right in ((0, False), (2048, True), (3000, False), (4096, True)):
        arena = Symbol("_ZN10net_model_tflm12tensor_arenaE", 0x20000000, size, False)
        elf = replace(image.elf, symbols={**image.elf.symbols, arena.name: arena})
        if right:
            verify_image(elf, wanted, toolchain)
        else:
            with pytest.raises(InternalError, match=rf"TFLM's arena is {size:,} B, not 2,048 B or 4,096 B"):
                verify_image(elf, wanted, toolchain)
    file = {"net_model": dense_model().content}
    with pytest.raises(InternalError, match="net_model is missing"):
        verify_image(elf, replace(wanted, network=replace(network, constants=file)), toolchain)
    assert read_elf(image.path).sources == image.elf.sources
