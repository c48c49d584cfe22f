"""C for any core: the compiler's flags choose the program, which is the one that its target gets by itself."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from edgemnist.compiler.generate import CodegenSettings, generate
from edgemnist.compiler.host import HOUSE_FLAGS, compile_files
from edgemnist.compiler.targets import ANY, TARGETS
from edgemnist.mcu.cores import CORES
from edgemnist.mcu.toolchain import TOOLCHAINS
from edgemnist.support.errors import EnvironmentFailure
from edgemnist.tflite.file import parse_tflite
from tests.compiler.emulated import Machine, build
from tests.compiler.layers import random_images
from tests.compiler.test_emit import small_model, wide_model

CHOSEN = {
    "cortex-m0": "cortex-m0plus", "cortex-m0plus": "cortex-m0plus", "cortex-m3": "cortex-m3", "cortex-m4": "cortex-m4",
    "cortex-m7": "cortex-m4", "cortex-m33": "cortex-m4", "cortex-m55": "cortex-m55", "rv32imc": "rv32",
}  # fmt: skip
EMULATED = [core for core in CHOSEN if CORES[core].unicorn]


def sources(target: str, name: str = "m0") -> dict[str, str]:
    return dict(generate(parse_tflite(small_model()), CodegenSettings(name=name, target=target)).files)


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
@pytest.mark.parametrize("core", CHOSEN)
def test_flags_choose_the_cores_own_program(core: str, toolchain: str, tmp_path: Path) -> None:
    """A target whose program is the portable one has none of its own."""
    chain = TOOLCHAINS[toolchain]
    if chain.available(CORES[core]) is not None:
        pytest.skip(f"{toolchain} is not installed for {core}")
    files = sources(ANY)
    (tmp_path / "m0.h").write_text(files["m0.h"])
    command = [*chain.command(CORES[core]), "-ffreestanding", "-E", "-dM", "m0.h"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)

    wanted = CHOSEN[core].replace("-", "_")
    wanted = wanted if f"m0_{wanted}.inc" in files else "portable"
    assert [line for line in run.stdout.splitlines() if " M0_FOR_" in line] == [f"#define M0_FOR_{wanted.upper()} 1"]


@pytest.mark.parametrize("core", EMULATED)
def test_as_fast_as_code_for_the_core_alone(core: str) -> None:
    if TOOLCHAINS["gnu"].available(CORES[core]) is not None:
        pytest.skip("gnu is not installed")
    counts, model = {}, parse_tflite(small_model())
    image = random_images((1, 8, 7, 1), 1)[0]
    for target in (ANY, CHOSEN[core]):
        generated = generate(model, CodegenSettings(name="m0", target=target))
        of_core = [one for one in generated.variants if one.target == CHOSEN[core]]
        program, plan = (of_core[0].program, of_core[0].plan) if of_core else (generated.program, generated.plan)
        elf = build({**generated.files, "networks.c": '#include "m0.c"\n'}, CORES[core], "gnu", "-O2")
        counts[target] = Machine(elf, CORES[core]).instructions(0, program, plan, image)

    assert counts[ANY] == counts[CHOSEN[core]]


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_right_on_this_machine(compiler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    monkeypatch.setenv("CC", compiler)

    program = compile_files(sources(ANY), tmp_path, "self_test", ["-std=c99", "-O1", "-DM0_TEST_MAIN"])

    assert subprocess.run([program], check=False).returncode == 0


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_is_right_here_without_a_warning(target: str, tmp_path: Path) -> None:
    """The bodies in C take the place of instructions that this machine does not have."""
    files = dict(generate(parse_tflite(wide_model()), CodegenSettings(name="m0", target=target)).files)

    program = compile_files(files, tmp_path, "self_test", [*HOUSE_FLAGS, "-O2", "-DM0_TEST_MAIN"])

    assert subprocess.run([program], check=False).returncode == 0


TWO = """int first_self_test(void);
int second_self_test(void);
int main(void) { return first_self_test() + 16 * second_self_test(); }
"""


def test_networks_for_different_cores_in_one_program(tmp_path: Path) -> None:
    """Each is right with the bodies that it was made for, which run on any machine."""
    files = {**sources("cortex-m4", "first"), **sources("portable", "second"), "main.c": TWO}

    program = compile_files(files, tmp_path, "both", ["-std=c99", "-O1"])

    assert subprocess.run([program], check=False).returncode == 0


def test_networks_for_different_cores_in_one_file_are_refused(tmp_path: Path) -> None:
    files = {**sources("cortex-m4", "first"), **sources("portable", "second")}
    together = {name: text for name, text in files.items() if not name.endswith(".c")}
    together |= {"first.inc": files["first.c"], "second.inc": files["second.c"]}
    same = {**together, "both.c": '#include "first.inc"\n#include "first_2.inc"\n'}
    same |= {name.replace("first", "first_2"): text.replace("first", "first_2").replace("FIRST", "FIRST_2")
             for name, text in same.items() if name.startswith("first")}  # fmt: skip

    compile_files(same, tmp_path, "both.o", ["-std=c99", "-O1", "-c"])
    with pytest.raises(EnvironmentFailure, match="another core's network is before this one"):
        compile_files(
            {**together, "both.c": '#include "first.inc"\n#include "second.inc"\n'}, tmp_path, "both.o", ["-c"]
        )
