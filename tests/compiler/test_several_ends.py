"""Models with several inputs and outputs: every tensor equal to TFLM's, wherever an output lies in the net."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgemnist import cli
from edgemnist.compiler.generate import CodegenSettings, generate
from edgemnist.compiler.graph import PADDING_VALID
from edgemnist.runner import RuntimeWorker
from edgemnist.runtimes.host_c import HostCRuntime
from edgemnist.support.errors import ModelError, UnsupportedModelError
from edgemnist.tflite.file import parse_tflite
from tests.compiler.bench import (
    SIZE_SANITISED,
    SPEED,
    VARIANTS,
    WARNINGS,
    Subject,
    Variant,
    check_exact,
)
from tests.compiler.layers import Layers, Value, Window, random_images
from tests.compiler.model_builder import edited
from tests.compiler.random_graphs import random_network
from tests.oracles import needs

SHAPE = (1, 6, 5, 3)


def subject(name: str, layers: Layers, inputs: Sequence[Value], outputs: Sequence[Value]) -> Subject:
    first, *more = (random_images(value.shape, number) for number, value in enumerate(inputs))
    return Subject(name, layers.finish(*outputs), first, True, tuple(more))


def two_heads() -> Subject:
    """Return a net whose outputs are in another order than they are computed, one of them read on."""
    layers = Layers.seeded(1)
    image = layers.input(SHAPE)
    trunk = layers.conv(image, 4, Window((3, 3)))
    score = layers.dense(layers.reshape(layers.conv(trunk, 2, Window((1, 1))), (1, 60)), 5)
    box = layers.depthwise(trunk, 1, Window((3, 2)))
    return subject("two heads", layers, [image], [score, trunk, box])


def two_inputs() -> Subject:
    layers = Layers.seeded(2)
    first, second = layers.input(SHAPE), layers.input(SHAPE, 0.03, 7)
    return subject("added inputs", layers, [first, second], [layers.add(first, second)])


def branches_joined() -> Subject:
    """Return a net in which a convolution could take over the addition of an input."""
    layers = Layers.seeded(3)
    first, second = layers.input(SHAPE), layers.input((1, 6, 5, 4), 0.04, -9)
    sum_ = layers.add(layers.conv(first, 4, Window((3, 3))), second)
    pooled = layers.pool("MAX_POOL_2D", sum_, Window((2, 2), (2, 2), padding=PADDING_VALID))
    return subject("joined branches", layers, [first, second], [pooled, sum_])


def inputs_joined() -> Subject:
    layers = Layers.seeded(4)
    inputs = [layers.input((1, 4, 4, channels)) for channels in (1, 3, 2)]
    joined = layers.concatenation(*inputs)
    return subject("concatenated inputs", layers, inputs, [layers.conv(joined, 5, Window((2, 2)))])


def views() -> Subject:
    """Return a net whose outputs are one tensor in two shapes, and an input in another one."""
    layers = Layers.seeded(5)
    first, second = layers.input((1, 4, 3, 2)), layers.input((1, 24), 0.05, 3)
    body = layers.conv(first, 2, Window((3, 3)))
    flat = layers.reshape(body, (1, 24))
    return subject("views", layers, [first, second], [flat, body, layers.reshape(second, (1, 2, 12))])


def an_input_that_nobody_reads() -> Subject:
    layers = Layers.seeded(6)
    first, second = layers.input((1, 9)), layers.input((1, 30))
    return subject("an unread input", layers, [first, second], [layers.dense(second, 4), layers.dense(second, 3)])


NETS = {
    one.name: one
    for one in (two_heads(), two_inputs(), branches_joined(), inputs_joined(), views(), an_input_that_nobody_reads())
}


def test_exact(tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    check_exact([*NETS.values()], tflm, witness, [SIZE_SANITISED, SPEED], VARIANTS)


@pytest.mark.parametrize("target", ["cortex-m0plus", "cortex-m4", "cortex-m55", "x86-64", "cortex-a76"])
def test_exact_with_the_bodies_of_a_target(target: str, tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    check_exact([*NETS.values()], tflm, witness, [SIZE_SANITISED], [Variant(target=target)])


def with_other_outputs(one: Subject, seed: int) -> Subject:
    """Return a network with up to three more outputs, tensors from its middle, in any order."""
    model = parse_tflite(one.content)
    draw = np.random.default_rng(seed)
    written = [operator.outputs[0] for operator in model.operators]
    chosen = {*model.outputs, *(int(index) for index in draw.choice(written, min(3, len(written)), replace=False))}
    order = [int(index) for index in draw.permutation(sorted(chosen))]

    def change(file: Any) -> None:
        file.subgraphs[0].outputs = order

    return replace(one, name=f"{one.name}, outputs {order}", content=edited(one.content, change))


def test_any_tensor_can_be_an_output(tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    subjects = [with_other_outputs(random_network(seed), seed) for seed in range(900, 920)]

    check_exact(subjects, tflm, witness, [SIZE_SANITISED], [Variant(), Variant(apart=True)])
    check_exact(subjects[::4], tflm, witness, [SIZE_SANITISED], [Variant(target="cortex-m4")])


@needs("host-c")
@pytest.mark.parametrize("keep_tensors", [False, True])
@pytest.mark.parametrize("name", NETS)
def test_the_host_runs_it(name: str, keep_tensors: bool, tflm: RuntimeWorker) -> None:
    one = NETS[name]
    session = HostCRuntime().open(one.content, keep_tensors=keep_tensors)

    for number, case in enumerate(zip(*one.inputs, strict=True)):
        expected = tflm.invoke(one.content, [given[number : number + 1] for given in one.inputs])
        for found, wanted in zip(session.invoke(list(case)), expected, strict=True):
            np.testing.assert_array_equal(found, wanted[0])


@pytest.mark.parametrize("name", NETS)
def test_the_self_test_passes_and_notices(name: str, tmp_path: Path) -> None:
    files = generate(parse_tflite(NETS[name].content), CodegenSettings(name="net")).files
    for file, text in files.items():
        (tmp_path / file).write_text(text)
    build = ["gcc", "-std=c99", "-O1", *WARNINGS, "-DNET_TEST_MAIN", "net.c", "net_test.c", "-o", "test"]
    subprocess.run(build, cwd=tmp_path, check=True)
    assert subprocess.run([tmp_path / "test"], check=False).returncode == 0

    wrong = files["net_test.c"].replace("crc == 0x", "crc != 0x")
    (tmp_path / "net_test.c").write_text(wrong)
    subprocess.run(build, cwd=tmp_path, check=True)
    assert subprocess.run([tmp_path / "test"], check=False).returncode != 0


def test_the_header_names_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, out = tmp_path / "model.tflite", tmp_path / "c"
    model.write_bytes(NETS["joined branches"].content)

    assert cli.run(["codegen", str(model), "--out", str(out), "--target", "any", "--json"]) == 0

    header = " ".join((out / "model.h").read_text().split())
    for line in (
        "#define MODEL_INPUTS 2",
        "#define MODEL_OUTPUTS 2",
        "#define MODEL_INPUT_0_SIZE 90",
        "#define MODEL_INPUT_1_CHANNELS 4",
        "#define MODEL_INPUT_1_ZERO_POINT (-9)",
        "void model_run(const int8_t input_0[MODEL_INPUT_0_SIZE], const int8_t input_1[MODEL_INPUT_1_SIZE], "
        "int8_t output_0[MODEL_OUTPUT_0_SIZE], int8_t output_1[MODEL_OUTPUT_1_SIZE]);",
    ):
        assert line in header
    assert "MODEL_OUTPUT_1_OFFSET" in header
    assert json.loads(capsys.readouterr().out)["steps"]


def test_one_output_can_be_chosen(tmp_path: Path) -> None:
    model, out = tmp_path / "model.tflite", tmp_path / "c"
    model.write_bytes(NETS["two heads"].content)

    assert cli.run(["codegen", str(model), "--out", str(out), "--output", "1"]) == 0

    assert "output[MODEL_OUTPUT_SIZE]" in (out / "model.h").read_text()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda graph: setattr(graph, "outputs", [graph.outputs[0]] * 2), "is listed twice"),
        (lambda graph: setattr(graph, "inputs", [*graph.inputs] * 2), "is listed twice"),
        (lambda graph: setattr(graph, "outputs", []), "the model has no output"),
    ],
)
def test_lists_that_are_wrong_are_refused(change: Any, said: str) -> None:
    content = edited(NETS["added inputs"].content, lambda file: change(file.subgraphs[0]))

    with pytest.raises(UnsupportedModelError, match=said):
        generate(parse_tflite(content), CodegenSettings())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"shape": [1, 0]}, r"has shape \[1, 0\]"),
        ({"shape": [1, -5]}, r"has shape \[1, -5\]"),
        ({"shape": [1, 2**25]}, "allowed are 16,777,216"),
        ({"scale": [float("nan")]}, "scale nan"),
    ],
)
def test_an_input_that_nothing_reads_is_checked_too(change: dict[str, list[Any]], said: str) -> None:
    def damage(file: Any) -> None:
        (tensor,) = (file.subgraphs[0].tensors[index] for index in file.subgraphs[0].inputs[:1])
        for name, value in change.items():
            setattr(tensor if name == "shape" else tensor.quantization, name, value)

    with pytest.raises(ModelError, match=said):
        generate(parse_tflite(edited(NETS["an unread input"].content, damage)), CodegenSettings())
