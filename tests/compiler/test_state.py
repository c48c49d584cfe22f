"""Models that keep something from one inference to the next: equal to TFLM over a stream, and reset."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgemnist import cli
from edgemnist.compiler.generate import CodegenSettings, compile_model, generate
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
from tests.compiler.layers import Layers, Value, Window
from tests.compiler.model_builder import edited
from tests.compiler.state_nets import Keeps, with_variables
from tests.oracles import needs

CASES = 9


def stream(shape: tuple[int, ...], seed: int = 1) -> Any:
    return np.random.default_rng(seed).integers(-128, 128, (CASES, *shape)).astype(np.int8)


def running_sum() -> Subject:
    """Return a net that adds what it is given to half of what it had."""
    layers = Layers.seeded(1)
    image, sum_ = layers.input((1, 4, 3, 2)), layers.input((1, 4, 3, 2), 0.04, 3)
    total = layers.add(image, sum_)
    content = layers.finish(layers.conv(total, 3, Window((2, 2))), total)
    return Subject(
        "sum", with_variables(content, [Keeps(1, 1, np.full((1, 4, 3, 2), 3, np.int8))]), stream((1, 4, 3, 2))
    )


def shifted(layers: Layers, before: Value, new: Value) -> tuple[Value, Value]:
    """Return the last rows with a new one behind them, and those that are kept of them."""
    joined = layers.concatenation(before, new, axis=1)
    steps = [layers.builder.constant(values, dtype="int32") for values in ([0, 1, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1])]
    kept = layers.op("STRIDED_SLICE", [joined, *steps], before.shape, begin_mask=13, end_mask=15)
    return joined, kept


def two_windows() -> Subject:
    """Return a net with two layers over the last rows, as a wake word's, one behind the other."""
    layers = Layers.seeded(2)
    new, first = layers.input((1, 1, 1, 8)), layers.input((1, 3, 1, 8))
    joined, kept = shifted(layers, first, new)
    inner = layers.conv(joined, 6, Window((4, 1), padding=1))
    second = layers.input((1, 2, 1, 6), inner.scale, inner.zero_point)
    deeper, kept_deeper = shifted(layers, second, inner)
    score = layers.dense(layers.reshape(layers.depthwise(deeper, 1, Window((3, 1), padding=1)), (1, 6)), 4)
    content = layers.finish(kept, score, kept_deeper)
    noise = np.random.default_rng(3).integers(-128, 128, (1, 3, 1, 8)).astype(np.int8)
    variables = [Keeps(1, 0, noise), Keeps(2, 2, np.full((1, 2, 1, 6), -128, np.int8))]
    return Subject("windows", with_variables(content, variables), stream((1, 1, 1, 8)))


def delay() -> Subject:
    """Return a net that gives what it was given two inferences ago: variables that take each other's value."""
    layers = Layers.seeded(4)
    new, last, before = (layers.input((1, 5)) for _ in range(3))
    out = layers.dense(before, 3)
    content = layers.finish(out, new, last)
    variables = [Keeps(1, 1, np.arange(5, dtype=np.int8)[np.newaxis]), Keeps(2, 2, np.full((1, 5), -7, np.int8))]
    return Subject("delay", with_variables(content, variables), stream((1, 5)))


NETS = {one.name: one for one in (running_sum(), two_windows(), delay())}


