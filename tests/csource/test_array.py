"""The C array compiles everywhere, holds the file byte for byte, and quantises pixels as Python does."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgemnist.csource import array as carray
from edgemnist.csource.source import check_identifier, comment_text, float_constant, string_literal
from edgemnist.support.errors import InputError, ModelError
from edgemnist.tflite import pixels
from edgemnist.tflite.file import TfliteModel, parse_tflite, read_tflite
from edgemnist.tflite.normalisation import Normalisation
from edgemnist.tflite.preprocessing import Preprocessing
from tests.csource.files import GOLDEN, TINY_MODEL, classes, model, tensor

WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-pedantic", "-Werror"]
C_COMPILERS = ["gcc", "clang"]
CPP_COMPILERS = ["g++", "clang++"]
COMPILERS = [
    *((compiler, "c", standard) for compiler in C_COMPILERS for standard in ("c99", "c11")),
    *((compiler, "c++", standard) for compiler in CPP_COMPILERS for standard in ("c++11", "c++17")),
]

PROGRAM = r"""
#include <stdio.h>
#include "HEADER"

int main(int argc, char **argv)
{
    int pixel;
    unsigned long aligned = (unsigned long)(uintptr_t)ARRAY % 16UL;
    FILE *file = argc > 1 ? fopen(argv[1], "wb") : NULL;
    if (file == NULL || fwrite(ARRAY, 1, (size_t)LENGTH, file) != (size_t)LENGTH || fclose(file) != 0) {
        return 1;
    }
    printf("%lu\n", aligned);
    for (pixel = 0; pixel < 256; ++pixel) {
        printf("%.9g\n", (double)PREFIX_quantise_pixel((uint8_t)pixel));
    }
    return 0;
}
"""


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).write_text(text)


def compile_and_run(
    folder: Path, compiler: tuple[str, str, str], program: str, source: str, arguments: list[str]
) -> list[str]:
    command, language, standard = compiler
    if shutil.which(command) is None:
        pytest.skip(f"{command} is not installed")
    (folder / "program.c").write_text(program)
    subprocess.run(
        [command, "-x", language, f"-std={standard}", *WARNINGS, "program.c", source, "-o", "program"],
        cwd=folder,
        check=True,
    )
    return subprocess.run(
        ["./program", *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.split("\n")


def program_for(files: dict[str, str], *, prefix: str, array: str, length: str, verb: str = "quantise") -> str:
    header = next(name for name in files if name.endswith(".h"))
    text = PROGRAM.replace("HEADER", header).replace("ARRAY", array).replace("LENGTH", length)
    return text.replace("PREFIX", prefix).replace("_quantise_", f"_{verb}_")


@pytest.mark.parametrize("compiler", COMPILERS, ids="-".join)
def test_array_is_the_file_aligned_and_quantises_like_python(tmp_path: Path, compiler: tuple[str, str, str]) -> None:
    tiny = read_tflite(TINY_MODEL)
    files = carray.generate(tiny, preprocessing=classes(("zero", "one", "two")))
    write(tmp_path, files)
    program = program_for(files, prefix="g_model", array="g_model", length="g_model_len")
    lines = compile_and_run(tmp_path, compiler, program, "model.c", ["copy.tflite"])
    assert (tmp_path / "copy.tflite").read_bytes() == TINY_MODEL.read_bytes()
    assert lines[0] == "0"
    expected = pixels.pixel_table(tiny.input(), Normalisation())
    assert [int(line) for line in lines[1:257]] == expected.tolist() == list(range(-128, 128))


@pytest.mark.parametrize("compiler", CPP_COMPILERS)
def test_tflm_style_has_the_names_of_its_examples(tmp_path: Path, compiler: str) -> None:
    files = carray.generate(read_tflite(TINY_MODEL), name="g_digits_model", style="tflm", stem="digits_model")
    assert sorted(files) == ["digits_model_data.cc", "digits_model_data.h"]
    assert "alignas(16) const unsigned char g_digits_model_data[] = {" in files["digits_model_data.cc"]
    write(tmp_path, files)
    program = program_for(
        files, prefix="g_digits_model", array="g_digits_model_data", length="g_digits_model_data_size"
    )
    compile_and_run(tmp_path, (compiler, "c++", "c++17"), program, "digits_model_data.cc", ["copy.tflite"])
    assert (tmp_path / "copy.tflite").read_bytes() == TINY_MODEL.read_bytes()


INPUTS = {
    "0..255 as int8": (tensor(0, (1, 4, 4, 1), "int8", scale=1.0), Normalisation(1.0, 0.0)),
    "-1..1 as int8": (tensor(0, (1, 4, 4, 1), "int8", scale=2 / 255, zero_point=0), Normalisation(2 / 255, -1.0)),
    "0..1 as uint8": (tensor(0, (1, 4, 4, 1), "uint8", zero_point=0), Normalisation()),
    "0..1 as int16": (tensor(0, (1, 4, 4, 1), "int16", scale=1 / 32767, zero_point=0), Normalisation()),
    "clamped": (tensor(0, (1, 4, 4, 1), "int8", scale=1 / 510), Normalisation()),
    "coarse": (tensor(0, (1, 4, 4, 1), "int8", scale=0.03, zero_point=3), Normalisation(0.02, -2.5)),
    "0..1 as float32": (tensor(0, (1, 4, 4, 1), "float32", scale=None), Normalisation()),
    "-1..1 as float32": (tensor(0, (1, 4, 4, 1), "float32", scale=None), Normalisation(2 / 255, -1.0)),
}


@pytest.mark.parametrize("case", INPUTS)
@pytest.mark.parametrize("compiler", [("gcc", "c", "c99"), ("clang++", "c++", "c++17")], ids="-".join)
def test_pixel_quantiser_equals_python_for_every_pixel(
    tmp_path: Path, case: str, compiler: tuple[str, str, str]
) -> None:
    image_input, normalisation = INPUTS[case]
    files = carray.generate(
        model([image_input], [tensor(1, (1, 10))]), preprocessing=Preprocessing((4, 4, 1), (), normalisation)
    )
    write(tmp_path, files)
    verb = "normalise" if image_input.dtype == "float32" else "quantise"
    program = program_for(files, prefix="g_model", array="g_model", length="g_model_len", verb=verb)
    lines = compile_and_run(tmp_path, compiler, program, "model.c", ["copy"])
    table = pixels.pixel_table(image_input, normalisation)
    assert np.array_equal(np.array([float(line) for line in lines[1:257]], dtype=table.dtype), table)


def test_golden_files_are_reproduced() -> None:
    """Set EDGEMNIST_UPDATE_GOLDEN=1 to rewrite them after an intended change."""
    tiny = read_tflite(TINY_MODEL)
    files = carray.generate(tiny, preprocessing=classes(("zero", "one", "two")), stem="tiny_int8")
    files |= carray.generate(tiny, name="g_tiny_model", style="tflm", stem="tiny_model")
    for name, text in files.items():
        if os.environ.get("EDGEMNIST_UPDATE_GOLDEN"):
            (GOLDEN / name).write_text(text)
        assert (GOLDEN / name).read_text() == text, f"{name} changed"


def test_text_holds_no_path_and_says_where_it_came_from() -> None:
    tiny = read_tflite(TINY_MODEL)
    header = carray.generate(tiny)["model.h"]
    assert tiny.sha256 in header
    assert f"{tiny.size} bytes" in header
    assert "CONV_2D v3" in header
    assert str(TINY_MODEL.parent) not in header


@pytest.mark.parametrize("dtypes", [("float32", "int32"), ("bool", "string"), ("float16", "complex64")])
def test_several_inputs_and_odd_types_still_make_valid_c(tmp_path: Path, dtypes: tuple[str, str]) -> None:
    odd = model(
        [tensor(0, (1, 3), dtypes[0], scale=None), tensor(1, (), dtypes[1], scale=None)],
        [tensor(2, (2, 2), "float32", scale=None), tensor(3, (1,), "int64", scale=None)],
        content=bytes(1),
    )
    write(tmp_path, carray.generate(odd))
    header = (tmp_path / "model.h").read_text()
    assert "#define G_MODEL_INPUT_1_RANK 0" in header
    assert "_pixel(" not in header
    for command, language, standard in (("gcc", "c", "c99"), ("g++", "c++", "c++17")):
        subprocess.run(
            [command, "-x", language, f"-std={standard}", *WARNINGS, "-fsyntax-only", "model.c"],
            cwd=tmp_path,
            check=True,
        )


def test_large_array_refuses_a_16_bit_int() -> None:
    large = model([tensor(0, (1, 4))], [tensor(1, (1, 2))], content=bytes(32768))
    assert "#if INT_MAX < 32768" in carray.generate(large)["model.c"]
    assert "INT_MAX" not in carray.generate(model([tensor(0, (1, 4))], [tensor(1, (1, 2))]))["model.c"]


def test_number_of_labels_has_to_match() -> None:
    with pytest.raises(ModelError, match="2 labels for a model with 3 class output"):
        carray.generate(read_tflite(TINY_MODEL), preprocessing=classes(("a", "b")))


def test_unknown_style_lists_the_known() -> None:
    with pytest.raises(InputError, match="choose one of default, tflm"):
        carray.generate(read_tflite(TINY_MODEL), style="fancy")


@pytest.mark.parametrize(
    "name",
    ["", "1model", "my-model", "mödel", "int", "class", "printf", "sinf", "main", "uint8_t", "__x", "a__b", "x_"],
)
def test_names_that_c_or_cpp_would_refuse_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"C identifier|C name"):
        carray.generate(read_tflite(TINY_MODEL), name=name)


@pytest.mark.parametrize("name", ["model", "pixel", "value", "M", "g_Model2", "digits"])
def test_ordinary_names_compile(tmp_path: Path, name: str) -> None:
    write(tmp_path, carray.generate(read_tflite(TINY_MODEL), name=name, preprocessing=classes(("a", "b", "c"))))
    for command, language, standard in (("gcc", "c", "c99"), ("g++", "c++", "c++17")):
        subprocess.run(
            [command, "-x", language, f"-std={standard}", *WARNINGS, "-fsyntax-only", "model.c"],
            cwd=tmp_path,
            check=True,
        )


@given(st.text(max_size=40))
def test_any_text_is_an_identifier_or_an_input_error(name: str) -> None:
    try:
        checked = check_identifier(name)
    except InputError:
        return
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", checked, re.ASCII)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(max_size=12), min_size=3, max_size=3))
def test_labels_come_back_from_c_as_they_went_in(tmp_path: Path, labels: list[str]) -> None:
    try:
        files = carray.generate(read_tflite(TINY_MODEL), preprocessing=classes(labels))
    except InputError:
        assert any("\0" in label or re.search("[\ud800-\udfff]", label) for label in labels)
        return
    write(tmp_path, files)
    (tmp_path / "labels.c").write_text(
        '#include <stdio.h>\n#include "model.h"\nint main(void)\n{\n    int i;\n'
        "    for (i = 0; i < G_MODEL_CLASSES; ++i) {\n"
        "        fputs(g_model_labels[i], stdout);\n        putchar(0);\n    }\n    return 0;\n}\n"
    )
    subprocess.run(["gcc", "-std=c99", *WARNINGS, "labels.c", "model.c", "-o", "labels"], cwd=tmp_path, check=True)
    printed = subprocess.run(["./labels"], cwd=tmp_path, check=True, capture_output=True).stdout
    assert printed.decode() == "".join(label + "\0" for label in labels)


@given(st.text(max_size=60))
def test_literals_are_ascii_without_trigraphs(text: str) -> None:
    try:
        literal = string_literal(text)
    except InputError:
        return
    assert literal.isascii()
    assert literal.isprintable()
    assert "??" not in literal


@given(st.text(max_size=60))
def test_comment_text_cannot_leave_the_comment(text: str) -> None:
    safe = comment_text(text)
    assert safe.isascii()
    assert not any(mark in safe for mark in ("*/", "/*", "??", "\n"))


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_float_constants_read_back(value: float) -> None:
    assert np.float32(float_constant(value).removesuffix("f")) == np.float32(value)


@pytest.mark.parametrize("name", ["compact_int8", "seedcnn_int8", "kws_ref_model", "dense_float"])
def test_real_models_compile_in_c_and_cpp(real_models: Path, tmp_path: Path, name: str) -> None:
    content = (real_models / f"{name}.tflite").read_bytes()
    files = carray.generate(parse_tflite(content))
    write(tmp_path, files)
    for command, language, standard in (("gcc", "c", "c99"), ("g++", "c++", "c++17")):
        subprocess.run(
            [command, "-x", language, f"-std={standard}", *WARNINGS, "-fsyntax-only", "model.c"],
            cwd=tmp_path,
            check=True,
        )
    listed = re.search(r"g_model\[\] = \{\n(.*?)\n\};", files["model.c"], re.DOTALL)
    assert listed is not None
    assert bytes.fromhex(re.sub(r"0x|[,\s]", "", listed.group(1))) == content


def test_same_model_gives_the_same_text(real_models: Path) -> None:
    def generate() -> dict[str, str]:
        fresh: TfliteModel = read_tflite(real_models / "compact_int8.tflite")
        return carray.generate(fresh, preprocessing=classes([str(digit) for digit in range(10)]))

    assert generate() == generate()
