"""A net's layers as calls of CMSIS-NN, in a program that answers as generated C does: for ``scripts/bench_layers``.

CMSIS-NN comes from the user's checkout and is compiled with the flags of TFLM's Makefile for a release (``-O2``,
target ``cortex_m_generic``). Each layer is called as TFLM's kernel calls it, with the parameters that TFLM's
``Prepare`` computes; what TFLM's interpreter itself takes is not in it. Memory functions are newlib's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgemnist.compiler.fixedpoint import Multiplier
from edgemnist.compiler.geometry import Geometry
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.arithmetic import LEFT_SHIFT, product_multiplier, sum_scaling
from edgemnist.compiler.ops.base import activation_range, quantisation_of
from edgemnist.compiler.ops.convolution import bias_values, channel_multipliers, conv_geometry, depthwise_geometry
from edgemnist.compiler.ops.operands import input_tensor, output_of, output_tensor, weight_values
from edgemnist.compiler.ops.pooling import pool_geometry
from edgemnist.compiler.ops.softmax import scaling_of
from edgemnist.compiler.ops.transpose_conv import as_convolution, transposed_geometry
from edgemnist.compiler.tensor_dump import TracedTensors
from edgemnist.csource.source import lines_of
from edgemnist.mcu.cores import Core
from edgemnist.mcu.network import Network, NetworkEnds, Place
from edgemnist.support import processes
from edgemnist.support.errors import EnvironmentFailure, InputError

FLAGS = (
    "-O2", "-std=c17", "-DNDEBUG", "-DTF_LITE_STATIC_MEMORY", "-DCMSIS_NN", "-DKERNELS_OPTIMIZED_FOR_SPEED",
    "-fno-unwind-tables", "-fno-asynchronous-unwind-tables", "-ffunction-sections", "-fdata-sections",
    "-fmessage-length=0", "-funsigned-char", "-fomit-frame-pointer",
)  # fmt: skip
"""TFLM's Makefile of 2026-08-20, BUILD_TYPE=release: those that change code."""

SCRATCH_BYTES = 0x18000
MEMORY_FUNCTIONS = ("memcpy", "memmove", "memset")


def library(checkout: Path, core: Core, folder: Path) -> Path:
    """Return CMSIS-NN's object for a core, compiled once; the firmware's own memory functions don't replace newlib's.

    :raises InputError: the folder is no checkout of CMSIS-NN.
    :raises EnvironmentFailure: the compiler failed.
    """
    if not (checkout / "Include" / "arm_nnfunctions.h").is_file():
        raise InputError(f"--cmsis-nn {str(checkout)!r} has no Include/arm_nnfunctions.h; name a checkout of CMSIS-NN")
    done = folder / f"{core.name}.o"
    if done.exists():
        return done
    sources = [one for one in sorted((checkout / "Source").rglob("*.c")) if "_flt" not in one.name]
    sources = [one for one in sources if not one.stem.endswith(("_f16", "_f32"))]
    objects = folder / core.name
    objects.mkdir(parents=True, exist_ok=True)
    compiler = ["arm-none-eabi-gcc", *core.gnu]
    _run([*compiler, *FLAGS, f"-I{checkout.resolve() / 'Include'}", "-c", *map(str, sources)], objects)
    names = [f"{one.stem}.o" for one in sources]
    libraries = ["-nostdlib", "-Wl,--start-group", "-lc", "-lgcc", "-Wl,--end-group"]
    _run([*compiler, "-r", *names, *libraries, "-o", "whole.o"], objects)
    local = [f"--localize-symbol={name}" for name in MEMORY_FUNCTIONS]
    _run(["arm-none-eabi-objcopy", *local, "whole.o", str(done.resolve())], objects)
    return done


def _run(command: Sequence[str], folder: Path) -> None:
    run = processes.run(command, cwd=folder)
    if run.returncode:
        raise EnvironmentFailure(f"{command[0]} failed with exit code {run.returncode}:\n{run.stderr[:2000]}")


