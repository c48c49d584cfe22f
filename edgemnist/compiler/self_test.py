"""NAME_test.c: golden vectors and a CRC-32 self-test, expected values from the numpy references."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.emit import EmitSettings
from edgemnist.compiler.ends import ends_of
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops import OPERATORS, WITH_LIBRARY
from edgemnist.compiler.ops.base import LoweringSettings
from edgemnist.compiler.reference import run_stream, value_of
from edgemnist.csource.columns import within_columns
from edgemnist.csource.pixels import C_TYPES
from edgemnist.csource.source import float_constant, lines_of
from edgemnist.tflite.file import TensorInfo

GOLDEN_VECTORS = 2
CRC_VECTORS = 4
"""Further inputs, made on the target by the same generator, whose outputs only go into the CRC."""

MOST_COMPUTED = 2**24
"""Elements of all tensors of all vectors: a large net has fewer vectors, or none."""

LARGEST_TENSOR = 2**21
"""Elements of a tensor; of larger ones the references need more memory than a self-test is worth."""

LCG_MULTIPLIER, LCG_INCREMENT = 1664525, 1013904223
"""A full-period linear congruential generator modulo 2**32 (Numerical Recipes, 3rd ed., section 7.1)."""

WINDOW_VALUES = 4
"""Values of a layer's windows that count as one element: they take less time and memory."""

FLOAT_TEXT = 8
"""Elements that a float32 at the ends counts as: writing golden vectors down takes longer than computing them."""

PRODUCTS = 64
"""Products of a layer that take as long as an element."""

_TOO_LARGE = (
    f"a tensor has over {LARGEST_TENSOR:,} elements (an input or output of float32 an {FLOAT_TEXT}th of that), or a "
    f"layer's windows {WINDOW_VALUES} times as many, or all together over {MOST_COMPUTED:,}, where {PRODUCTS} products "
    "count as one"
)

_TEMPLATE = """/* Self-test of {name}: golden vectors, then a CRC-32 over the outputs of generated inputs.
 * {name}_self_test() returns 0 when all is right, 1 to {golden} for the first wrong golden vector
 * and {crc_code} for a wrong CRC. Compile with {prefix}_TEST_MAIN for a program that exits with
 * that code.
 */
#include <string.h>

#include "{name}.h"

enum {{ {prefix}_GOLDEN = {golden}, {prefix}_GENERATED = {generated} }};

{golden_arrays}

/* CRC-32 as in IEEE 802.3: reflected, polynomial 0xedb88320. */
static uint32_t {name}_crc32(uint32_t crc, const void *data, size_t size)
{{
  const uint8_t *byte = (const uint8_t *)data;
  crc = ~crc;
  while (size-- > 0) {{
    crc ^= *byte++;
    for (int bit = 0; bit < 8; ++bit) {{
      crc = (crc >> 1) ^ (0xedb88320u & (uint32_t)-(int32_t)(crc & 1u));
    }}
  }}
  return ~crc;
}}

int {name}_self_test(void)
{{
{buffers}
  uint32_t crc = 0;
  uint32_t state = 0;
{reset}  for (int vector = 0; vector < {prefix}_GOLDEN; ++vector) {{
    {name}_run({golden_call});
{compared}
  }}
{reset}  for (int vector = 0; vector < {prefix}_GENERATED; ++vector) {{
{filled}
    {name}_run({call});
{checked}
  }}
  return crc == 0x{crc:08x}u ? 0 : {prefix}_GOLDEN + 1;
}}

#ifdef {prefix}_TEST_MAIN
int main(void)
{{
  return {name}_self_test();
}}
#endif
"""


_GOLDEN = """static const {type} {name}[{prefix}_GOLDEN][{prefix}_{macro}_SIZE] = {{
{rows}
}};"""

_FILLED = """    for (int i = 0; i < {prefix}_{macro}_SIZE; ++i) {{
      state = state * {multiplier}u + {increment}u;
      {name}[i] = {from_state};
    }}"""

Vector = Sequence[NDArray[Any]]
"""One array for each of the model's inputs, or outputs, in its shape and dtype."""


def self_test_source(
    graph: Graph, settings: EmitSettings, lowering: LoweringSettings, golden: Sequence[Vector] = ()
) -> str:
    """Return the text of ``NAME_test.c``.

    ``golden`` are the golden inputs; without them the generator's first inputs are taken.
    """
    ends, name, vectors = ends_of(graph), settings.name, vectors_of(graph)
    prefix = name.upper()
    crc_vectors = max(min(CRC_VECTORS, vectors - 1), 0)
    generated = generated_vectors([end.tensor for end in ends.inputs], vectors)
    golden = list(golden) or generated[crc_vectors:]
    outputs = _stream(graph, golden, lowering)
    crc = 0
    for results_of_one in _stream(graph, generated[:crc_vectors], lowering):
        for output in results_of_one:
            crc = zlib.crc32(output.tobytes(), crc)
    named = [f"{name}_golden_{end.name}s" for end in (*ends.inputs, *ends.outputs)]
    columns = [*zip(*golden, strict=True), *zip(*outputs, strict=True)]
    both, inputs, results = (*ends.inputs, *ends.outputs), ends.inputs, ends.outputs
    text = _TEMPLATE.format(
        name=name, prefix=prefix, golden=len(golden), crc_code=len(golden) + 1, generated=crc_vectors, crc=crc,
        golden_arrays="\n\n".join(
            _GOLDEN.format(type=end.ctype, name=array, prefix=prefix, macro=end.macro, rows=value_rows(column))
            for end, array, column in zip(both, named, columns, strict=True)
        ),
        buffers="\n".join(f"  static {end.ctype} {end.name}[{prefix}_{end.macro}_SIZE];" for end in both),
        golden_call=", ".join(
            [*(f"{array}[vector]" for array in named[: len(inputs)]), *(end.name for end in results)]
        ),
        compared="\n".join(
            f"    if (memcmp({end.name}, {name}_golden_{end.name}s[vector], sizeof {end.name}) != 0) return vector + 1;"
            for end in results
        ),
        filled="\n".join(
            _FILLED.format(name=end.name, prefix=prefix, macro=end.macro, from_state=_from_state(end.tensor),
                           multiplier=LCG_MULTIPLIER, increment=LCG_INCREMENT)
            for end in inputs
        ),
        call=ends.names(),
        reset=f"  {name}_reset();\n" if graph.variables else "",
        checked="\n".join(f"    crc = {name}_crc32(crc, {end.name}, sizeof {end.name});" for end in results),
    )  # fmt: skip
    return within_columns(text)


