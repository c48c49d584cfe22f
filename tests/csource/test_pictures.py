"""C that fills an input from a picture, and tells two classes by one output, equals what Python does."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgemnist.csource import array as carray
from edgemnist.csource.outputs import class_limit, known_output, second_class
from edgemnist.csource.pixels import pixel_code
from edgemnist.support.errors import ModelError
from edgemnist.tflite.file import OperatorInfo, Quantisation, TensorInfo, TfliteModel
from edgemnist.tflite.normalisation import Normalisation
from edgemnist.tflite.pixels import dequantise, model_input
from edgemnist.tflite.preprocessing import OutputKind, Preprocessing
from tests.csource.files import model, tensor
from tests.preprocessings import HEIGHT, IMAGENET, NAMES, SCALES, WIDTH, all_preprocessings, input_of

WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-pedantic", "-Werror"]
NORMALISATIONS = (Normalisation(), Normalisation(2 / 255, -1.0), IMAGENET)
CASES = [(dtype, known) for dtype in SCALES for known in all_preprocessings(NORMALISATIONS)]


def call_of(name: str, dtype: str, header: str) -> str:
    """Return statements that fill ``input`` from ``picture`` as a user would: the whole at once, else byte by byte."""
    verb = "normalise" if dtype == "float32" else "quantise"
    if f"{name}_{verb}_image(" in header:
        return f"{name}_{verb}_image(picture, input);"
    return f"for (int i = 0; i < {name.upper()}_INPUT_ELEMENTS; ++i) input[i] = {name}_{verb}_pixel(picture[i]);"


def run_c(folder: Path, files: Mapping[str, str], program: str, compiler: str) -> bytes:
    """Compile C files as one unit, strictly, and return what the program writes."""
    for name, text in files.items():
        (folder / name).write_text(text)
    includes = "".join(f'#include "{name}"\n' for name in files if name.endswith(".c"))
    (folder / "program.c").write_text("#include <stdio.h>\n" + includes + program)
    language = ["-std=c99"] if compiler == "gcc" else ["-x", "c++", "-std=c++11"]
    command = [compiler, *language, *WARNINGS, "program.c", "-o", "program"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:3000]
    return subprocess.run(["./program"], cwd=folder, capture_output=True, check=True).stdout


@pytest.mark.parametrize("compiler", ["gcc", "clang++"])
def test_every_input_is_filled_as_python_fills_it(tmp_path: Path, compiler: str) -> None:
    files: dict[str, str] = {}
    calls, expected = [], []
    for number, (dtype, known) in enumerate(CASES):
        entry, name = input_of(known, dtype), f"m{number}"
        made = carray.generate(model([entry], [tensor(1, (1, 2))]), name=name, preprocessing=known, stem=name)
        files |= made
        picture = np.random.default_rng(0).integers(0, 256, (1, HEIGHT, WIDTH, known.channels), np.uint8)
        expected.append(model_input(picture, entry, known).tobytes())
        values = ", ".join(map(str, picture.ravel()))
        calls.append(
            f"static void run_{name}(void)\n{{\n  static const uint8_t picture[] = {{{values}}};\n"
            f"  static {name}_input_t input[{name.upper()}_INPUT_ELEMENTS];\n"
            f"  {call_of(name, dtype, made[f'{name}.h'])}\n  fwrite(input, sizeof input, 1, stdout);\n}}\n"
        )
    main = "int main(void)\n{\n" + "".join(f"  run_m{number}();\n" for number in range(len(CASES))) + "  return 0;\n}\n"

    written = run_c(tmp_path, files, "".join(calls) + main, compiler)

    assert len(CASES) == 4 * (4 * 2 * 2 + 2 * 8 * 3)
    position = 0
    for case, wanted in zip(CASES, expected, strict=True):
        assert written[position : position + len(wanted)] == wanted, case
        position += len(wanted)
    assert position == len(written)


@pytest.mark.parametrize("name", ["image", "input", "row", "column", "channel", "pixel", "output"])
def test_any_name_leaves_the_arguments_their_own(tmp_path: Path, name: str) -> None:
    known = replace(next(all_preprocessings()), image_shape=(3, 5, 3), bgr=True, normalisation=IMAGENET)
    known = replace(known, class_names=NAMES, output=OutputKind.ONE_SCORE)
    made = carray.generate(model([input_of(known, "int8")], [tensor(1, (1, 1))]), name=name, preprocessing=known)

    run_c(tmp_path, made, "int main(void) { return 0; }\n", "gcc")


# --- the texts -------------------------------------------------------------------------------------------------------


def summary(known: Preprocessing | None, entry: TensorInfo) -> str:
    return pixel_code("m", model([entry], [tensor(1, (1, 10))]), known).summary


def test_a_plain_input_is_described_as_it_always_was() -> None:
    entry = tensor(0, (1, 3, 5, 3))
    plain = Preprocessing((3, 5, 3), output=OutputKind.SCORES)
    assert summary(plain, entry) == "0..255 stands for 0..1; q = pixel - 128"
    assert summary(None, entry) == "0..255 stands for 0..1; q = pixel - 128"


def test_what_is_not_plain_is_said_whole() -> None:
    known = Preprocessing((3, 5, 3), bgr=True, layout="nchw", fit="stretch", output=OutputKind.SCORES)
    words = "pixels 0..1, BGR, channels first, stretched to 3x5; q = pixel - 128; outputs: scores before softmax"
    assert summary(known, tensor(0, (1, 3, 3, 5))) == words
    inverted = "pixels 0..1, grey, inverted, padded to 3x5; q = 127 - pixel"
    assert summary(Preprocessing((3, 5, 1), inverted=True), tensor(0, (1, 3, 5, 1))) == inverted


def test_the_axes_of_an_input_with_channels_first_are_named_rightly() -> None:
    known = Preprocessing((3, 5, 3), layout="nchw")
    header = carray.generate(model([tensor(0, (1, 3, 3, 5))], [tensor(1, (1, 10))]), preprocessing=known)["model.h"]
    for macro, size in (("CHANNELS", 3), ("HEIGHT", 3), ("WIDTH", 5)):
        assert f"#define G_MODEL_INPUT_{macro} {size}\n" in header


def test_a_shape_that_nobody_recorded_is_the_tensors() -> None:
    known = Preprocessing((0, 0, 0), layout="nchw", transposed=True)
    code = pixel_code("m", model([tensor(0, (1, 3, 4, 7))], [tensor(1, (1, 10))]), known)
    assert "7 rows of 4 pixels, upright, 3 bytes each" in code.declaration
    assert code.summary.startswith("pixels 0..1, RGB, transposed, channels first, padded to 4x7")


def test_a_size_that_nobody_knows_is_not_said() -> None:
    known = Preprocessing((0, 0, 0), fit="stretch")
    assert summary(known, tensor(0, (1, 48))) == "pixels 0..1, RGB; q = pixel - 128"


def test_a_picture_of_another_size_than_the_input_is_refused() -> None:
    with pytest.raises(ModelError, match=r"pictures of shape \(3, 5, 3\) do not fit the input of shape \[1, 5, 5, 3\]"):
        summary(Preprocessing((3, 5, 3), bgr=True), tensor(0, (1, 5, 5, 3)))


def test_numbers_for_other_channels_than_the_models_are_refused() -> None:
    with pytest.raises(ModelError, match="has numbers for 3 channels, the model takes 1"):
        summary(Preprocessing((3, 5, 1), normalisation=IMAGENET), tensor(0, (1, 3, 5, 1)))


# --- the range where nobody recorded it ------------------------------------------------------------------------------


def behind_quantize(entry: TensorInfo, integers: TensorInfo) -> TfliteModel:
    quantize = OperatorInfo(0, "QUANTIZE", 1, (0,), (1,), {})
    made = model([entry], [integers])
    return replace(made, operators=(quantize,))


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (
            behind_quantize(tensor(0, (1, 4, 4, 3), "float32", scale=None), tensor(1, (1, 4, 4, 3), scale=1.0)),
            "0..255 stands for 0..255, derived: that of the QUANTIZE behind the float input, scale 1 and zero point "
            "-128 (int8) cover 0..255; x = pixel * 1.0f",
        ),
        (
            model([tensor(0, (1, 4, 4, 1), scale=0.025)], [tensor(1, (1, 10))]),
            "0..255 stands for 0..6.375, derived: the input's scale 0.025 and zero point -128 (int8) cover 0..6.375; "
            "q = pixel - 128",
        ),
        (model([tensor(0, (1, 4, 4, 1))], [tensor(1, (1, 10))]), "0..255 stands for 0..1; q = pixel - 128"),
        (model([tensor(0, (1, 16), scale=0.025)], [tensor(1, (1, 10))]), "no pixel quantiser"),
        (model([tensor(0, (1, 4, 4, 7), scale=0.025)], [tensor(1, (1, 10))]), "no pixel quantiser"),
        (model([tensor(0, (1, 4, 4, 1), "float32", scale=None)], [tensor(1, (1, 10))]), "no pixel quantiser"),
    ],
)  # fmt: skip
def test_a_range_is_derived_and_said_to_be(made: TfliteModel, words: str) -> None:
    assert pixel_code("m", made, None).summary.startswith(words)


# --- one output for two classes --------------------------------------------------------------------------------------

OUTPUTS = [
    (OutputKind.ONE_PROBABILITY, "int8", 1 / 256, -128),
    (OutputKind.ONE_PROBABILITY, "uint8", 1 / 256, 0),
    (OutputKind.ONE_PROBABILITY, "int16", 1 / 32768, 0),
    (OutputKind.ONE_PROBABILITY, "int8", 0.0039, -127),
    (OutputKind.ONE_PROBABILITY, "int8", 0.001, -128),
    (OutputKind.ONE_SCORE, "int8", 0.07, 13),
    (OutputKind.ONE_SCORE, "int8", 0.07, 127),
    (OutputKind.ONE_SCORE, "uint8", 0.07, 0),
    (OutputKind.ONE_SCORE, "int16", 0.0007, 0),
]


def test_one_output_tells_two_classes_as_its_real_value_does(tmp_path: Path) -> None:
    files: dict[str, str] = {}
    body, expected = "", b""
    for number, (kind, dtype, scale, zero_point) in enumerate(OUTPUTS):
        output, name = tensor(1, (1, 1), dtype, scale=scale, zero_point=zero_point), f"m{number}"
        known = Preprocessing((4, 4, 1), NAMES, output=kind)
        files |= carray.generate(model([tensor(0, (1, 4, 4, 1))], [output]), name=name, preprocessing=known, stem=name)
        limits = np.iinfo(dtype)
        codes = np.arange(limits.min, limits.max + 1)
        half = 0.5 if kind is OutputKind.ONE_PROBABILITY else 0.0
        expected += (dequantise(codes, Quantisation((scale,), (zero_point,))) > half).astype(np.uint8).tobytes()
        body += (
            f"  for (long q = {limits.min}L; q <= {limits.max}L; ++q) {{\n    const {name}_output_t one = "
            f"({name}_output_t)q;\n    putchar({name}_class_of(&one));\n  }}\n"
        )

    assert run_c(tmp_path, files, f"int main(void)\n{{\n{body}  return 0;\n}}\n", "gcc") == expected


def test_a_float_output_of_a_half_is_the_first_class() -> None:
    output = tensor(1, (1, 1), "float32", scale=None)
    assert class_limit(output, OutputKind.ONE_PROBABILITY) == 0.5
    assert second_class(output, OutputKind.ONE_SCORE, "x") == "x > 0.0f ? 1 : 0"


def test_the_header_says_which_class_an_output_is_for() -> None:
    known = Preprocessing((4, 4, 1), ("cat */", "dög"), output=OutputKind.ONE_PROBABILITY)
    output = tensor(1, (1, 1), scale=1 / 256)
    made = carray.generate(model([tensor(0, (1, 4, 4, 1))], [output]), preprocessing=known)
    said = "The output is the probability of class 1 (d.g): above 0.5, q > 0, it is that one, else 0 (cat * /)."
    assert said in " ".join(made["model.h"].replace(" * ", " ").split())
    assert "#define G_MODEL_CLASSES 2\n" in made["model.h"]
    with pytest.raises(ModelError, match="3 labels for a model with 2 class output"):
        three = replace(known, class_names=("a", "b", "c"))
        carray.generate(model([tensor(0, (1, 4, 4, 1))], [output]), preprocessing=three)


def test_an_output_is_what_the_file_tells_where_the_record_does_not_fit() -> None:
    logistic = replace(
        model([tensor(0, (1, 4, 4, 1))], [tensor(1, (1, 1), scale=1 / 256)]),
        operators=(OperatorInfo(0, "LOGISTIC", 1, (0,), (1,), {}),),
    )
    for recorded in (OutputKind.UNKNOWN, OutputKind.PROBABILITIES, OutputKind.ONE_PROBABILITY):
        known = Preprocessing((4, 4, 1), NAMES, output=recorded)
        assert known_output(logistic, known) is OutputKind.ONE_PROBABILITY
    assert known_output(logistic, None) is OutputKind.ONE_PROBABILITY
