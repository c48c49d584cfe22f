"""The generated text: deterministic, in every dialect of C that it promises, and calling nothing that it must not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import FrameType

import numpy as np
import pytest

from edgemnist.compiler.emit import EmitSettings, constants_text, emit, kernel_files, kernels_folder
from edgemnist.compiler.generate import CodegenSettings, generate
from edgemnist.compiler.host_cpu import BODIES as HOST_BODIES
from edgemnist.compiler.lowering import Program
from edgemnist.compiler.memory import plan
from edgemnist.compiler.ops.fields import CArray
from edgemnist.compiler.targets import TARGETS
from edgemnist.tflite.file import TfliteModel, parse_tflite
from tests.compiler.bench import SMALL, WARNINGS, Variant, build_program
from tests.compiler.layers import Arithmetic, Layers, Window
from tests.compiler.random_graphs import random_network
from tests.compiler.weighted_cases import Case

GOLDEN = Path(__file__).parent.parent / "golden" / "compiler"


def small_model() -> bytes:
    """Return a model with every kind of generated text: fused pool, residual, grouped shapes, dense layer, softmax."""
    layers = Layers.seeded(42)
    image = layers.input((1, 8, 7, 1), 1 / 255, -128)
    features = layers.pool("MAX_POOL_2D", layers.conv(image, 3), Window((2, 2), (2, 2), padding=1))
    separable = layers.conv(layers.depthwise(features), 3, Window((1, 1)), Arithmetic(activation=1))
    summed = layers.add(separable, features)
    logits = layers.dense(layers.reshape(summed, (1, 36)), 4)
    return layers.finish(layers.op("SOFTMAX", [logits], (1, 4), 1 / 256, -128, beta=1.0))


def wide_model() -> bytes:
    """Return a model with more channels than vectors have lanes, and with fewer."""
    layers = Layers.seeded(7)
    value = layers.conv(layers.input((1, 9, 8, 3), 1 / 255, -128), 21)
    value = layers.depthwise(layers.conv(value, 8, Window((1, 1))))
    value = layers.depthwise(layers.conv(value, 33, Window((1, 1))), window=Window((3, 3), (2, 2)))
    return layers.finish(layers.dense(layers.reshape(value, (1, 5 * 4 * 33)), 6))


def generated(program: Program, name: str = "tiny", labels: tuple[str, ...] = ()) -> dict[str, str]:
    return emit(program, plan(program), EmitSettings(name=name, command="edgemnist codegen tiny.tflite", labels=labels))


def test_golden_files_are_reproduced() -> None:
    """Set EDGEMNIST_UPDATE_GOLDEN=1 to rewrite them after an intended change."""
    files = generated(build_program(small_model(), Variant()), labels=("nought", 'a "quote"', "naïve", "??/"))

    for name in ("tiny.h", "tiny.c"):
        if os.environ.get("EDGEMNIST_UPDATE_GOLDEN"):
            (GOLDEN / name).write_text(files[name])
        assert (GOLDEN / name).read_text() == files[name], f"{name} changed"


def dense_model(features: int) -> bytes:
    layers = Layers.seeded(3)
    return layers.finish(layers.dense(layers.input((1, features), 1 / 255, -128), 64))


def calls_to_generate(model: TfliteModel) -> int:
    """Return how many functions of Python are called, or generators resumed, to generate C."""
    count = 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(note)
    try:
        generate(model, CodegenSettings(target="cortex-m3"))
    finally:
        sys.setprofile(None)
    return count


def test_no_work_for_each_weight() -> None:
    """A network has millions of them, times as many targets."""
    few, many = parse_tflite(dense_model(100)), parse_tflite(dense_model(4000))
    calls_to_generate(few)  # what is only done once is done

    assert calls_to_generate(many) < calls_to_generate(few) + 64 * 3900 / 10


def test_arrays_hold_what_they_should() -> None:
    every = np.arange(-128, 128).repeat(3)
    program = build_program(dense_model(4), Variant())
    kinds = [("int8_t", every), ("int16_t", every * 250), ("em_channel", np.stack([every * 9**7, every], axis=1))]
    arrays = tuple(CArray(ctype, ctype, values) for ctype, values in kinds)

    steps = (replace(program.steps[0], arrays=arrays),)
    text = constants_text(replace(program, steps=steps), EmitSettings(name="tiny", command=""), 0)

    assert max(map(len, text.splitlines())) <= 116
    for array, found in zip(arrays, re.findall(r"\[(\d+)\] = \{\n(.*?)\n\};", text, re.DOTALL), strict=True):
        assert int(found[0]) == len(array.values)
        assert [int(number) for number in re.findall(r"-?\d+", found[1])] == array.values.reshape(-1).tolist()


def test_a_constant_that_several_layers_have_is_stored_once() -> None:
    layers = Layers.seeded(3)
    value = layers.input((1, 6), 1 / 128, 0)
    for _ in range(3):
        value = layers.op("TANH", [value], (1, 6), 1 / 128, 0)
    program = build_program(layers.finish(value), Variant(fusions=()))
    tables = [step for step, one in enumerate(program.steps) for _ in one.arrays]

    text = generated(program)["tiny.c"]

    assert len(tables) == 3
    assert program.constant_bytes == 256
    assert len(re.findall(r"static const int8_t tiny_\w+\[256\]", text)) == 1
    assert re.findall(r"em_lookup\(&tiny_params_(\d), tiny_\w+_(\d),", text) == [
        (str(step), str(tables[0])) for step in tables
    ]


def test_another_process_writes_the_same_bytes() -> None:
    script = (
        "import hashlib\n"
        "from tests.compiler.test_emit import *\n"
        "for seed in range(4):\n"
        "    files = generated(build_program(random_network(seed).content, Variant()))\n"
        "    print(hashlib.sha256(repr(files).encode()).hexdigest())\n"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True,
            cwd=Path(__file__).parents[2], env={**os.environ, "PYTHONHASHSEED": hash_seed},
        ).stdout
        for hash_seed in ("1", "2")
    ]  # fmt: skip

    assert runs[0] == runs[1]
    assert len(set(runs[0].split())) == 4


DIALECTS = {
    "gcc C99": ("gcc", ("-std=c99",)),
    "gcc C17": ("gcc", ("-std=c17",)),
    "clang C99": ("clang", ("-std=c99",)),
    "g++ C++17": ("g++", ("-x", "c++", "-std=c++17")),
    "clang++ C++17": ("clang++", ("-x", "c++", "-std=c++17")),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with generated networks that use every kernel of the random graphs, and a list of them."""
    place = tmp_path_factory.mktemp("generated")
    contents = [small_model(), *(random_network(seed).content for seed in range(12))]
    for number, content in enumerate(contents):
        for name, text in generated(build_program(content, Variant()), f"net_{number}", ("a",)).items():
            (place / name).write_text(text)
    return place


