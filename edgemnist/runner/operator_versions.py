"""Which operators, in which versions and types, interpreters load: what ``scripts/operator_versions`` measured.

Each column of the table is one version of one package, loaded and run where the script ran; nothing in it is taken from
documentation. What it does not say is not known.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import MappingProxyType

from edgemnist.tflite.file import OperatorInfo, TensorInfo, TfliteModel

TABLE = Path(__file__).with_suffix(".json")

RUNS, DELEGATED, REFUSED, UNTRIED = "+", "x", "-", "?"
"""What became of a model of one operator: its own kernel ran, XNNPACK's did, it was refused, nobody tried."""

_LISTS = ("ADD_N", "CONCATENATION", "PACK")
"""Operators of any number of inputs."""

TFLM = "tflm"
"""The column of TFLM, which has one kernel for all versions of an operator and never looks at the version."""


@dataclass(frozen=True)
class Column:
    """A version of a package and what it loads.

    ``name`` is ``tflite-runtime-2.14``. ``pythons`` are those that have a wheel of it, ``numpy_2``: whether it runs
    with numpy 2 or later; None where there is no numpy. ``edges``: the types that inputs and outputs can have; empty
    for any. ``versions``: the highest of each operator, 0 for one that it does not know, None where that was not told.
    ``types``: one of the four letters, by operator and :func:`form_of`.
    """

    name: str
    package: str
    version: str
    measured_on: str
    pythons: tuple[str, ...]
    numpy_2: bool | None
    edges: tuple[str, ...]
    versions: Mapping[str, int | None]
    types: Mapping[tuple[str, str], str]

    def tried(self, operator: OperatorInfo, model: TfliteModel) -> str:
        """Return what became of a model of such an operator, on the same types."""
        return self.types.get((operator.kind, form_of(operator, model)), UNTRIED)


@dataclass(frozen=True)
class Refusal:
    """Why an interpreter does not load an operator: ``what`` is "kind", "version", "types" or "edges".

    ``known`` is the highest version that it knows, for "version".
    """

    what: str
    operator: OperatorInfo | None
    reason: str
    known: int = 0


def form_of(operator: OperatorInfo, model: TfliteModel) -> str:
    """Return the types that an operator works on: ``int8,int8/c,int32->int8``.

    Of outputs, and of the inputs of operators that take a list, equal ones in a row count once; absent ones do not
    count. ``/c``: of several scales.
    """
    before, after = ([_type(model.tensors[i]) for i in ends if i != -1] for ends in (operator.inputs, operator.outputs))
    if operator.kind in _LISTS:
        before = [name for name, _ in groupby(before)]
    return f"{','.join(before)}->{','.join(name for name, _ in groupby(after))}"


def _type(tensor: TensorInfo) -> str:
    each = tensor.quantisation is not None and tensor.quantisation.per_channel
    return f"{tensor.dtype}/c" if each else tensor.dtype


@functools.cache
def columns() -> Mapping[str, Column]:
    """Return the table's columns by their names, those of a package from the oldest version on."""
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    found = {}
    for place, one in enumerate(table["runtimes"]):
        python = f"Python {one['python']}, numpy {one['numpy']}, " if "python" in one else ""
        found[one["name"]] = Column(
            name=one["name"],
            package=one["package"],
            version=one["version"],
            measured_on=f"{python}{one['machine']}",
            pythons=tuple(one.get("pythons", ())),
            numpy_2=one.get("numpy_2"),
            edges=tuple(one.get("edges", ())),
            versions={kind: row[place] for kind, row in table["versions"].items()},
            types={(k, form): row[place] for k, rows in table["types"].items() for form, row in rows.items()},
        )
    return MappingProxyType(found)


def column_of(package: str, version: str) -> Column | None:
    """Return the column of a package's version, or of one that differs in its last number only."""
    short = version.split(".")[:2]
    alike = (one for one in columns().values() if one.package == package)
    return next((one for one in alike if one.version.split(".")[:2] == short), None)


def refusals(model: TfliteModel, column: Column) -> list[Refusal]:
    """Return everything for which an interpreter refuses a model, as far as it was tried; of each reason one."""
    found: dict[str, Refusal] = {}
    for one in [*_edge_refusals(model, column), *_operator_refusals(model, column)]:
        found.setdefault(one.reason, one)
    return list(found.values())


def _edge_refusals(model: TfliteModel, column: Column) -> Iterator[Refusal]:
    for role, indices in (("input", model.inputs), ("output", model.outputs)):
        for dtype in {model.tensors[index].dtype for index in indices}:
            if column.edges and dtype not in column.edges:
                reason = f"an {role} is {dtype}, its tensors can be {', '.join(column.edges)}"
                yield Refusal("edges", None, reason)


def _operator_refusals(model: TfliteModel, column: Column) -> Iterator[Refusal]:
    for operator in model.operators:
        known = column.versions.get(operator.kind)
        if operator.kind.startswith("CUSTOM:") or known is None:
            continue
        if known == 0:
            yield Refusal("kind", operator, f"it does not know the operator {operator.kind}")
        elif operator.version > known and column.name != TFLM:
            reason = f"it knows {operator.kind} up to version {known}, the model has version {operator.version}"
            yield Refusal("version", operator, reason, known)
        elif column.tried(operator, model) == REFUSED:
            yield Refusal("types", operator, f"it has no {operator.kind} of {form_of(operator, model)}")


def untried(model: TfliteModel, column: Column) -> list[str]:
    """Return the operators of which a column does not tell whether they are loaded, with their types; each once."""
    names = []
    for operator in model.operators:
        known = column.versions.get(operator.kind)
        if operator.kind.startswith("CUSTOM:") or known is None:
            names.append(operator.kind.removeprefix("CUSTOM:"))
        elif known and column.tried(operator, model) == UNTRIED:
            names.append(f"{operator.kind} of {form_of(operator, model)}")
    return list(dict.fromkeys(names))


def delegated(model: TfliteModel, column: Column) -> int:
    """Return how many operators XNNPACK computes where each is alone: a model's other ones may keep it from that."""
    return sum(column.tried(operator, model) == DELEGATED for operator in model.operators)


def first_that_knows(operator: OperatorInfo, names: Sequence[str]) -> Column | None:
    """Return the first of the named columns that knows an operator in its version."""
    every = (columns()[name] for name in names)
    return next((one for one in every if (one.versions.get(operator.kind) or 0) >= operator.version), None)