def _stream(graph: Graph, vectors: Sequence[Vector], lowering: LoweringSettings) -> list[Vector]:
    """Return the outputs for one vector after the other; what the network keeps is as new before the first."""
    stream = run_stream(graph, vectors, lowering)
    return [[value_of(index, graph, values) for index in graph.outputs] for values in stream]


def no_self_test(graph: Graph) -> str:
    """Return why a network has no self-test."""
    called = sorted({node.operator for node in graph.nodes if node.kind in WITH_LIBRARY})
    if not called:
        return _TOO_LARGE
    return f"the C library computes {', '.join(called)} in float32, and not all give the same last bit"


def vectors_of(graph: Graph) -> int:
    """Return how many vectors a network's self-test has at most, 0 for a network too large for one."""
    if any(node.kind in WITH_LIBRARY for node in graph.nodes):
        return 0
    ends = [_written(graph.tensors[index]) for index in (*graph.inputs, *graph.outputs)]
    sizes = [*ends, *(_computed(node, graph) for node in graph.nodes)]
    products = sum(graph.images(node) * OPERATORS[node.kind].products(node, graph) for node in graph.nodes)
    most = MOST_COMPUTED // (sum(sizes) + products // PRODUCTS)
    return 0 if max(sizes) > LARGEST_TENSOR else min(CRC_VECTORS + GOLDEN_VECTORS, most)


def _written(end: TensorInfo) -> int:
    """Return the elements that an input or output counts as."""
    return end.elements * (FLOAT_TEXT if end.dtype == "float32" else 1)


def _computed(node: Node, graph: Graph) -> int:
    """Return the elements that the reference of a node computes, or as many as its windows count for."""
    elements = sum(graph.tensors[tensor].elements for tensor in node.outputs)
    values = graph.images(node) * OPERATORS[node.kind].window_values(node, graph)
    return max(elements, values // WINDOW_VALUES)


def generated_inputs(entry: TensorInfo, count: int) -> list[NDArray[Any]]:
    """Return the inputs that the self-test's generator makes for a model of one input, in order."""
    return [vector[0] for vector in generated_vectors([entry], count)]


def generated_vectors(entries: Sequence[TensorInfo], count: int) -> list[Vector]:
    """Return what the self-test's generator makes for a model's inputs, in order."""
    sizes = [entry.elements for entry in entries]
    rows = generated_states(count * sum(sizes)).reshape(count, sum(sizes))
    parts = [np.split(row, np.cumsum(sizes)[:-1]) for row in rows]
    return [
        [_as_input(one, entry).reshape(entry.shape) for one, entry in zip(row, entries, strict=True)] for row in parts
    ]


def generated_states(count: int) -> NDArray[np.uint32]:
    """Return the generator's first states after 0: so many again follow from those that there are, by one product."""
    states = np.array([LCG_INCREMENT], np.uint32)
    multiplier, increment = LCG_MULTIPLIER, LCG_INCREMENT
    while states.size < count:
        states = np.concatenate([states, states * np.uint32(multiplier) + np.uint32(increment)])
        increment = (multiplier * increment + increment) & 0xFFFFFFFF
        multiplier = multiplier * multiplier & 0xFFFFFFFF
    return states[:count]


_STATES = MappingProxyType({"int32": 0, "bool": 7})
"""Types that take the highest byte of the state as a number, without its lowest bits."""


def _as_input(states: NDArray[np.uint32], entry: TensorInfo) -> NDArray[Any]:
    """Return the upper bits of states, as many as an integer with a scale has, or the highest byte as a number."""
    if entry.dtype == "float32":
        return (states >> 24).astype(np.float32) / np.float32(256)
    if entry.dtype in _STATES:
        return (states >> (24 + _STATES[entry.dtype])).astype(entry.dtype)
    dtype = np.dtype(entry.dtype)
    return (states >> (32 - 8 * dtype.itemsize)).astype(f"u{dtype.itemsize}").view(dtype)


def _from_state(entry: TensorInfo) -> str:
    """Return the C expression for what ``_as_input`` does to a state."""
    if entry.dtype == "float32":
        return "(float)(state >> 24) / 256.0f"
    if entry.dtype in _STATES:
        return f"({C_TYPES[entry.dtype]})(state >> {24 + _STATES[entry.dtype]})"
    bits = 8 * np.dtype(entry.dtype).itemsize
    unsigned = f"(uint{bits}_t)(state >> {32 - bits})"
    return unsigned if entry.dtype.startswith("u") else f"(int{bits}_t){unsigned}"


def value_rows(arrays: Sequence[NDArray[Any]]) -> str:
    """Return arrays as the initialisers of a two-dimensional C array, one row each."""
    return ",\n".join("{\n" + lines_of([_value(v) for v in array.reshape(-1).tolist()]) + "\n}" for array in arrays)


def _value(value: int | float) -> str:
    return float_constant(value) if isinstance(value, float) else str(value)