@pytest.mark.parametrize("optimisation", [SMALL, "-Os", "-O2"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_compiler_warns(dialect: str, optimisation: str, folder: Path) -> None:
    compiler, flags = DIALECTS[dialect]
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    # Inlined they take far longer to compile: each dialect has others.
    first, every = {SMALL: (0, 1), "-Os": ([*DIALECTS].index(dialect), 4), "-O2": (0, 99)}[optimisation]
    sources = sorted(path.name for path in folder.glob("net_*.c"))[first::every]
    together = folder / f"{compiler}{optimisation[:3]}.c"
    together.write_text("".join(f'#include "{name}"\n' for name in sources))

    command = [compiler, *flags, *WARNINGS, *optimisation.split(), "-I.", "-S", "-o", os.devnull, together.name]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)

    assert run.returncode == 0, run.stderr[:3000]


BODIES = {(macro, header) for target in TARGETS.values() for macro, header in target.bodies.items()}
PARTS_OF_BODIES = {"em_dot_neon.h", "em_widen_dsp.h"}
"""What bodies include that they have to tell something first, or that has their names."""

KERNELS = sorted(
    {path.name for path in kernels_folder().glob("em_*.h")} - {header for _, header in BODIES} - PARTS_OF_BODIES
)


@pytest.mark.parametrize("header", KERNELS)
def test_every_kernel_header_stands_alone(header: str, tmp_path: Path) -> None:
    """With each body that it asks for; those that what it includes asks for have their turn there."""
    text = kernel_files([header])[header]
    bodies = [("EM_NO_BODY", header), *(one for one in sorted(BODIES) if f"#include {one[0]}\n" in text)]
    for name, text in kernel_files([header, *(body for _, body in bodies)]).items():
        (tmp_path / name).write_text(text)
    for macro, body in bodies:
        (tmp_path / "alone.c").write_text(f'#define {macro} "{body}"\n' + f'#include "{header}"\n' * 2 + "int used;\n")
        for vectors in [one.flags for one in HOST_BODIES if one.flags and "_avx2" in body] or [()]:
            # One body as C++ is enough: what differs between the languages is in what all include.
            for compiler, flags in (DIALECTS["gcc C99"], DIALECTS["clang++ C++17"])[: 2 if body == header else 1]:
                if shutil.which(compiler) is not None:
                    command = [compiler, *flags, *WARNINGS, *vectors, "-O1", "-I.", "-fsyntax-only", "alone.c"]
                    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
                    assert run.returncode == 0, run.stderr[:3000]


ALLOWED = {"memcpy", "memset", "memmove"}
"""The only functions that generated code may call, the freestanding minimum that compilers ask for anyway."""


def undefined_symbols(objects: Path) -> set[str]:
    text = subprocess.run(["nm", "-u", objects], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1] for line in text.splitlines() if line.strip()}


