"""Nets with int16 activations and int8 weights: equal to TFLM after every operator; what can't be is refused."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgemnist import cli
from edgemnist.compiler.generate import CodegenSettings, generate
from edgemnist.compiler.host import host_compiler
from edgemnist.runner import RuntimeWorker
from edgemnist.runner.client import runtime_worker
from edgemnist.runner.registry import find_runtime
from edgemnist.tflite.file import parse_tflite
from tests.compiler.bench import SPEED, Variant, check_exact
from tests.compiler.int16_nets import (
    SCALE,
    Int16Net,
    convolution,
    dense,
    edges,
    elements,
    layers,
    movements,
    pairs,
    products,
    random_net,
    softmaxes,
    subject,
)
from tests.compiler.model_builder import ModelBuilder, edited
from tests.compiler.operators import assert_exact, assert_exact_at_limits, assert_reference_exact, assert_refused

TABLES: Mapping[str, Callable[[], Mapping[str, bytes]]] = {
    "layers": layers, "pairs": pairs, "softmax": softmaxes, "edges": edges, "movements": movements,
    "products": products,
}  # fmt: skip


@pytest.mark.parametrize("table", TABLES)
def test_exact(table: str, tflm: RuntimeWorker) -> None:
    assert_exact(TABLES[table](), tflm, None)


@pytest.mark.parametrize("table", [name for name in TABLES if name != "products"])  # these never overlap
def test_exact_at_the_limits_of_overlap(table: str, tflm: RuntimeWorker) -> None:
    assert_exact_at_limits(TABLES[table](), tflm)


def test_every_value_of_functions_of_one_element(tflm: RuntimeWorker) -> None:
    subjects = [subject(name, content, parse_tflite(content).input().shape) for name, content in elements().items()]
    check_exact(subjects, tflm, None, [SPEED], [Variant()])


def test_a_second_witness(tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    """tflite-runtime 2.14 refuses a convolution without a bias, sums and int8 to int16."""
    for name, content in {**layers(), **movements(), **softmaxes(), **products()}.items():
        if "no bias" not in name and name not in ("sum", "depthwise, dilation"):
            assert_reference_exact(content, tflm, witness)


def test_random_nets(tflm: RuntimeWorker) -> None:
    subjects = [random_net(seed) for seed in range(6)]
    check_exact(subjects, tflm, None)
    check_exact(subjects, tflm, None, [SPEED], [Variant()])


def test_the_header_and_the_self_test(tmp_path: Path) -> None:
    generated = generate(parse_tflite(random_net(3).content), CodegenSettings(name="net"))
    for name, text in generated.files.items():
        (tmp_path / name).write_text(text)
    command = [host_compiler(), "-O1", "-DNET_TEST_MAIN", "net.c", "net_test.c", "-o", "test", "-lm"]
    subprocess.run(command, cwd=tmp_path, check=True)

    assert subprocess.run([tmp_path / "test"], check=False).returncode == 0
    assert "const int16_t input[NET_INPUT_SIZE], int16_t output[NET_OUTPUT_SIZE]" in generated.files["net.h"]
    assert "#define NET_OUTPUT_SCALE 3.0517578" in generated.files["net.h"]
    assert "#define NET_OUTPUT_SIZE 5\n" in generated.files["net.h"]
    assert "net: an int16 network" in generated.files["net.h"]


def test_sums_take_32_bits_where_these_suffice() -> None:
    functions = {
        name: generate(parse_tflite(content), CodegenSettings()).program.steps[0].function
        for name, content in layers().items()
    }
    wide = {name for name, function in functions.items() if function.endswith("_wide")}
    assert wide == {"wide bias", "wide sums", "depthwise, wide", "dense, wide"}


def test_the_command_makes_c(tmp_path: Path) -> None:
    (tmp_path / "net.tflite").write_bytes(random_net(1).content)
    assert cli.run(["codegen", str(tmp_path / "net.tflite"), "--out", str(tmp_path / "c"), "--name", "net"]) == 0
    assert (tmp_path / "c" / "net_test.c").exists()


# What is refused


def _changed(change: Callable[[Any], None]) -> bytes:
    """Return a dense layer after a change: tensors are input, weights, bias, output."""
    net = Int16Net((1, 6))
    return edited(net.finish(dense(net, net.input, 3)), lambda file: change(file.subgraphs[0].tensors))


def _set(position: int, field: str, value: Any) -> Callable[[Any], None]:
    return lambda tensors: setattr(tensors[position].quantization, field, value)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_set(0, "zeroPoint", [3]), r"is int16 and has the zero point 3, allowed are 0\.\.0"),
        (_set(3, "zeroPoint", [-1]), "has the zero point -1"),
        (_set(1, "zeroPoint", [0, 1, 0]), "need scales and zero point 0"),
        (_set(3, "scale", [1e-15]), "don't fit, its results leave 32 bits"),
        (_set(1, "scale", [0.001, 0.001]), "2 scales but 3 zero points|2 scales for 3 channels"),
        (lambda tensors: setattr(tensors[3], "shape", [1, 4]), "the file says"),
    ],
)
def test_claims_that_are_wrong(change: Callable[[Any], None], reason: str) -> None:
    from edgemnist.support.errors import ModelError

    with pytest.raises(ModelError, match=reason):
        generate(parse_tflite(_changed(change)), CodegenSettings())


def test_refuses_a_bias_of_32_bits() -> None:
    """TFLM reads it as one of 64 bits in some layers, and rounds otherwise in others."""
    net = Int16Net((1, 4, 4, 2))
    operands = [net.input, net.weights((1, 3, 3, 2), 3), net.numbers([1, 2])]
    output = net.op("DEPTHWISE_CONV_2D", operands, (1, 4, 4, 2), SCALE, depth_multiplier=1)
    assert_refused(net.finish(output), "must be an int64 constant, got int32")


def test_refuses_sums_beyond_what_the_oracle_multiplies() -> None:
    net = Int16Net((1, 4, 4, 2))
    assert_refused(net.finish(convolution(net, net.input, (2, 3, 3, 2), bias=2**50)), "sums reach")
    lowest = Int16Net((1, 6))
    bias = lowest.builder.constant([-(2**63)], dtype="int64")
    layer = lowest.op("FULLY_CONNECTED", [lowest.input, lowest.weights((1, 6)), bias], (1, 1), SCALE)
    assert_refused(lowest.finish(layer), "sums reach 9223372036")


def test_refuses_products_of_matrices_beyond_that() -> None:
    long = Int16Net((1, 1, 2**17))
    product = long.op("BATCH_MATMUL", [long.input, long.constant((1, 2**17))], (1, 1, 1), SCALE, adj_y=True)
    assert_refused(long.finish(product), "sums reach 140737488355328")
    for scale in (1e-13, 1e-11):
        net = Int16Net((1, 4, 4))
        product = net.op("BATCH_MATMUL", [net.input, net.constant((4, 4))], (1, 4, 4), scale)
        assert_refused(net.finish(product), "its results leave 32 bits")


def test_refuses_another_scale_behind_a_softmax() -> None:
    net = Int16Net((1, 6))
    assert_refused(net.finish(net.op("SOFTMAX", [net.input], (1, 6), 2**-14, beta=1.0)), "needed is 1/32768")


def test_refuses_what_only_int8_has() -> None:
    net = Int16Net((1, 6))
    output = net.op("HARD_SWISH", [net.input], (1, 6), SCALE)
    assert_refused(net.finish(output), "is int16, needed is int8; convert the model with `edgemnist convert --int8`")


def test_refuses_uint8_to_int16() -> None:
    builder = ModelBuilder()
    output = builder.op("QUANTIZE", [builder.input((1, 6), 0.1, 3, dtype="uint8")], (1, 6), SCALE, dtype="int16")
    assert_refused(builder.finish([output]), "QUANTIZE: not supported in uint8")


@pytest.mark.parametrize("name", ["host-c", "cortex-m4"])
def test_exact_with_the_bodies_of_a_target(name: str, tflm: RuntimeWorker) -> None:
    missing = find_runtime(name).available()
    if missing is not None:
        pytest.skip(missing)
    for net in (random_net(5), random_net(2)):
        expected = tflm.invoke(net.content, net.inputs)
        with runtime_worker(name) as runtime:
            np.testing.assert_array_equal(runtime.invoke(net.content, net.inputs), expected)
