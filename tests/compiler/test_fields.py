"""Fields of the kernels' structs: as the headers declare them, refused with a remedy where a value does not fit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest

from edgemnist.compiler.emit import kernels_folder
from edgemnist.compiler.ops.fields import CArray, Field, array_problems, field_problems, int16, int32
from edgemnist.compiler.reader import read_graph
from edgemnist.support.errors import UnsupportedModelError
from edgemnist.tflite.file import parse_tflite
from tests.compiler import (
    int16_nets,
    test_floats,
    test_fusions,
    test_int4,
    test_int16,
    test_operators_arg_max,
    test_operators_arithmetic,
    test_operators_batches,
    test_operators_bilinear,
    test_operators_cumsum,
    test_operators_elements,
    test_operators_float,
    test_operators_logic,
    test_operators_lstm,
    test_operators_matrices,
    test_operators_mean,
    test_operators_movement,
    test_operators_pairs,
    test_operators_softmax,
    test_operators_svdf,
    test_operators_transpose_conv,
    test_pooling,
    test_residual,
    test_sparse_layers,
    test_uint8,
    test_weighted_layers,
)
from tests.compiler.bench import Variant, build_program
from tests.compiler.model_builder import ModelBuilder
from tests.compiler.test_operators_movement import resize

Declared = dict[str, list[tuple[str, str]]]
"""The C type and name of every field, by struct."""


@cache
def declared() -> Declared:
    """Return every struct of the kernels' headers that is made of numbers and such structs."""
    structs: Declared = {}
    for header in sorted(kernels_folder().glob("em_*.h")):
        text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.DOTALL)
        for body, name in re.findall(r"typedef struct \{(.*?)\} (\w+);", text, flags=re.DOTALL):
            fields = [line.strip() for line in body.split(";") if line.strip()]
            structs[name] = [(words[0], words[1]) for words in (line.split() for line in fields) if len(words) == 2]
    return structs