@pytest.mark.parametrize("optimisation", [SMALL, "-Os", "-O2"])
def test_nothing_is_called_but_memory_functions(optimisation: str, folder: Path) -> None:
    subprocess.run(
        ["gcc", "-std=c99", *optimisation.split(), "-I.", "-c", "net_0.c", "-o", "host.o"], cwd=folder, check=True
    )

    assert undefined_symbols(folder / "host.o") <= ALLOWED


STRING_H = "#include <stddef.h>\nvoid *memcpy(void *, const void *, size_t);\nvoid *memset(void *, int, size_t);\n"


@pytest.mark.parametrize(
    ("core", "helpers"),
    [
        ("thumbv7m", set()),
        ("thumbv7em", set()),
        ("thumbv8m.main", set()),
        (
            "thumbv6m",
            {"__aeabi_lmul", "__aeabi_idiv", "__aeabi_idivmod", "__aeabi_lasr", "__aeabi_llsl", "__aeabi_llsr"},
        ),
    ],
)
def test_cortex_m_needs_no_library_for_64_bits(core: str, helpers: set[str], folder: Path) -> None:
    """M3 and up: no call at all. M0+ multiplies and divides in software, but never divides 64 bits."""
    if shutil.which("clang") is None or shutil.which("llvm-nm") is None:
        pytest.skip("clang with its tools is not installed")
    (folder / "include").mkdir(exist_ok=True)
    (folder / "include" / "string.h").write_text(STRING_H)
    for name in ("net_0.c", "net_1.c", "net_2.c"):
        command = ["clang", f"--target={core}-none-eabi", "-ffreestanding", "-std=c99", *SMALL.split(), "-I."]
        command.append("-Iinclude")
        subprocess.run([*command, "-c", name, "-o", "core.o"], cwd=folder, check=True)
        text = subprocess.run(
            ["llvm-nm", "-u", "core.o"], cwd=folder, capture_output=True, text=True, check=True
        ).stdout

        called = {line.split()[-1] for line in text.splitlines() if line.strip()}
        memory = {name for name in called if re.fullmatch(r"(__aeabi_)?mem(cpy|set|move|clr)[48]?", name)}
        assert called - memory <= helpers, name