def network(graph: Graph, checkout: Path, compiled: Path) -> Network:
    """Return the program of a graph none of whose nodes reads what another one writes."""
    tensors = [*graph.inputs, *graph.outputs]
    starts = np.cumsum([0, *(-(-graph.tensors[index].bytes // 16) * 16 for index in tensors)]).tolist()
    places = dict(zip(tensors, starts[:-1], strict=True))
    layers = [_layer(number, node, graph, places) for number, node in enumerate(graph.nodes)]
    macros = {index: f"NET_TENSOR_{index}_OFFSET" for index in tensors}
    header = ["#pragma once", "#include <stdint.h>", f"#define NET_ARENA_SIZE {starts[-1]}"]
    header += [f"#define NET_STEPS {len(layers)}", "#ifdef __cplusplus", 'extern "C" {', "#endif"]
    header += [f"#define {macro} {places[index]}" for index, macro in macros.items()]
    header += ["void net_setup(void);", "void net_run_in(int8_t *arena);"]
    header += ["void net_trace(int step, const void *data, unsigned long bytes);"]
    header += ["#ifdef __cplusplus", "}", "#endif", ""]
    return Network(
        files={"net.h": "\n".join(header), "net.cc": _program(layers)},
        layers=(),
        ends=NetworkEnds(
            tuple(Place(graph.tensors[index], macros[index]) for index in graph.inputs),
            tuple(Place(graph.tensors[index], macros[index]) for index in graph.outputs),
        ),
        arena_bytes=starts[-1],
        constants={},
        traced=TracedTensors((), ()),
        setup="net_setup()",
        cpp=("-std=c++17", "-fno-exceptions", "-fno-rtti", "-isystem", str(checkout.resolve() / "Include")),
        link=(str(compiled.resolve()), "-nostdlib", "-lgcc"),
    )


@dataclass(frozen=True)
class _Call:
    """A layer: its constants, what it does once before the first inference, and its call."""

    constants: Sequence[str]
    call: str
    setup: str = ""


_START = f"""#include "net.h"
#include "arm_nnfunctions.h"
#include "arm_nnsupportfunctions.h"
namespace {{
alignas(16) int8_t scratch[{SCRATCH_BYTES}], more_scratch[{SCRATCH_BYTES // 2}];
[[maybe_unused]] void room(int32_t size, size_t has)
{{
  if (size > static_cast<int32_t>(has)) __builtin_trap();
}}
[[maybe_unused]] void need(arm_cmsis_nn_status status)
{{
  if (status != ARM_CMSIS_NN_SUCCESS) __builtin_trap();
}}"""


def _program(layers: Sequence[_Call]) -> str:
    lines = [_START]
    for number, layer in enumerate(layers):
        # A layer is a function of its own, as TFLM's kernels are.
        lines += [*layer.constants, f"__attribute__((noinline)) void layer_{number}(int8_t *arena)", "{"]
        lines += [layer.call, "}"]
    lines += ["}", "void net_setup(void)", "{", "  scratch[0] = more_scratch[0] = 0;"]
    lines += [*(layer.setup for layer in layers), "}", "void net_run_in(int8_t *arena)", "{"]
    for number in range(len(layers)):
        lines += [f"  layer_{number}(arena);", f"  net_trace({number}, arena, 0);"]
    return "\n".join([*lines, "}", ""])


def _layer(number: int, node: Node, graph: Graph, places: dict[int, int]) -> _Call:
    values = [f"arena + {places[index]}" for index in graph.activations(node.inputs)]
    where = _Where(number, values, f"arena + {places[output_of(node)]}")
    makers = {
        "CONV_2D": _convolution, "DEPTHWISE_CONV_2D": _depthwise, "FULLY_CONNECTED": _dense, "MAX_POOL_2D": _pool,
        "AVERAGE_POOL_2D": _pool, "ADD": _add, "MUL": _mul, "SOFTMAX": _softmax, "TRANSPOSE_CONV": _transposed,
        "MAXIMUM": _extreme, "MINIMUM": _extreme, "PAD": _pad,
    }  # fmt: skip
    return makers[node.operator](node, graph, where)


@dataclass(frozen=True)
class _Where:
    """A layer's number, and C expressions of its inputs and output."""

    number: int
    inputs: Sequence[str]
    output: str

    def array(self, name: str, ctype: str, values: Sequence[int]) -> str:
        """Return a constant array's definition. CMSIS-NN takes factors as not constant: TFLM has them in RAM."""
        const = "" if name in ("multiplier", "shift") else "const "
        return f"alignas(16) {const}{ctype} {name}_{self.number}[] = {{\n{lines_of(map(str, values))}}};"

    def dims(self, name: str, sizes: Sequence[int]) -> str:
        """Return the definition of dimensions."""
        return f"const cmsis_nn_dims {name}_{self.number} = {{{', '.join(map(str, sizes))}}};"


def _clamp(node: Node, graph: Graph) -> str:
    low, high = activation_range(node.integer("fused_activation_function"), output_tensor(node, graph))
    return f"{{{low}, {high}}}"


def _offsets(node: Node, graph: Graph) -> tuple[int, int]:
    ends = input_tensor(node, graph), output_tensor(node, graph)
    return -quantisation_of(ends[0]).zero_point, quantisation_of(ends[1]).zero_point


def _weighted(node: Node, graph: Graph, where: _Where, channels: int) -> list[str]:
    """Return weights, bias and factors."""
    factors: Sequence[Multiplier] = channel_multipliers(node, graph)
    return [
        where.array("weights", "int8_t", weight_values(node, graph).ravel().tolist()),
        where.array("bias", "int32_t", bias_values(node, graph, channels).tolist()),
        where.array("multiplier", "int32_t", [one.mantissa for one in factors]),
        where.array("shift", "int32_t", [one.exponent for one in factors]),
    ]


def _dims(where: _Where, g: Geometry, weights: Sequence[int]) -> list[str]:
    return [
        where.dims("input", (1, g.in_height, g.in_width, g.in_channels)),
        where.dims("filter", weights),
        where.dims("biases", (1, 1, 1, g.out_channels)),
        where.dims("output", (1, g.out_height, g.out_width, g.out_channels)),
    ]


def _tiles(g: Geometry) -> tuple[str, str, str]:
    return (
        f"{{{g.stride_width}, {g.stride_height}}}",
        f"{{{g.padding.left}, {g.padding.top}}}",
        f"{{{g.dilation_width}, {g.dilation_height}}}",
    )


def _arguments(where: _Where) -> str:
    n = where.number
    return (
        f"&input_{n}, {where.inputs[0]}, &filter_{n}, weights_{n}, &biases_{n}, bias_{n}, &output_{n}, {where.output}"
    )


def _call(function: str, parameters: str, where: _Where, constants: list[str], size: str) -> _Call:
    """Return the call of a layer with weights; ``parameters`` is the definition of its struct, called p."""
    n = where.number
    call = (
        f"  const cmsis_nn_context ctx = {{scratch, sizeof scratch}};\n"
        f"  const cmsis_nn_per_channel_quant_params quant = {{multiplier_{n}, shift_{n}}};\n"
        f"  need({function}(&ctx, &p_{n}, &quant, {_arguments(where)}));"
    )
    setup = f"  room({size}(&p_{n}, &input_{n}, &filter_{n}, &output_{n}), sizeof scratch);"
    return _Call([*constants, parameters], call, setup)


def _convolution(node: Node, graph: Graph, where: _Where) -> _Call:
    g = conv_geometry(node, graph)
    offsets, (stride, padding, dilation) = _offsets(node, graph), _tiles(g)
    constants = _dims(where, g, (1, g.kernel_height, g.kernel_width, weight_values(node, graph).shape[3]))
    constants += _weighted(node, graph, where, g.out_channels)
    values = f"{offsets[0]}, {offsets[1]}, {stride}, {padding}, {dilation}, {_clamp(node, graph)}"
    parameters = f"const cmsis_nn_conv_params p_{where.number} = {{{values}}};"
    size = "arm_convolve_wrapper_s8_get_buffer_size"
    return _call("arm_convolve_wrapper_s8", parameters, where, constants, size)


def _depthwise(node: Node, graph: Graph, where: _Where) -> _Call:
    g = depthwise_geometry(node, graph)
    offsets, (stride, padding, dilation) = _offsets(node, graph), _tiles(g)
    constants = _dims(where, g, (1, g.kernel_height, g.kernel_width, g.out_channels))
    constants += _weighted(node, graph, where, g.out_channels)
    values = f"{offsets[0]}, {offsets[1]}, {g.out_channels // g.in_channels}, {stride}, {padding}, {dilation}"
    parameters = f"const cmsis_nn_dw_conv_params p_{where.number} = {{{values}, {_clamp(node, graph)}}};"
    size = "arm_depthwise_conv_wrapper_s8_get_buffer_size"
    return _call("arm_depthwise_conv_wrapper_s8", parameters, where, constants, size)


def _transposed(node: Node, graph: Graph, where: _Where) -> _Call:
    layer, g, n = as_convolution(node), transposed_geometry(node, graph), where.number
    offsets, (stride, padding, dilation) = _offsets(layer, graph), _tiles(g)
    constants = _dims(where, g, (g.out_channels, g.kernel_height, g.kernel_width, g.in_channels))
    constants += _weighted(layer, graph, where, g.out_channels)
    far = f"{{{g.padding.right}, {g.padding.bottom}}}"
    values = f"{offsets[0]}, {offsets[1]}, {stride}, {padding}, {far}, {dilation}, {{-128, 127}}"
    constants.append(f"const cmsis_nn_transpose_conv_params p_{n} = {{{values}}};")
    size = f"arm_transpose_conv_s8_get_buffer_size(&p_{n}, &input_{n}, &filter_{n}, &output_{n})"
    reverse = f"arm_transpose_conv_s8_get_reverse_conv_buffer_size(&p_{n}, &input_{n}, &filter_{n})"
    call = (
        f"  const cmsis_nn_context ctx = {{scratch, sizeof scratch}}, more = {{more_scratch, sizeof more_scratch}};\n"
        f"  const cmsis_nn_per_channel_quant_params quant = {{multiplier_{n}, shift_{n}}};\n"
        f"  need(arm_transpose_conv_wrapper_s8(&ctx, &more, &p_{n}, &quant, {_arguments(where)}));"
    )
    return _Call(constants, call, f"  room({size}, sizeof scratch);\n  room({reverse}, sizeof more_scratch);")


def _dense(node: Node, graph: Graph, where: _Where) -> _Call:
    units, depth = weight_values(node, graph).shape
    offsets, n = _offsets(node, graph), where.number
    constants = [
        where.dims("input", (1, 1, 1, depth)), where.dims("filter", (depth, 1, 1, units)),
        where.dims("biases", (1, 1, 1, units)), where.dims("output", (1, 1, 1, units)),
        *_weighted(node, graph, where, units),
        f"const cmsis_nn_fc_params p_{n} = {{{offsets[0]}, 0, {offsets[1]}, {_clamp(node, graph)}}};",
        f"int32_t sums_{n}[{units}];",
    ]  # fmt: skip
    by_channel = int(len(channel_multipliers(node, graph)) > 1)
    call = (
        f"  const cmsis_nn_context ctx = {{sums_{n}, sizeof sums_{n}}};\n"
        f"  const cmsis_nn_quant_params quant = {{multiplier_{n}, shift_{n}, {by_channel}}};\n"
        f"  need(arm_fully_connected_wrapper_s8(&ctx, &p_{n}, &quant, {_arguments(where)}));"
    )
    # TFLM sums constant weights once, where the core's kernel takes their sums.
    sums = f"arm_vector_sum_s8(sums_{n}, {depth}, {units}, weights_{n}, p_{n}.input_offset, 0, bias_{n})"
    return _Call(constants, call, f"  if (arm_fully_connected_s8_get_buffer_size(&filter_{n}) > 0) need({sums});")


def _pool(node: Node, graph: Graph, where: _Where) -> _Call:
    g, n = pool_geometry(node, graph), where.number
    stride, padding, _ = _tiles(g)
    constants = _dims(where, g, (1, g.kernel_height, g.kernel_width, 1))
    constants.append(f"const cmsis_nn_pool_params p_{n} = {{{stride}, {padding}, {_clamp(node, graph)}}};")
    largest = node.operator == "MAX_POOL_2D"
    function = "arm_max_pool_s8" if largest else "arm_avgpool_s8"
    call = (
        "  const cmsis_nn_context ctx = {scratch, sizeof scratch};\n"
        f"  need({function}(&ctx, &p_{n}, &input_{n}, {where.inputs[0]}, &filter_{n}, &output_{n}, {where.output}));"
    )
    size = f"  room(arm_avgpool_s8_get_buffer_size({g.out_width}, {g.in_channels}), sizeof scratch);"
    return _Call(constants, call, "" if largest else size)


def _zero_points(node: Node, graph: Graph) -> list[int]:
    return [-quantisation_of(graph.tensors[index]).zero_point for index in node.inputs]


def _add(node: Node, graph: Graph, where: _Where) -> _Call:
    scaling, zeros, output = sum_scaling(node, graph), _zero_points(node, graph), output_tensor(node, graph)
    operands = [f"{zero}, {one.mantissa}, {one.exponent}" for zero, one in zip(zeros, scaling.operands, strict=True)]
    low, high = activation_range(node.integer("fused_activation_function"), output)
    call = (
        f"  need(arm_elementwise_add_s8({', '.join(where.inputs)}, {', '.join(operands)}, {LEFT_SHIFT}, "
        f"{where.output}, {quantisation_of(output).zero_point}, {scaling.sum.mantissa}, {scaling.sum.exponent}, "
        f"{low}, {high}, {output.elements}));"
    )
    return _Call([], call)


def _mul(node: Node, graph: Graph, where: _Where) -> _Call:
    factor, zeros, output = product_multiplier(node, graph), _zero_points(node, graph), output_tensor(node, graph)
    low, high = activation_range(node.integer("fused_activation_function"), output)
    call = (
        f"  need(arm_elementwise_mul_s8({', '.join(where.inputs)}, {zeros[0]}, {zeros[1]}, {where.output}, "
        f"{quantisation_of(output).zero_point}, {factor.mantissa}, {factor.exponent}, {low}, {high}, "
        f"{output.elements}));"
    )
    return _Call([], call)


def _softmax(node: Node, graph: Graph, where: _Where) -> _Call:
    scaling, shape = scaling_of(node, graph, node.number("beta")), input_tensor(node, graph).shape
    rows = int(np.prod(shape[:-1]))
    # TFLM's diff_min is minus the radius.
    call = (
        f"  arm_softmax_s8({where.inputs[0]}, {rows}, {shape[-1]}, {scaling.multiplier}, {scaling.shift}, "
        f"-{radius(scaling.shift)}, {where.output});"
    )
    return _Call([], call)


def radius(shift: int) -> int:
    """Return TFLite's ``CalculateInputRadius`` of 5 integer bits."""
    return 31 << 26 >> shift


def _four(shape: Sequence[int]) -> Sequence[int]:
    return (*(1,) * (4 - len(shape)), *shape)


def _extreme(node: Node, graph: Graph, where: _Where) -> _Call:
    n, name = where.number, node.operator.lower()
    shapes = [_four(graph.tensors[index].shape) for index in (*node.inputs, output_of(node))]
    constants = [where.dims(what, shape) for what, shape in zip(("a", "b", "output"), shapes, strict=True)]
    call = (
        "  const cmsis_nn_context ctx = {nullptr, 0};\n"
        f"  need(arm_{name}_s8(&ctx, {where.inputs[0]}, &a_{n}, {where.inputs[1]}, &b_{n}, {where.output}, "
        f"&output_{n}));"
    )
    return _Call(constants, call)


def _pad(node: Node, graph: Graph, where: _Where) -> _Call:
    n, amounts, image = where.number, graph.tensors[node.inputs[1]].data, input_tensor(node, graph)
    assert amounts is not None
    constants = [
        where.dims("input", image.shape),
        where.dims("before", amounts[:, 0].tolist()),
        where.dims("after", amounts[:, 1].tolist()),
    ]
    call = (
        f"  need(arm_pad_s8({where.inputs[0]}, {where.output}, {quantisation_of(image).zero_point}, &input_{n}, "
        f"&before_{n}, &after_{n}));"
    )
    return _Call(constants, call)
