"""What is written for TFLM: operators, arena and margin, and the text; its C++ is in test_tflm_project_cpp."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgemnist import cli
from edgemnist.compiler.ops.base import LoweringSettings
from edgemnist.compiler.reader import read_graph
from edgemnist.compiler.reference import run_reference
from edgemnist.compiler.self_test import generated_inputs
from edgemnist.runtimes.tflm import TflmRuntime
from edgemnist.support.errors import UnsupportedModelError
from edgemnist.tflite.file import OperatorInfo, TfliteModel, parse_tflite, read_tflite
from edgemnist.tflite.kinds import ModelKind, model_kind
from edgemnist.tflm.arena import arena_margin
from edgemnist.tflm.least_arena import tflm_arena
from edgemnist.tflm.measure import GOLDEN_VECTORS, Measurement, measure
from edgemnist.tflm.operators import method, resolver_operators
from edgemnist.tflm.programs import main_program
from edgemnist.tflm.project import TflmProject, describe, tflm_project
from edgemnist.tflm.sources import header
from tests.csource.files import GOLDEN, TINY_MODEL, classes, model, tensor
from tests.oracles import needs

DEPRECATED_CODE, BUILTIN_CODE = 4, 10
"""Fields of the schema's table OperatorCode, as offsets into its vtable."""


def project_of(content: TfliteModel, *, name: str = "g_model") -> TflmProject:
    return tflm_project(content, name=name)


def with_operator(content: bytes, old: int, new: int) -> bytes:
    """Return a ``.tflite`` in which every operator of builtin code ``old`` has code ``new``."""
    import tflite

    changed = bytearray(content)
    file = tflite.Model.GetRootAs(changed, 0)
    codes = [file.OperatorCodes(index) for index in range(file.OperatorCodesLength())]
    for code in codes:
        if max(code.BuiltinCode(), code.DeprecatedBuiltinCode()) == old:
            for field, size in ((DEPRECATED_CODE, 1), (BUILTIN_CODE, 4)):
                offset = code._tab.Offset(field)
                if offset:
                    place = code._tab.Pos + offset
                    changed[place : place + size] = new.to_bytes(size, "little")
    return bytes(changed)


SOFTMAX, LOG, TOPK_V2 = 25, 73, 48


# --- operators -------------------------------------------------------------------------------------------------------


def plain(name: str) -> str:
    return name.replace("_", "").lower()


def test_resolver_has_exactly_the_models_operators(real_models: Path) -> None:
    paths = [*real_models.glob("*.tflite"), TINY_MODEL]
    assert len(paths) > 5
    tiny = describe(read_tflite(TINY_MODEL), name="g_model")
    for path in paths:
        content = read_tflite(path)
        kinds = {operator.kind for operator in content.operators}
        source = replace(tiny, operators=resolver_operators(content))
        text = header(source)
        calls = re.findall(r"resolver\.Add(\w+)\((.*?)\)\);", text)
        assert {plain(name) for name, _ in calls} == {plain(kind) for kind in kinds}, path.name
        assert len(calls) == len(kinds)
        assert re.findall(r"MicroMutableOpResolver<(\d+)>", text) == [str(len(kinds))]
        assert sum(operator.count for operator in source.operators) == len(content.operators)
        specialised = set(re.findall(r"tflite::Register_(\w+)_INT8\(\)", text))
        if model_kind(content) is ModelKind.FLOAT32:
            assert not specialised
        else:
            assert kinds & {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "SOFTMAX", "ADD"} <= specialised <= kinds


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("ABS", "AddAbs"),
        ("AVERAGE_POOL_2D", "AddAveragePool2D"),
        ("BATCH_MATMUL", "AddBatchMatMul"),
        ("BATCH_TO_SPACE_ND", "AddBatchToSpaceNd"),
        ("CUMSUM", "AddCumSum"),
        ("L2_POOL_2D", "AddL2Pool2D"),
        ("PADV2", "AddPadV2"),
        ("RELU6", "AddRelu6"),
        ("RESIZE_NEAREST_NEIGHBOR", "AddResizeNearestNeighbor"),
        ("SELECT_V2", "AddSelectV2"),
        ("UNIDIRECTIONAL_SEQUENCE_LSTM", "AddUnidirectionalSequenceLSTM"),
    ],
)
def test_methods_have_tflms_spelling(kind: str, name: str) -> None:
    assert method(kind) == name


def hand_made(*operators: tuple[str, int, str, str]) -> TfliteModel:
    """Return a model of (kind, version, input type, output type)."""
    inputs = [tensor(2 * index, (1, 4), source) for index, (_, _, source, _) in enumerate(operators)]
    outputs = [tensor(2 * index + 1, (1, 4), target) for index, (_, _, _, target) in enumerate(operators)]
    pairs = [tensor for pair in zip(inputs, outputs, strict=True) for tensor in pair]
    infos = (
        OperatorInfo(index, kind, version, (2 * index,), (2 * index + 1,), {})
        for index, (kind, version, _, _) in enumerate(operators)
    )
    return replace(model(pairs, []), operators=tuple(infos), inputs=(0,), outputs=(len(pairs) - 1,))