@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m3", "cortex-m4"])
def test_bodies_leave_clang_its_frame_pointer(core: str, tmp_path: Path) -> None:
    """Without the flag that omits it there is a register less for a body's instructions."""
    if shutil.which("clang") is None:
        pytest.skip("clang is not installed")
    (tmp_path / "string.h").write_text(STRING_H)
    case = Case("CONV_2D", (6, 7, 5), 9)
    for name, content in (("net", case.content()), ("dense", Case("FULLY_CONNECTED", (1, 1, 9), 9).content())):
        for file, text in generated(build_program(content, Variant(target=core)), name, ("a",)).items():
            (tmp_path / file).write_text(text)
        command = ["clang", "--target=arm-none-eabi", f"-mcpu={core}", "-ffreestanding", "-std=c99", *WARNINGS, "-I."]
        flags = ["-O2", "-fno-omit-frame-pointer", "-c", f"{name}.c", "-o", "core.o"]
        run = subprocess.run([*command, *flags], cwd=tmp_path, capture_output=True, text=True, check=False)

        assert run.returncode == 0, run.stderr[:3000]


def test_only_one_function_keeps_state(folder: Path) -> None:
    """NAME_run has its own arena; NAME_run_in, for callers with threads, has none."""
    subprocess.run(
        ["gcc", "-std=c99", *SMALL.split(), "-fno-pic", "-I.", "-c", "net_0.c", "-o", "state.o"], cwd=folder, check=True
    )
    symbols = subprocess.run(["nm", "state.o"], cwd=folder, capture_output=True, text=True, check=True).stdout

    writable = [line.split()[-1] for line in symbols.splitlines() if line.split()[-2] in "bBdDC"]
    assert [re.sub(r"\.\d+$", "", name) for name in writable] == ["arena"]


def constants_of(header: str) -> dict[str, str]:
    """Return a header's macros with values."""
    return dict(re.findall(r"#define (\w+) (\S+)", header))


@pytest.mark.parametrize("seed", range(3))
def test_header_constants_are_the_models(seed: int) -> None:
    program = build_program(random_network(seed).content, Variant())
    layout, graph = plan(program), program.graph
    entry, result = graph.tensors[graph.input], graph.tensors[graph.output]

    found = constants_of(generated(program)["tiny.h"])

    assert int(found["TINY_ARENA_SIZE"]) == layout.size
    assert int(found["TINY_STEPS"]) == len(program.steps)
    for prefix, tensor in (("TINY_INPUT", entry), ("TINY_OUTPUT", result)):
        assert tensor.quantisation is not None
        assert int(found[f"{prefix}_SIZE"]) == int(np.prod(tensor.shape))
        assert int(found[f"{prefix}_OFFSET"]) == layout.tensor_offset(graph.root(tensor.index))
        assert int(found[f"{prefix}_ZERO_POINT"].strip("()")) == tensor.quantisation.zero_point
        assert np.float32(found[f"{prefix}_SCALE"].rstrip("f")) == np.float32(tensor.quantisation.scale)
    assert [int(found[f"TINY_INPUT_{axis}"]) for axis in ("HEIGHT", "WIDTH", "CHANNELS")] == list(entry.shape[1:])
    assert int(found["TINY_OUTPUT_CHANNELS"]) == result.shape[-1]


def test_labels_and_command_cannot_break_out_of_the_text(tmp_path: Path) -> None:
    program = build_program(small_model(), Variant())
    labels = ('"', "\\", "??/", "*/")
    files = emit(program, plan(program), EmitSettings(name="tiny", command="evil */ int x; /*\n#error", labels=labels))
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    prints = "int main(void) { for (int i = 0; i < 4; ++i) puts(tiny_labels[i]); return 0; }\n"
    (tmp_path / "main.c").write_text(f'#include "tiny.h"\n#include <stdio.h>\n{prints}')

    subprocess.run(["gcc", "-std=c99", *WARNINGS, "-O1", "main.c", "tiny.c", "-o", "main"], cwd=tmp_path, check=True)
    printed = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True).stdout

    assert tuple(printed.splitlines()) == labels
