"""Generated C has no line of more than 100 columns, and the compiler reads the same as before it was cut."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from edgemnist.compiler.generate import CodegenSettings, generate
from edgemnist.compiler.targets import ANY, TARGETS
from edgemnist.csource import array
from edgemnist.csource.columns import within_columns
from edgemnist.csource.source import COLUMNS, MAX_NAME, string_literal
from edgemnist.mcu.packages.base import C_SUFFIXES
from edgemnist.support.resources import firmware_folder
from edgemnist.tflite.file import TfliteModel, parse_tflite
from edgemnist.tflm.project import tflm_project
from tests.compiler.bench import WARNINGS
from tests.compiler.model_builder import ModelBuilder
from tests.compiler.random_graphs import random_network
from tests.compiler.test_emit import small_model
from tests.csource.files import classes, model, tensor

LONGEST = "n" * MAX_NAME

LABELS = ("a", "word " * 60, "字" * 70, 'quote " and \\ and ??/ ' * 9)


def several_ends() -> bytes:
    """Return a net of two inputs and two outputs on float32, whose tensors have long names."""
    builder = ModelBuilder()
    first, second = (builder.input((1, 6), None, dtype="float32") for _ in range(2))
    outputs = [builder.op(kind, [first, second], (1, 6), None, dtype="float32") for kind in ("ADD", "MUL")]
    return builder.finish(outputs)


NETS = {"small": small_model(), "random": random_network(11).content, "ends": several_ends()}


def too_long(text: str) -> list[str]:
    return [line for line in text.split("\n") if len(line) > COLUMNS]


def preprocessed(text: str, folder: Path) -> str:
    path = folder / "one.c"
    path.write_text(text)
    done = subprocess.run(["gcc", "-std=c99", "-E", "-P", path], capture_output=True, text=True, check=True)
    return re.sub(r'"\s*"', "", re.sub(r"\s+", " ", done.stdout))


CUT = {
    "labels": f"const char *const n_labels[4] = {{{', '.join(map(string_literal, LABELS))}}};",
    "call": f"int f(void)\n{{\n  return g({', '.join(f'value_{i} + (int)sizeof(h)' for i in range(30))}) && other;\n}}",
    "comment": f"/* {'words of a comment ' * 20}*/ int after;",
    "within a comment": f"/* begins\n * {'words of a comment ' * 20}\n * {'x' * 300} */\nint after;",
    "fields": f"int a[] = {{{', '.join(f'/* field_{i} */ {i}' for i in range(40))}}};",
    "directive": f"#if {' && '.join(f'!defined(SOME_MACRO_{i})' for i in range(12))}\nint yes;\n#endif",
    "macro": f'#define TEXT "{"some words " * 30}"\nconst char *text = TEXT;',
    "quotes": f'char a = \'"\', *b = "/* no comment"; int c = {" + ".join(f"name_{i}" for i in range(30))};',
}


@pytest.mark.parametrize("text", CUT.values(), ids=CUT.keys())
def test_a_compiler_reads_the_same(text: str, tmp_path: Path) -> None:
    cut = within_columns(text)
    assert too_long(text)
    assert not too_long(cut)
    assert within_columns(cut) == cut
    assert preprocessed(cut, tmp_path) == preprocessed(text, tmp_path)
    if "comment" in text:
        assert re.sub(r"[\s*]", "", cut) == re.sub(r"[\s*]", "", text)


def test_what_has_no_place_to_cut_stays_whole() -> None:
    text = f"int {'x' * 150};\n"
    assert within_columns(text) == text


@pytest.mark.parametrize("name", ["n", LONGEST])
@pytest.mark.parametrize("net", NETS)
def test_generated_lines(net: str, name: str) -> None:
    read = parse_tflite(NETS[net])
    targets = [ANY, "cortex-m55"] if name == "n" else [ANY, *TARGETS]
    for target in targets:
        files = generate(read, CodegenSettings(name=name, target=target, with_dump=net == "small")).files
        found = {file: too_long(text) for file, text in files.items() if not file.endswith("_memory.txt")}
        assert not any(found.values()), found


def test_the_longest_name_and_labels_compile(tmp_path: Path) -> None:
    files = generate(parse_tflite(small_model()), CodegenSettings(name=LONGEST, labels=LABELS)).files
    assert not too_long(files[f"{LONGEST}.c"])
    for file, text in files.items():
        (tmp_path / file).write_text(text)
    subprocess.run(["gcc", *WARNINGS, "-c", f"{LONGEST}.c", f"{LONGEST}_test.c"], cwd=tmp_path, check=True)


@pytest.mark.parametrize("name", ["g", LONGEST[:50]])
@pytest.mark.parametrize("style", array.STYLES)
def test_lines_of_an_array_and_of_what_is_beside_it(style: str, name: str) -> None:
    labelled: TfliteModel = model([tensor(0, (1, 4, 4, 1))], [tensor(1, (1, 4))], content=bytes(range(256)) * 20)
    texts = array.generate(labelled, name=name, style=style, preprocessing=classes(LABELS))
    texts |= tflm_project(parse_tflite(small_model()), name=name, style=style).texts
    found = {file: too_long(text) for file, text in texts.items()}
    assert not any(found.values()), found


def test_lines_of_kernels_and_of_the_firmware() -> None:
    files = [path for path in firmware_folder().rglob("*") if path.suffix in (*C_SUFFIXES, ".inc")]
    found = {str(path): too_long(path.read_text()) for path in files}
    assert len(files) > 100
    assert not any(found.values()), {path: lines for path, lines in found.items() if lines}