def emitted(struct: str, fields: tuple[Field, ...]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield a struct that a step fills, with its fields' types and names, and the structs inside it."""
    yield struct, [(field.ctype, field.name) for field in fields]
    for field in fields:
        if isinstance(field.value, tuple):
            yield from emitted(field.ctype, field.value)


SPARSE_BODIES = ("portable", "cortex-m4", "cortex-m55")
"""Targets of which each has a way of its own to store weights that are mostly zero."""


def operator_cases() -> Iterator[tuple[bytes, Variant]]:
    """Yield models of every operator and every form of a layer."""
    plain = Variant(sparse="never")
    tables: list[Mapping[str, bytes]] = [
        *(test_operators_arithmetic.table(kind) for kind in test_operators_arithmetic.KINDS),
        test_operators_elements.TABLE, test_operators_mean.TABLE, test_operators_movement.TABLE,
        test_operators_softmax.TABLE, test_operators_pairs.TABLE, test_operators_bilinear.TABLE,
        test_operators_transpose_conv.TABLE, test_operators_matrices.TABLE,
        test_operators_arg_max.TABLE, test_operators_cumsum.TABLE, test_operators_batches.TABLE,
        test_operators_batches.SEVERAL_AXES, test_operators_batches.WITNESSED, test_operators_elements.EXPONENTIALS,
        test_operators_elements.ONLY_LITERT,
        test_operators_float.COMPUTED, test_operators_float.MOVED, test_operators_float.WITNESSED,
        test_operators_logic.TABLE, test_int4.TABLE, *(table() for table in test_int16.TABLES.values()),
        int16_nets.elements(), test_uint8.LAYERS, test_uint8.ELEMENTS, test_uint8.OTHERS,
    ]  # fmt: skip
    for table in tables:
        yield from ((content, plain) for content in table.values())
    for kind in test_pooling.KINDS:
        yield from ((case.subject("pool").content, plain) for case in test_pooling.table(kind).values())
    for name, cases in test_weighted_layers.TABLES.items():
        yield from ((case.content(), plain) for case in list(cases.values())[:: 1 if "channels" in name else 5])
    for networks in (test_fusions.POOLS, test_fusions.PADS, test_residual.RESIDUAL, test_residual.ACTIVATED):
        yield from ((test_fusions.model(*case), plain) for case in list(networks.values())[::4])
    for case in list(test_sparse_layers.layer_table().values())[::3]:
        yield from ((case.content(), Variant(target=target, sparse="always")) for target in SPARSE_BODIES)
    yield one_layer("CONV_2D", 4, 2), plain  # pointwise
    yield from ((filters.model(), plain) for filters in test_operators_svdf.TABLE.values())
    yield from ((cell.model(), plain) for cell in test_operators_lstm.TABLE.values())
    for one in (*test_floats.convolutions(), *test_floats.others()):
        yield one.content, plain


def test_every_struct_is_filled_as_its_header_declares_it() -> None:
    """Names, order and types; every parameter struct of the kernels is met."""
    found: dict[str, list[tuple[str, str]]] = {}
    for content, variant in operator_cases():
        for step in build_program(content, variant).steps:
            for struct, fields in emitted(step.struct_type, step.parameters):
                assert found.setdefault(struct, fields) == fields
    assert {struct: declared()[struct] for struct in found} == found
    assert {struct for struct in declared() if struct.endswith("_params")} <= set(found)


def test_every_size_in_the_headers_has_a_remedy_of_its_own() -> None:
    """Converting the model again helps with a scale, not with a size."""
    arithmetic = re.compile(
        r"zero_point|minimum|maximum|factor|sign|shift|value|bias|scale|furthest|multiplier|offset|exponent|argument"
    )
    flags = {"a", "b", "direct", "backward", "long_channels", "residual_is_a", "wide", "exclusive", "reverse"}
    flags |= {"turned", "time_major", "per_channel", "asymmetric", "element", "last"}
    for struct, fields in declared().items():
        for ctype, name in fields if struct.endswith(("_params", "_axis", "_layer")) else ():
            if ctype in ("int16_t", "int32_t") and name not in flags and not arithmetic.search(name):
                (problem,) = field_problems("operator 0", [Field(name, ctype, 2**40)])
                assert "convert" not in problem, (struct, name)


@pytest.mark.parametrize(
    ("field", "problem"),
    [
        (
            int16(stride_width=2**31),
            "operator 7: stride_width is 2147483648, kernels take up to 2147483647; use a smaller",
        ),
        (int16(step=40000), "operator 7: step is 40000, kernels take up to 32767; make the tensor smaller"),
        (int16(zero_point=-40000), "operator 7: zero_point is -40000, kernels take -32768 and more; convert the model"),
        (int32(count=2**31), "operator 7: count is 2147483648, kernels take up to 2147483647; make the tensor smaller"),
        ((Field("scale", "float", 1e300),), "operator 7: scale is 1e+300; convert the model"),
    ],
)
def test_a_remedy_fits_its_field(field: tuple[Field, ...], problem: str) -> None:
    (found,) = field_problems("operator 7", (*int16(fits=32767, least=-32768), Field("inside", "em_axis", field)))

    assert found.startswith(problem)


def test_arrays_are_checked_too() -> None:
    fits = CArray("rows", "int16_t", np.array([0, 32767]))
    wrong = CArray("channels", "em_channel", np.array([[0, 2**31]]))

    assert array_problems("operator 1", [fits, CArray("none", "int8_t", np.array([]))]) == []
    assert "channels is 2147483648, kernels take up to 2147483647" in array_problems("operator 1", [fits, wrong])[0]
    for value in (np.nan, np.inf, -np.inf):
        assert f"operand is {value}" in array_problems("", [CArray("operand", "float", np.array([1, value]))])[0]


# Through the reader and the command


def test_a_resize_is_taken_up_to_the_largest_place() -> None:
    """Places among rows and columns are of 16 bits; how many there are is in no such field."""
    assert build_program(resize((1, 32768, 1, 1), 32767, 1), Variant()).steps
    with pytest.raises(UnsupportedModelError, match=r"rows is 65534, .*; use fewer rows"):
        read_graph(parse_tflite(resize((1, 65536, 1, 1), 32767, 1)))


def one_layer(kind: str, size: int, axis: int) -> bytes:
    """Return a 1x1 pool, convolution or dense layer whose input has ``size`` along ``axis``."""
    builder = ModelBuilder()
    shape = [1, 1, 1, 1]
    shape[axis] = size
    if kind == "FULLY_CONNECTED":
        image = builder.input((1, 1), 0.1)
        weights = builder.constant(np.ones((size, 1)), 0.1)
        return builder.finish([builder.op(kind, [image, weights], (1, size), 0.5)])
    image = builder.input(shape, 0.1)
    if kind == "MAX_POOL_2D":
        options: dict[str, Any] = {"filter_height": 1, "filter_width": 1}
        return builder.finish([builder.op(kind, [image], shape, 0.1, stride_h=1, stride_w=1, **options)])
    weights = builder.constant(np.ones((1, 1, 1, shape[3])), 0.001)
    out_shape = (*shape[:3], 1)
    return builder.finish([builder.op(kind, [image, weights], out_shape, 0.5, stride_h=1, stride_w=1)])
