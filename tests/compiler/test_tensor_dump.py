"""C that prints its tensors: compiled here, read back, and every tensor equal to TFLM's."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgemnist.compiler.emit import kernel_files
from edgemnist.compiler.generate import CodegenSettings, generate
from edgemnist.compiler.host import HOUSE_FLAGS, compile_files, host_compiler
from edgemnist.compiler.tensor_dump import HEADER
from edgemnist.csource.pixels import C_TYPES
from edgemnist.mismatch.dump import read_dump
from edgemnist.runner import RuntimeWorker
from edgemnist.support.errors import UnsupportedModelError
from edgemnist.tflite.file import TfliteModel, parse_tflite
from edgemnist.tflite.kinds import operator_outputs
from tests.compiler.random_graphs import random_network
from tests.compiler.test_claims import many_kinds
from tests.compiler.test_emit import small_model
from tests.compiler.test_operators_batches import TABLE as SPLIT_UP
from tests.compiler.test_operators_elements import float_model
from tests.oracles import needs

pytestmark = needs("tflm")

MAIN = """
#include <stdio.h>
#include "net.h"
static {entry} input[NET_INPUT_SIZE];
static {result} output[NET_OUTPUT_SIZE];
static void put(const char *text) {{ fputs(text, stdout); }}
int main(void)
{{
  for (uint32_t image = 0; fread(input, sizeof input, 1, stdin) == 1; ++image) {{
    net_run(input, output); /* prints nothing */
    net_dump(input, output, image, put);
  }}
  return 0;
}}
"""


def printed(model: TfliteModel, images: NDArray[np.generic], folder: Path, target: str = "portable") -> Path:
    """Generate, compile and run a model's C on images, and return the file of what it printed."""
    files = generate(model, CodegenSettings(name="net", target=target, with_dump=True)).files
    types = {"entry": C_TYPES[model.input().dtype], "result": C_TYPES[model.output().dtype]}
    sources = {**files, "main.c": MAIN.format(**types)}
    program = compile_files(sources, folder, "net", [*HOUSE_FLAGS, "-O1", "-fsanitize=address,undefined"])
    done = subprocess.run([program], input=images.tobytes(), capture_output=True, check=True)
    assert done.stderr == b""
    (folder / "dump.txt").write_bytes(done.stdout)
    return folder / "dump.txt"


MODELS: dict[str, Callable[[], bytes]] = {
    "floats": lambda: float_model(0.05, 3),
    "several outputs of an operator, views": many_kinds,
    "views of the input": lambda: random_network(2).content,
}


@pytest.mark.parametrize("name", MODELS)
def test_every_tensor_is_tflms(name: str, tmp_path: Path, tflm: RuntimeWorker) -> None:
    model = parse_tflite(MODELS[name]())
    entry = model.input()
    values = np.random.default_rng(2).integers(-128, 128, (2, *entry.shape))
    images = values.astype(entry.dtype)
    truth = tflm.trace(model.content, [images])
    source = read_dump(printed(model, images, tmp_path), model)
    assert source.notes == ()
    assert source.images == (0, 1)
    assert set(source.tensors) == {entry.index, *operator_outputs(model)}
    np.testing.assert_array_equal(source.tensors[entry.index], images)
    for index, expected in truth.items():
        np.testing.assert_array_equal(source.tensors[index], expected)


def test_for_any_core_it_is_the_same_text(tmp_path: Path) -> None:
    """The dispatching C includes it once; this machine's core has kernels of its own."""
    model = parse_tflite(small_model())
    images = np.random.default_rng(2).integers(-128, 128, (1, *model.input().shape), np.int8)
    (tmp_path / "any").mkdir()
    assert printed(model, images, tmp_path, "any").read_text() == printed(model, images, tmp_path / "any").read_text()


def test_a_net_with_tensors_of_the_compiler_is_not_printed() -> None:
    with pytest.raises(UnsupportedModelError, match="operator 0 ADD writes a tensor in the C that is not the file's"):
        generate(parse_tflite(SPLIT_UP["add two"]), CodegenSettings(name="net", with_dump=True))


def test_nothing_is_said_of_it_where_it_is_not_asked_for() -> None:
    files = generate(parse_tflite(small_model()), CodegenSettings(name="net")).files
    assert not any("dump" in name or "net_dump" in text for name, text in files.items())
    files = generate(parse_tflite(small_model()), CodegenSettings(name="net", with_dump=True)).files
    assert "--with-dump" in files["net.h"]
    assert "--no-fuse" not in files["net.h"]


@pytest.mark.parametrize("compiler", ["gcc -std=c99", "clang -std=c99", "g++ -std=c++11", "clang++ -std=c++11"])
def test_the_header_is_c_and_cxx(tmp_path: Path, compiler: str) -> None:
    command, standard = compiler.split()
    if shutil.which(command) is None:
        pytest.skip(f"{command} is not installed")
    (tmp_path / HEADER).write_text(kernel_files([HEADER])[HEADER])
    name = "use.cc" if "++" in command else "use.c"
    (tmp_path / name).write_text(
        f'#include "{HEADER}"\nvoid use(em_dump_put *put);\nvoid use(em_dump_put *put)\n{{\n'
        '  em_dump_header(put, "00");\n  em_dump_tensor(put, 4294967295u, 4294967295u, "float32", "text", 4);\n'
        "  em_dump_same(put, 0, 1, 2);\n  em_dump_end(put, 0, 1);\n}\n"
    )
    flags = [standard, *(flag for flag in HOUSE_FLAGS if not flag.startswith("-std"))]
    subprocess.run([command, *flags, "-c", name], cwd=tmp_path, check=True)


def test_the_function_in_the_documentation_prints_a_dump(tmp_path: Path) -> None:
    """Copied from there, compiled, and its lines read back."""
    page = (Path(__file__).parents[2] / "docs" / "dump-format.md").read_text(encoding="utf-8")
    function = re.search(r"^    static void dump\(.*?^    \}$", page, re.MULTILINE | re.DOTALL)
    assert function is not None
    model = parse_tflite(small_model())
    index = model.operators[0].outputs[0]
    values = np.random.default_rng(1).integers(-128, 128, model.tensors[index].shape, np.int8)
    data = ", ".join(map(str, values.reshape(-1).tolist()))
    main = f"int main(void)\n{{\n  static const signed char data[] = {{{data}}};\n"
    (tmp_path / "main.c").write_text(
        f'#include <stdio.h>\n{function[0]}\n{main}  dump(0, {index}, "int8", data, sizeof data);\n  return 0;\n}}\n'
    )
    subprocess.run([host_compiler(), "main.c", "-o", "main"], cwd=tmp_path, check=True)
    path = tmp_path / "dump.txt"
    path.write_bytes(subprocess.run([tmp_path / "main"], capture_output=True, check=True).stdout)
    source = read_dump(path, model)
    assert (source.images, list(source.tensors)) == ((0,), [index])
    np.testing.assert_array_equal(source.tensors[index][0], values)
