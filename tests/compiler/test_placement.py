"""Several memories: what is read most per byte is in the fast ones, all of it fits, or what is short is said."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from edgemnist.compiler.generate import CodegenSettings, GeneratedModel, generate
from edgemnist.compiler.placement import Memory, parsed_memories
from edgemnist.compiler.targets import ANY
from edgemnist.support.errors import EdgeMnistError, InputError, ModelError
from edgemnist.tflite.file import parse_tflite
from tests.compiler.band_nets import mobile
from tests.compiler.bench import SANITIZERS, WARNINGS

MODEL = parse_tflite(mobile())
RAM, FLASH, OUTSIDE = Memory("ram", 9000), Memory("flash", 700), Memory("psram", 100_000)


def made(*memories: Memory) -> GeneratedModel:
    return generate(MODEL, CodegenSettings(name="net", memories=memories))


def test_what_is_read_most_is_in_the_fast_memory() -> None:
    found = made(RAM, FLASH, OUTSIDE)
    placement, steps = found.placement, found.program.steps
    assert placement is not None
    assert placement.arena == "ram"
    reads = {index: step.macs / step.constant_bytes for index, step in enumerate(steps) if step.constant_bytes}
    in_ram, behind = placement.steps_in("ram"), placement.steps_in("psram")
    assert in_ram and behind
    assert min(reads[step] for step in in_ram if step not in behind) >= max(reads[step] for step in behind)
    content = {one.name: found.plan.size if one.name == placement.arena else 0 for one in placement.memories}
    for index in range(len(steps)):
        for array in found.program.arrays_of(index):
            content[placement.of_constant(index, array.suffix)] += array.bytes
    for memory in placement.memories:
        assert content[memory.name] <= placement.used[memory.name] <= memory.bytes
    assert [one["used_bytes"] for one in found.as_json()["memories"]] == list(placement.used.values())


def test_every_section_is_where_the_macros_say_and_the_bytes_are_right(tmp_path: Path) -> None:
    found = made(RAM, FLASH, OUTSIDE)
    for name, text in found.files.items():
        (tmp_path / name).write_text(text)
    macros = re.findall(r"#ifndef (NET_\w*IN_\w+)", found.files["net.h"])
    assert macros == ["NET_IN_RAM", "NET_CONST_IN_RAM", "NET_CONST_IN_FLASH", "NET_CONST_IN_PSRAM"]
    sections = [f'-D{one}=__attribute__((section(".{one.lower()}")))' for one in macros]
    command = ["gcc", "-std=c99", "-O1", "-DEM_KEEP_OPTIMISATION", "-DNET_TEST_MAIN", *WARNINGS]
    subprocess.run([*command, *SANITIZERS, "net.c", "net_test.c", "-o", "plain", "-lm"], cwd=tmp_path, check=True)
    subprocess.run([*command, *sections, "net.c", "net_test.c", "-o", "placed", "-lm"], cwd=tmp_path, check=True)
    for program in ("plain", "placed"):
        subprocess.run([tmp_path / program], check=True, capture_output=True)
    table = subprocess.run(["size", "-A", "placed"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    sizes = {name: int(size) for name, size in re.findall(r"^\.(net_\S+)\s+(\d+)", table, re.MULTILINE)}
    used = {"ram": found.plan.size, "flash": 0, "psram": 0}
    assert found.placement is not None
    constants = {name: bytes_ - used[name] for name, bytes_ in found.placement.used.items()}
    assert sizes["net_in_ram"] == found.plan.size
    for name, count in constants.items():
        assert sizes[f"net_const_in_{name}"] > 0
        assert abs(sizes[f"net_const_in_{name}"] - count) <= 64  # a host's compiler aligns long arrays to 32 bytes


def test_bands_where_the_arena_is_too_large_for_the_fast_memory() -> None:
    whole = generate(MODEL, CodegenSettings(name="net")).plan.size
    found = made(Memory("ram", 2 * whole // 3), Memory("flash", 100_000), OUTSIDE)
    assert found.program.bands is not None
    assert found.placement is not None
    assert found.placement.arena == "ram"
    assert made(Memory("ram", 64), Memory("flash", 100_000), OUTSIDE).program.bands is None


@pytest.mark.parametrize(
    "memories",
    [(Memory("ram", 100), Memory("flash", 100_000)), (RAM, FLASH), (FLASH, Memory("ram", 9000), Memory("ospi", 8))],
    ids=["arena", "constants", "constants, another order"],
)
def test_a_refusal_says_what_is_enough(memories: tuple[Memory, ...]) -> None:
    with pytest.raises(ModelError, match=r"no room for .*: \w+ is [\d,]+ bytes short") as refused:
        made(*memories)
    name, size = re.findall(r"give (\w+)=(\d+)", str(refused.value))[0]
    made(*(Memory(name, int(size)) if one.name == name else one for one in memories))
    with pytest.raises(ModelError):
        made(*(Memory(name, int(size) - 1) if one.name == name else one for one in memories))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ram=1", "needed are flash=BYTES"), ("flash=1", "at least one memory that can be written"),
        ("flash=1,ram=0", "'ram=0', needed is NAME=BYTES"), ("flash=1,RAM=4", "'RAM=4'"), ("", "needed is NAME=BYTES"),
        ("flash=1,ram=1,ram=2", "names 'ram' twice"), ("flash=1,ram=99999999999", "1 to 4294967296 bytes"),
    ],
)  # fmt: skip
def test_memories_that_cannot_be_read(text: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        parsed_memories(text)


def test_what_excludes_memories() -> None:
    for settings in (
        CodegenSettings(memories=(RAM, FLASH), ram=100), CodegenSettings(memories=(RAM, FLASH), target=ANY),
        CodegenSettings(memories=(RAM, FLASH), with_dump=True),
    ):  # fmt: skip
        with pytest.raises(EdgeMnistError, match=r"leave|name the core"):
            generate(MODEL, settings)
