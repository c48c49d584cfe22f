"""operators.md and onnx-operators.md: what the compiler and the import take, and which kernels and bodies there are."""

from __future__ import annotations

import ast
import functools
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

from edgemnist.compiler.emit import kernel_files
from edgemnist.compiler.graph import HYBRID, INT4, plain_kind, type_of
from edgemnist.compiler.ops import OPERATORS
from edgemnist.compiler.ops.base import Operator, check_activation
from edgemnist.compiler.passes import FUSIONS
from edgemnist.compiler.targets import TARGETS, Target
from edgemnist.compiler.unsigned import SAME
from edgemnist.onnx.registry import operators as onnx_operators
from reference_pages.text import Page, code, codes, first_sentence, mark, prose, table

_FOLDER = "edgemnist.compiler.ops"
_HEADER = re.compile(r"em_\w+\.h")
_BODY = re.compile(r"#include (EM_TARGET_\w+)")


def page() -> Page:
    """Return the page of the compiler's operators."""
    rows = [
        (_name(kind), _explained(type(one)), mark(takes_activation(one)), _links(kernels_of(kind)))
        for kind, one in _listed()
    ]
    body = [
        table(("Operator", "What it computes", "Fused activation", "Kernels"), rows),
        "A fused activation is none, ReLU, ReLU6 or ReLU -1..1. An operator without a kernel takes no time and no "
        "memory: its output is its input's memory.\n",
        f"On uint8 these compute as on int8, and have its kernels: {codes(sorted(SAME))}.\n",
        "## Fusions\n",
        table(("Fusion", "What becomes one"), [(code(name), _explained(run)) for name, run in FUSIONS.items()]),
        "## Targets\n",
        "A body replaces the inner part of a kernel for one core, byte for byte; without one it is portable C99.\n",
        table(("Target", "For", "Bodies"), [_target_row(target) for target in TARGETS.values()]),
        "## Operators by target\n",
        "\"own\": some kernel of the operator has a body of the target's own; else it is the portable kernel.\n",
        _matrix(),
    ]  # fmt: skip
    summary = "The operators that `edgemnist codegen` compiles, their kernels, and what each target has of its own."
    return Page("operators.md", "Operators", summary, "\n".join(body))


def onnx_page() -> Page:
    """Return the page of the operators that ``edgemnist import`` takes."""
    rows = [(code(kind), prose(first_sentence(one).removeprefix("Return "))) for kind, one in onnx_operators().items()]
    summary = "The ONNX operators that `edgemnist import` takes."
    return Page("onnx-operators.md", "ONNX operators", summary, table(("Operator", "What it becomes"), rows))


def _listed() -> list[tuple[str, Operator]]:
    """Return the operators that a file can have, by kind."""
    return sorted((kind, one) for kind, one in OPERATORS.items() if one.of_files)


def _name(kind: str) -> str:
    if kind.startswith(INT4):
        return f"{code(plain_kind(kind))} with int4 weights"
    weights = " with int8 weights" if kind.startswith(HYBRID) else ""
    return f"{code(plain_kind(kind))} on {type_of(kind)}{weights}" if kind != plain_kind(kind) else code(kind)


def _explained(documented: object) -> str:
    return prose(first_sentence(documented))


def _target_row(target: Target) -> tuple[str, str, str]:
    return code(target.name), target.description, _links(target.bodies.values()) or "portable"


def _matrix() -> str:
    rows = [
        (_name(kind), *("own" if macros & target.bodies.keys() else "portable" for target in TARGETS.values()))
        for kind, one in _listed()
        if kind == plain_kind(kind) and (macros := body_macros(kernels(one)))
    ]
    own = {kind for kind, one in _listed() if kind == plain_kind(kind) and body_macros(kernels(one))}
    portable = sorted({kind for kind, _ in _listed()} - own)
    others = codes(kind for kind in portable if kind == plain_kind(kind))
    types = [*sorted({type_of(kind) for kind in portable} - {"int8"}), "int8 with int4 weights"]
    listed = f"{', '.join(types[:-1])} and {types[-1]}"
    return f"{table(('Operator', *TARGETS), rows)}\nPortable everywhere: {others}, and all on {listed}.\n"


def _links(headers: Any) -> str:
    return ", ".join(f"[`{name}`](../../firmware/kernels/{name})" for name in headers)


def body_macros(headers: tuple[str, ...]) -> set[str]:
    """Return the macros by which kernels ask for a target's body, in the headers and all that these include."""
    return {macro for text in kernel_files(headers).values() for macro in _BODY.findall(text)}


def kernels_of(kind: str) -> tuple[str, ...]:
    """Return the headers that a kind may call: of an operator in several types those that are of this one."""
    found = kernels(OPERATORS[kind])
    wide = tuple(header for header in found if header.startswith("em_int16"))
    others = tuple(header for header in found if header not in wide)
    return (wide or others) if type_of(kind) == "int16" else others


def kernels(operator: Operator) -> tuple[str, ...]:
    """Return the headers that an operator's lowering may call, sorted: those that its code names."""
    found = {
        node.value
        for tree in _code_of(type(operator))
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _HEADER.fullmatch(node.value)
    }
    return tuple(sorted(found))


def takes_activation(operator: Operator) -> bool:
    """Whether an operator has an activation as an option of its own: its code checks it."""
    asked = getattr(operator, "int8", operator)  # of uint8 layers the one of int8 checks it
    bases = [one for one in type(asked).__mro__ if issubclass(one, Operator) and one is not Operator]
    trees = (tree for one in bases for tree in _code_of(one))
    return any(
        isinstance(node, ast.Name) and node.id == check_activation.__name__ for tree in trees for node in ast.walk(tree)
    )


@functools.cache
def _code_of(operator: type[Operator]) -> tuple[ast.AST, ...]:
    """Return the syntax trees of a class' methods, inherited or its own, and of what they use in its folder."""
    seen: set[Any] = set()
    methods = [one for _, one in inspect.getmembers(operator, inspect.isfunction)]
    return tuple(tree for one in methods for tree in _reachable(one, seen))


def _reachable(start: Callable[..., Any], seen: set[Any]) -> Iterator[ast.AST]:
    if start in seen:
        return
    seen.add(start)
    tree = ast.parse(textwrap.dedent(inspect.getsource(start)))
    yield tree
    known = vars(sys.modules[start.__module__])
    for node in ast.walk(tree):
        used = known.get(node.id) if isinstance(node, ast.Name) else None
        if used is not None and _is_helper(used):
            yield from _reachable(used, seen)


def _is_helper(value: Any) -> bool:
    """Whether a value is a function or class of the operators' folder, but not an operator."""
    if inspect.isclass(value):
        return value.__module__.startswith(_FOLDER) and not issubclass(value, Operator)
    return inspect.isfunction(value) and value.__module__.startswith(_FOLDER)