def test_exact_over_a_stream(tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    check_exact([*NETS.values()], tflm, witness, [SIZE_SANITISED, SPEED], VARIANTS)


@pytest.mark.parametrize("target", ["cortex-m0plus", "cortex-m4", "cortex-m55", "x86-64", "cortex-a76"])
def test_exact_with_the_bodies_of_a_target(target: str, tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    check_exact([*NETS.values()], tflm, witness, [SIZE_SANITISED], [Variant(target=target)])


@needs("host-c")
@pytest.mark.parametrize("name", NETS)
def test_the_host_runs_a_stream_and_each_session_begins_anew(name: str, tflm: RuntimeWorker) -> None:
    one = NETS[name]
    (expected,) = tflm.invoke(one.content, [one.images])

    for _ in range(2):
        session = HostCRuntime().open(one.content)
        found = [session.invoke([image])[0] for image in one.images]
        np.testing.assert_array_equal(found, expected)


_STREAMS = """
#include <stdio.h>
#include <string.h>
#include "net.h"
static int8_t arena[NET_ARENA_SIZE + 3];
int main(void)
{
  static union { int8_t bytes[2][NET_STATE_SIZE]; uint32_t alignment; } state;
  static union { int8_t bytes[NET_ARENA_SIZE]; uint32_t alignment; } memory;
  static const int8_t inputs[3][NET_INPUT_SIZE] = {{1, 2}, {-3, 4}, {5, -6}};
  int8_t output[NET_OUTPUT_SIZE], again[NET_OUTPUT_SIZE];
  (void)arena;
  net_reset_in(state.bytes[0]);
  net_reset_in(state.bytes[1]);
  for (int i = 0; i < 3; ++i) {
    net_run(inputs[i], output);
    /* Two streams in one arena, in turns: neither disturbs the other. */
    for (int stream = 0; stream < 2; ++stream) {
      memcpy(memory.bytes + NET_INPUT_OFFSET, inputs[i], NET_INPUT_SIZE);
      net_run_in(memory.bytes, state.bytes[stream]);
      if (memcmp(memory.bytes + NET_OUTPUT_OFFSET, output, NET_OUTPUT_SIZE) != 0) return 1;
    }
  }
  net_run(inputs[0], output);
  net_reset();
  net_run(inputs[0], again);
  if (memcmp(output, again, sizeof output) == 0) return 2;
  net_reset();
  net_run(inputs[0], output);
  return memcmp(output, again, sizeof output) == 0 ? 0 : 3;
}
"""


@pytest.mark.parametrize("name", ["sum", "windows"])
def test_streams_do_not_disturb_each_other_and_a_reset_begins_anew(name: str, tmp_path: Path) -> None:
    for file, text in generate(parse_tflite(NETS[name].content), CodegenSettings(name="net")).files.items():
        (tmp_path / file).write_text(text)
    (tmp_path / "streams.c").write_text(_STREAMS)
    build = ["gcc", "-std=c99", "-O1", *WARNINGS, "-Wno-missing-field-initializers", "net.c"]
    subprocess.run([*build, "streams.c", "-o", "streams"], cwd=tmp_path, check=True)
    assert subprocess.run([tmp_path / "streams"], check=False).returncode == 0
    subprocess.run([*build, "-DNET_TEST_MAIN", "net_test.c", "-o", "test"], cwd=tmp_path, check=True)
    assert subprocess.run([tmp_path / "test"], check=False).returncode == 0


def test_the_command_takes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, out = tmp_path / "model.tflite", tmp_path / "c"
    model.write_bytes(NETS["windows"].content)

    assert cli.run(["codegen", str(model), "--out", str(out), "--target", "any"]) == 0

    assert "state                 36 B, kept from one inference to the next" in capsys.readouterr().out
    header = (out / "model.h").read_text()
    assert "#define MODEL_STATE_SIZE 36" in header
    assert "void model_reset(void);" in header
    assert "stream_0/states, 24 bytes" in header


def test_what_can_not_keep_anything_says_so() -> None:
    with pytest.raises(ModelError, match=r"keeps stream_0/states from one inference to the next.*codegen"):
        compile_model(parse_tflite(NETS["sum"].content), CodegenSettings())


def drop(kind: int) -> Callable[[Any], None]:
    """Return a change that leaves out the main graph's operators of a code."""

    def change(model: Any) -> None:
        codes = [code.builtinCode for code in model.operatorCodes]
        graph = model.subgraphs[0]
        graph.operators = [one for one in graph.operators if codes[one.opcodeIndex] != kind]

    return change


def assign_first(model: Any) -> None:
    graph = model.subgraphs[0]
    graph.operators.insert(2, graph.operators.pop())


def other_shape(model: Any) -> None:
    model.subgraphs[1].tensors[-1].shape = [1, 3, 4, 2]


def call_nothing(model: Any) -> None:
    model.subgraphs[0].operators[0].builtinOptions.initSubgraphIndex = 7


def float_handle(model: Any) -> None:
    graph = model.subgraphs[0]
    graph.tensors[graph.operators[1].outputs[0]].type = 0


def read_into_a_constant(model: Any) -> None:
    graph, once = model.subgraphs
    kinds = [model.operatorCodes[one.opcodeIndex].builtinCode for one in graph.operators]
    graph.tensors[graph.operators[kinds.index(143)].outputs[0]].buffer = once.tensors[-1].buffer


def variable_first(model: Any) -> None:
    """TFLM sets it to its zero point."""
    model.subgraphs[1].tensors[-1].isVariable = True


def assign_what_was_read(model: Any) -> None:
    graph = model.subgraphs[0]
    kinds = [model.operatorCodes[one.opcodeIndex].builtinCode for one in graph.operators]
    read, assign = (graph.operators[kinds.index(kind)] for kind in (143, 144))
    assign.inputs = [assign.inputs[0], read.outputs[0]]


def call_last(model: Any) -> None:
    """Until then TFLM has zeros."""
    graph = model.subgraphs[0]
    graph.operators.append(graph.operators.pop(0))


def test_a_graph_that_is_called_often_is_read_once() -> None:
    def change(model: Any) -> None:
        graph, once = model.subgraphs
        graph.operators = [graph.operators[0]] * 400 + graph.operators[1:]
        once.tensors += [once.tensors[-1]] * 4000

    start = time.process_time()
    compile_model(parse_tflite(edited(NETS["sum"].content, change)), CodegenSettings(), any_net=True)
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (drop(129), "has no first value"),
        (drop(144), "is never assigned"),
        (drop(142), "is of no variable"),
        (float_handle, "is of no variable"),
        (variable_first, "its graph has a ASSIGN_VARIABLE beside constants"),
        (read_into_a_constant, "is read into a tensor that has a value already"),
        (assign_what_was_read, "is assigned what was read from it"),
        (assign_first, "is read after it was assigned"),
        (other_shape, "is of several shapes or types"),
        (call_nothing, "calls graph 7 of 2"),
        (call_last, "operator 5 CALL_ONCE: comes after a variable is read"),
    ],
)
def test_what_is_wrong_with_a_variable_is_said(change: Callable[[Any], None], said: str) -> None:
    content = edited(NETS["sum"].content, change)

    with pytest.raises(UnsupportedModelError, match=said):
        generate(parse_tflite(content), CodegenSettings())
