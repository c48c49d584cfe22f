"""`codegen --single-file`: one NAME.c and one NAME.h, which compile by themselves and give the same bytes."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from edgemnist.compiler.generate import CodegenSettings, generate
from edgemnist.compiler.host import HOUSE_FLAGS, compile_files
from edgemnist.compiler.targets import ANY
from edgemnist.csource.source import COLUMNS
from edgemnist.tflite.file import parse_tflite
from tests.compiler.random_graphs import random_network
from tests.compiler.test_emit import small_model, wide_model

NETS = {"small": small_model(), "wide": wide_model(), "random": random_network(12, 16).content}
LABELS = ("nought", "one", "two", "three")

PRINTS = """#include <stdio.h>

#include "net.h"

int main(void)
{
  static int8_t input[NET_INPUT_SIZE], output[NET_OUTPUT_SIZE];
  uint32_t state = 7;
  for (int run = 0; run < 20; ++run) {
    for (int i = 0; i < NET_INPUT_SIZE; ++i) {
      state = state * 1664525u + 1013904223u;
      input[i] = (int8_t)(uint8_t)(state >> 24);
    }
    net_run(input, output);
    for (int i = 0; i < NET_OUTPUT_SIZE; ++i) printf("%d ", output[i]);
  }
  return net_self_test();
}
"""

QUICK = ("-O0", "-DEM_KEEP_OPTIMISATION=1")
"""What is compiled is run for a moment only."""

TWO = """#include "first.h"
#include "second.h"

int main(void)
{
  return first_self_test() + 16 * second_self_test();
}
"""


def files_of(net: str, *, name: str = "net", single: bool = True, **settings: object) -> dict[str, str]:
    code = CodegenSettings(name=name, single_file=single, **settings)  # type: ignore[arg-type]
    files = generate(parse_tflite(NETS[net]), code).files
    return {file: text for file, text in files.items() if not file.endswith(".txt")}


def ran(files: Mapping[str, str], folder: Path, *flags: str) -> str:
    folder.mkdir()
    program = compile_files(files, folder, "program", [*HOUSE_FLAGS, *QUICK, *flags])
    return subprocess.run([program], check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize(
    ("net", "target"),
    [("wide", ANY), ("random", ANY), ("wide", "cortex-m55"), ("random", "cortex-m0plus"), ("small", "portable")],
)
def test_two_files_that_give_the_bytes_of_the_other_form(net: str, target: str, tmp_path: Path) -> None:
    one, many = (files_of(net, single=single, target=target) for single in (True, False))

    assert sorted(one) == ["net.c", "net.h"]
    assert re.findall(r'#include "(.*?)"', one["net.c"]) == ["net.h"]
    assert max(map(len, one["net.c"].split("\n"))) <= COLUMNS
    outputs = [
        ran({**files, "main.c": PRINTS}, tmp_path / f"{len(files)}_files", "-DNET_SELF_TEST") for files in (one, many)
    ]
    assert outputs[0] == outputs[1] != ""
    assert re.findall(r"crc == 0x\w+", one["net.c"]) == re.findall(r"crc == 0x\w+", many["net_test.c"])


def test_its_self_test_can_fail(tmp_path: Path) -> None:
    files = files_of("small")
    files["net.c"] = files["net.c"].replace("crc == 0x", "crc != 0x")
    with pytest.raises(subprocess.CalledProcessError):
        ran(files, tmp_path / "wrong", "-DNET_TEST_MAIN")


def test_two_in_one_program(tmp_path: Path) -> None:
    """Also for different cores, and the self-test of either is there only where it is asked for."""
    files = {**files_of("small", name="first", target="cortex-m4"), **files_of("wide", name="second"), "main.c": TWO}

    assert ran(files, tmp_path / "both", "-DFIRST_SELF_TEST", "-DSECOND_SELF_TEST") == ""
    (tmp_path / "without").mkdir()
    objects = compile_files({"first.c": files["first.c"], "first.h": files["first.h"]}, tmp_path / "without",
                            "first.o", ["-c"])  # fmt: skip
    names = subprocess.run(["nm", "-g", "--defined-only", objects], check=True, capture_output=True, text=True).stdout
    assert sorted(line.split()[-1] for line in names.splitlines()) == ["first_run", "first_run_in"]


def test_the_header_has_all_that_a_caller_uses(tmp_path: Path) -> None:
    files = files_of("small", labels=LABELS, with_dump=True)

    for used in ("class_of", "labels", "quantise", "dequantise", "self_test", "run_in", "dump"):
        assert re.search(rf"\bnet_{used}\b", files["net.h"]), used
    assert ran(files, tmp_path / "dump", "-DNET_TEST_MAIN") == ""


@pytest.mark.parametrize("cpu", ["cortex-m0plus", "cortex-m55"])
def test_compiles_for_cores_that_the_compiler_tells(cpu: str, tmp_path: Path) -> None:
    """Its section of code is as large as that of the other form: the same kernels were chosen."""
    sizes = []
    for single in (True, False):
        files = files_of("wide", single=single, target=ANY)
        for file, text in files.items():
            (tmp_path / file).write_text(text)
        command = ["arm-none-eabi-gcc", f"-mcpu={cpu}", "-mthumb", "-O2", *HOUSE_FLAGS, "-c", "net.c", "-o", "net.o"]
        subprocess.run(command, cwd=tmp_path, check=True)
        done = subprocess.run(["arm-none-eabi-size", "net.o"], cwd=tmp_path, check=True, capture_output=True, text=True)
        sizes.append(done.stdout.splitlines()[1].split()[:3])
    assert sizes[0] == sizes[1]
