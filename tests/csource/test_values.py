"""C between real numbers and integers equals what Python does, for every integer and any float."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np

from edgemnist.csource.outputs import class_function
from edgemnist.csource.source import float_constant
from edgemnist.csource.values import dequantise_function, quantise_function
from edgemnist.tflite.file import TensorInfo
from edgemnist.tflite.pixels import dequantise, quantise
from edgemnist.tflite.preprocessing import OutputKind
from tests.csource.files import tensor
from tests.csource.test_pictures import WARNINGS

KINDS = [
    ("int8", 0.00392156886, -128), ("int8", 0.1, 127), ("int8", 1e-30, 3), ("uint8", 0.5, 128), ("uint8", 7e20, 0),
    ("int16", 0.000030518, 0), ("int16", 2.0, 0),
]  # fmt: skip


def ends() -> list[TensorInfo]:
    return [tensor(0, (1, 4), dtype, scale=scale, zero_point=zero) for dtype, scale, zero in KINDS]


def floats() -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Return any bits, and for each tensor the numbers between two integers, and their neighbours."""
    draw = np.random.default_rng(0)
    values = [draw.integers(0, 2**32, 20_000, np.uint32).view(np.float32)]
    for _, scale, _ in KINDS:
        halves = ((draw.integers(-70_000, 70_000, 2_000) + np.float32(0.5)) * np.float32(scale)).astype(np.float32)
        values += [halves, np.nextafter(halves, np.float32(np.inf)), np.nextafter(halves, np.float32(-np.inf))]
    return np.concatenate([*values, np.array([0.0, -0.0, np.nan, np.inf, -np.inf], np.float32)])


def ran(folder: Path, compiler: str, text: str, given: bytes) -> bytes:
    (folder / "program.c").write_text(f"#include <stdint.h>\n#include <stdio.h>\n{text}")
    language = ["-std=c99"] if compiler == "gcc" else ["-x", "c++"]
    command = [compiler, *language, *WARNINGS, "-fsanitize=undefined", "-fno-sanitize-recover=all", "program.c"]
    subprocess.run([*command, "-o", "program"], cwd=folder, check=True)
    return subprocess.run(["./program"], cwd=folder, input=given, capture_output=True, check=True).stdout


def macros(number: int, end: TensorInfo) -> str:
    assert end.quantisation is not None
    scale = float_constant(end.quantisation.scale)
    return f"#define M{number}_SCALE {scale}\n#define M{number}_ZERO_POINT ({end.quantisation.zero_point})\n"


def test_any_float_is_quantised_as_in_python(tmp_path: Path) -> None:
    text, calls = "", ""
    for number, end in enumerate(ends()):
        text += macros(number, end) + quantise_function(f"m{number}", f"M{number}", end)
        calls += (
            f"    const {end.dtype}_t q{number} = m{number}(x);\n    fwrite(&q{number}, sizeof q{number}, 1, stdout);\n"
        )
    text += f"int main(void)\n{{\n  float x;\n  while (fread(&x, 4, 1, stdin)) {{\n{calls}  }}\n  return 0;\n}}\n"
    given = floats()
    with np.errstate(all="ignore"):
        wanted = [quantise(np.nan_to_num(given, nan=-np.inf, posinf=np.inf, neginf=-np.inf), end) for end in ends()]

    for compiler in ("gcc", "clang++"):
        found = np.frombuffer(
            ran(tmp_path, compiler, text, given.tobytes()), [(f"q{n}", end.dtype) for n, end in enumerate(ends())]
        )
        for number, values in enumerate(wanted):
            np.testing.assert_array_equal(found[f"q{number}"], values, err_msg=str(KINDS[number]))


def test_every_integer_stands_for_the_number_that_python_says(tmp_path: Path) -> None:
    text, loops, expected = "", "", b""
    for number, end in enumerate(ends()):
        limits = np.iinfo(end.dtype)
        text += macros(number, end) + dequantise_function(f"m{number}", f"M{number}", end)
        loops += (
            f"  for (long q = {limits.min}L; q <= {limits.max}L; ++q) {{\n"
            f"    const float x = m{number}(({end.dtype}_t)q);\n    fwrite(&x, 4, 1, stdout);\n  }}\n"
        )
        expected += dequantise(np.arange(limits.min, limits.max + 1), end.quantisation).tobytes()

    assert ran(tmp_path, "gcc", f"{text}int main(void)\n{{\n{loops}  return 0;\n}}\n", b"") == expected


def test_the_class_is_the_first_of_the_highest(tmp_path: Path) -> None:
    text = class_function("m", tensor(0, (1, 4), "int8"), OutputKind.PROBABILITIES, ())
    cases = [(1, 5, 5, 0), (-128, -128, -128, -128), (0, -1, 3, 127)]
    calls = "".join(
        f"  {{ const int8_t o[4] = {{{', '.join(map(str, one))}}}; putchar('0' + m_class_of(o)); }}\n" for one in cases
    )

    assert ran(tmp_path, "gcc", f"{text}int main(void)\n{{\n{calls}  return 0;\n}}\n", b"") == b"103"


def test_other_tensors_have_none() -> None:
    assert quantise_function("f", "F", tensor(0, (1, 4), "float32", scale=None)) == ""
    assert dequantise_function("f", "F", tensor(0, (1, 4), "int32", scale=None)) == ""
    assert class_function("f", tensor(0, (1, 4, 4, 2), "int8"), OutputKind.UNKNOWN, ()) == ""