def test_kernels_for_int8_alone_only_where_all_is_int8() -> None:
    mixed = hand_made(
        ("QUANTIZE", 1, "float32", "int8"),
        ("ADD", 2, "int8", "int8"),
        ("SOFTMAX", 2, "int8", "int16"),
        ("ADD", 1, "int8", "int8"),
        ("MUL", 1, "int8", "int8"),
        ("MUL", 1, "int16", "int16"),
        ("PAD", 1, "int8", "int8"),
    )
    found = {operator.kind: operator for operator in resolver_operators(mixed)}
    assert [operator.call for operator in found.values()] == [
        "AddQuantize()",
        "AddAdd(tflite::Register_ADD_INT8())",
        "AddSoftmax()",
        "AddMul()",
        "AddPad(tflite::Register_PAD_INT8())",
    ]
    assert found["ADD"].uses == "v1/v2 x2"
    assert found["PAD"].header == "tensorflow/lite/micro/kernels/pad.h"
    assert found["SOFTMAX"].header == ""


def test_what_tflm_lacks_is_named_all_of_it() -> None:
    odd = hand_made(("CUSTOM:FlexErf", 1, "int8", "int8"), ("CONV_3D", 1, "int8", "int8"), ("ADD", 1, "int8", "int8"))
    with pytest.raises(UnsupportedModelError) as caught:
        resolver_operators(replace(odd, subgraphs=2))
    assert len(caught.value.problems) == 3
    for words in ("custom operator FlexErf (operator 0)", "AddCustom", "CONV_3D (operator 1)", "2 subgraphs"):
        assert words in str(caught.value)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (TOPK_V2, "TOPK_V2 (operator 3) is no operator of TFLM"),
        pytest.param(LOG, "TFLM's interpreter refuses the model", marks=needs("tflm")),
    ],
)
def test_convert_succeeds_where_tflm_cannot_run_the_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], code: int, said: str
) -> None:
    path = tmp_path / "odd.tflite"
    path.write_bytes(with_operator(TINY_MODEL.read_bytes(), SOFTMAX, code))
    assert cli.run(["convert", str(path), "--c-array", "--out", str(tmp_path / "c")]) == 0
    printed = capsys.readouterr()
    assert said in " ".join(printed.out.split())
    assert "Traceback" not in printed.out + printed.err
    assert sorted(file.name for file in (tmp_path / "c").iterdir()) == ["odd.c", "odd.h"]


# --- arena -----------------------------------------------------------------------------------------------------------

# arena_used_bytes() of TFLM of 2026-08-20 built for Cortex-M0+, M3, M4 and M55 with arm-none-eabi-gcc 12.2: the highest
# with reference kernels or CMSIS-NN on M0+ to M4 and reference kernels on M55; and CMSIS-NN on M55 (Helium).
TARGET_ARENA = {
    "compact_int8": (8564, 13092),
    "dense_int8": (3476, 4036),
    "kws_ref_model": (22820, 27348),
    "pretrainedResnet_quant": (54996, 55028),
    "seedcnn_int8": (30308, 30868),
}


@needs("tflm")
@pytest.mark.parametrize("name", TARGET_ARENA)
def test_arena_is_measured_and_its_margin_suffices_on_targets(real_models: Path, name: str) -> None:
    content = read_tflite(real_models / f"{name}.tflite")
    arena, margin = tflm_arena(content), arena_margin(content)
    general, helium = TARGET_ARENA[name]
    assert arena.used <= arena.least < arena.used + 16
    assert general <= arena.least + margin.general <= 1.3 * general
    assert helium <= arena.least + margin.helium <= 1.3 * helium


