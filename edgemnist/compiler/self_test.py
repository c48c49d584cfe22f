"""NAME_test.c: golden vectors and a CRC-32 self-test, expected values from the numpy references."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.emit import EmitSettings
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops import OPERATORS
from edgemnist.compiler.ops.base import LoweringSettings
from edgemnist.compiler.reference import run_reference
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

NO_SELF_TEST = (
    f"a tensor has over {LARGEST_TENSOR:,} elements, or a layer's windows {WINDOW_VALUES} times as many, "
    f"or all together over {MOST_COMPUTED:,}"
)
"""Why a network has none."""

_TEMPLATE = """/* Self-test of {name}: golden vectors, then a CRC-32 over the outputs of generated inputs.
 * {name}_self_test() returns 0 when all is right, 1 to {golden} for the first wrong golden vector and {crc_code} for a
 * wrong CRC. Compile with {prefix}_TEST_MAIN for a program that exits with that code.
 */
#include <string.h>

#include "{name}.h"

enum {{ GOLDEN = {golden}, GENERATED = {generated} }};

static const {entry} golden_inputs[GOLDEN][{prefix}_INPUT_SIZE] = {{
{inputs}
}};

static const {result} golden_outputs[GOLDEN][{prefix}_OUTPUT_SIZE] = {{
{outputs}
}};

/* CRC-32 as in IEEE 802.3: reflected, polynomial 0xedb88320. */
static uint32_t crc32(uint32_t crc, const void *data, size_t size)
{{
  const uint8_t *byte = (const uint8_t *)data;
  crc = ~crc;
  while (size-- > 0) {{
    crc ^= *byte++;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0xedb88320u & (uint32_t)-(int32_t)(crc & 1u));
  }}
  return ~crc;
}}

int {name}_self_test(void);

int {name}_self_test(void)
{{
  static {entry} input[{prefix}_INPUT_SIZE];
  static {result} output[{prefix}_OUTPUT_SIZE];
  uint32_t crc = 0;
  uint32_t state = 0;
  for (int vector = 0; vector < GOLDEN; ++vector) {{
    {name}_run(golden_inputs[vector], output);
    if (memcmp(output, golden_outputs[vector], sizeof output) != 0) return vector + 1;
  }}
  for (int vector = 0; vector < GENERATED; ++vector) {{
    for (int i = 0; i < {prefix}_INPUT_SIZE; ++i) {{
      state = state * {multiplier}u + {increment}u;
      input[i] = {from_state};
    }}
    {name}_run(input, output);
    crc = crc32(crc, output, sizeof output);
  }}
  return crc == 0x{crc:08x}u ? 0 : GOLDEN + 1;
}}

#ifdef {prefix}_TEST_MAIN
int main(void)
{{
  return {name}_self_test();
}}
#endif
"""


def self_test_source(
    graph: Graph, settings: EmitSettings, lowering: LoweringSettings, images: Sequence[NDArray[Any]] = ()
) -> str:
    """Return the text of ``NAME_test.c``.

    ``images`` are golden inputs in the input's shape and dtype; without them the generator's first inputs are taken.
    """
    entry, result = graph.tensors[graph.input], graph.tensors[graph.output]
    vectors = vectors_of(graph)
    crc_vectors = max(min(CRC_VECTORS, vectors - 1), 0)
    generated = generated_inputs(entry, vectors)
    golden = list(images) or generated[crc_vectors:]
    outputs = [run_reference(graph, image, lowering)[graph.output] for image in golden]
    crc = 0
    for image in generated[:crc_vectors]:
        crc = zlib.crc32(run_reference(graph, image, lowering)[graph.output].tobytes(), crc)
    return _TEMPLATE.format(
        name=settings.name, prefix=settings.name.upper(), golden=len(golden), crc_code=len(golden) + 1,
        generated=crc_vectors, entry=C_TYPES[entry.dtype], result=C_TYPES[result.dtype],
        inputs=value_rows(golden), outputs=value_rows(outputs), multiplier=LCG_MULTIPLIER, increment=LCG_INCREMENT,
        from_state=_from_state(entry), crc=crc,
    )  # fmt: skip


def vectors_of(graph: Graph) -> int:
    """Return how many vectors a network's self-test has at most, 0 for a network too large for one."""
    sizes = [graph.tensors[graph.input].elements, *(_computed(node, graph) for node in graph.nodes)]
    return 0 if max(sizes) > LARGEST_TENSOR else min(CRC_VECTORS + GOLDEN_VECTORS, MOST_COMPUTED // sum(sizes))


def _computed(node: Node, graph: Graph) -> int:
    """Return the elements that the reference of a node computes, or as many as its windows count for."""
    elements = sum(graph.tensors[tensor].elements for tensor in node.outputs)
    return max(elements, OPERATORS[node.kind].window_values(node, graph) // WINDOW_VALUES)


def generated_inputs(entry: TensorInfo, count: int) -> list[NDArray[Any]]:
    """Return the inputs that the self-test's generator makes, in order."""
    states = generated_states(count * entry.elements)
    rows = (states >> 24).astype(np.uint8).reshape(count, entry.elements)
    return [_as_input(row, entry).reshape(entry.shape) for row in rows]


def generated_states(count: int) -> NDArray[np.uint32]:
    """Return the generator's first states after 0: so many again follow from those that there are, by one product."""
    states = np.array([LCG_INCREMENT], np.uint32)
    multiplier, increment = LCG_MULTIPLIER, LCG_INCREMENT
    while states.size < count:
        states = np.concatenate([states, states * np.uint32(multiplier) + np.uint32(increment)])
        increment = (multiplier * increment + increment) & 0xFFFFFFFF
        multiplier = multiplier * multiplier & 0xFFFFFFFF
    return states[:count]


def _as_input(bytes_: NDArray[np.uint8], entry: TensorInfo) -> NDArray[Any]:
    if entry.dtype == "float32":
        return bytes_.astype(np.float32) / np.float32(256)
    return bytes_.view(np.dtype(entry.dtype))


def _from_state(entry: TensorInfo) -> str:
    """Return the C expression for what ``_as_input`` does to the highest byte of the state."""
    if entry.dtype == "float32":
        return "(float)(state >> 24) / 256.0f"
    return "(int8_t)(uint8_t)(state >> 24)" if entry.dtype == "int8" else "(uint8_t)(state >> 24)"


def value_rows(arrays: Sequence[NDArray[Any]]) -> str:
    """Return arrays as the initialisers of a two-dimensional C array, one row each."""
    return ",\n".join("{\n" + lines_of([_value(v) for v in array.reshape(-1).tolist()]) + "\n}" for array in arrays)


def _value(value: int | float) -> str:
    return float_constant(value) if isinstance(value, float) else str(value)