def allocates(path: Path, size: int) -> bool:
    script = (
        "import sys; from tflite_micro.python.tflite_micro import runtime; "
        "runtime.Interpreter.from_file(sys.argv[1], arena_size=int(sys.argv[2]))"
    )
    command = [sys.executable, "-c", script, str(path), str(size)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@needs("tflm")
def test_least_arena_is_the_least(real_models: Path) -> None:
    """In a very small net planning the memory takes more than the interpreter then holds."""
    tiny = tflm_arena(read_tflite(TINY_MODEL))
    assert tiny.used < tiny.least
    assert allocates(TINY_MODEL, tiny.least)
    assert not allocates(TINY_MODEL, tiny.least - 16)
    compact = real_models / "compact_int8.tflite"
    assert not allocates(compact, tflm_arena(read_tflite(compact)).least - 16)


@needs("tflm")
def test_golden_outputs_equal_the_compilers_reference() -> None:
    tiny = read_tflite(TINY_MODEL)
    golden = measure(tiny).golden
    assert golden is not None
    graph, settings = read_graph(tiny), LoweringSettings(rounding="tflm")
    for image, expected in zip(generated_inputs(tiny.input(), GOLDEN_VECTORS), golden, strict=True):
        assert np.array_equal(run_reference(graph, image, settings)[graph.output], expected)


def test_margin_counts_the_largest_buffer_once_and_names_what_it_leaves_out() -> None:
    margin = arena_margin(read_tflite(TINY_MODEL))
    # One 3x3 convolution of a channel (4 columns of 16 with Helium, 2 of 12 int16 without), one dense layer of 3.
    assert (margin.general, margin.helium) == (2 * 2 * 12 + 16, 4 * 16 + 4 * 3 + 2 * 16)
    assert arena_margin(hand_made(("SVDF", 1, "int8", "int8"))).unknown == ("SVDF",)


# --- text ------------------------------------------------------------------------------------------------------------

FIXED = Measurement("1.0", 2384, np.array([[[-128, 0, 127]], [[1, 2, 3]]], dtype=np.int8))
"""A measurement for texts that do not change with the installed wheel."""


def test_golden_texts_are_reproduced() -> None:
    """Set EDGEMNIST_UPDATE_GOLDEN=1 to rewrite them after an intended change."""
    labels = ("zero", "one", "two")
    source = replace(describe(read_tflite(TINY_MODEL), name="g_model", preprocessing=classes(labels), stem="tiny_int8"),
                     measurement=FIXED)  # fmt: skip
    for name, text in (("tiny_int8_tflm.h", header(source)), ("tiny_int8_main.cc", main_program(source))):
        if os.environ.get("EDGEMNIST_UPDATE_GOLDEN"):
            (GOLDEN / name).write_text(text)
        assert (GOLDEN / name).read_text() == text, f"{name} changed"


def test_same_model_gives_the_same_text_without_a_path() -> None:
    first, second = (project_of(read_tflite(TINY_MODEL)).texts for _ in range(2))
    assert first == second
    assert not any(str(TINY_MODEL.parent) in text for text in first.values())


def test_only_int8_models_have_files() -> None:
    float_model = hand_made(("ADD", 1, "float32", "float32"))
    project = tflm_project(float_model, name="g_model")
    assert not project.texts
    assert project.facts.note == "nothing was written: it is for int8 models, and this is float32"


def test_a_name_that_tflm_has_taken_is_told() -> None:
    project = project_of(read_tflite(TINY_MODEL), name="tflite")
    assert not project.texts
    assert "namespace of TFLM" in str(project.facts.note)


@needs("tflm")
def test_several_outputs_have_a_resolver_but_no_main_program() -> None:
    tiny = read_tflite(TINY_MODEL)
    two = replace(tiny, outputs=(*tiny.outputs, tiny.operators[0].outputs[0]))
    project = project_of(two)
    assert list(project.texts) == ["model_tflm.h"]
    assert "one output" in str(project.facts.note)


def test_without_tflm_no_size_is_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TflmRuntime, "available", lambda _: "tflite_micro is not installed")
    project = project_of(read_tflite(TINY_MODEL))
    assert project.facts.arena_measured is None
    assert "pip install 'edgemnist[tflm]'" in str(project.facts.note)
    text = project.texts["model_tflm.h"]
    assert "#define G_MODEL_TFLM_ARENA" not in text
    assert re.search(r"#ifndef G_MODEL_TFLM_ARENA_SIZE\n#error ", text)
    assert "pip install" in text


# --- convert ---------------------------------------------------------------------------------------------------------


@needs("tflm")
def test_command_names_the_files_in_tflm_style(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["convert", str(TINY_MODEL), "--c-array", "--name", "g_tiny_model", "--style", "tflm"]
    assert cli.run([*arguments, "--out", str(tmp_path), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)["tflm"]
    assert printed["files"] == ["tiny_int8_tflm.h", "tiny_int8_main.cc", "tiny_int8_dump.h"]
    assert (printed["operators"], printed["note"]) == (4, None)
    text = (tmp_path / "tiny_int8_main.cc").read_text()
    assert '#include "tiny_int8_data.h"' in text
    assert "tflite::GetModel(::g_tiny_model_data)" in text
    assert cli.run([*arguments, "--out", str(tmp_path)]) == 0
    assert f"arena {printed['arena_measured']:,} bytes measured" in " ".join(capsys.readouterr().out.split())


def test_a_changed_operator_code_is_read_back() -> None:
    """The helper of these tests does what it says."""
    changed = parse_tflite(with_operator(TINY_MODEL.read_bytes(), SOFTMAX, LOG))
    assert [operator.kind for operator in changed.operators] == ["CONV_2D", "MEAN", "FULLY_CONNECTED", "LOG"]
