"""Why a model can't be compiled, for people: a line for each kind of problem, with how often and where it is.

Operators say their problems one by one, each with its operator and mostly a tensor; of a net of fifty layers that is
a hundred lines of which all say the same. Two problems are of one kind where they differ in nothing but the operator,
the first name and numbers.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from edgemnist.support.errors import UnsupportedModelError
from edgemnist.tflite.file import TfliteModel
from edgemnist.tflite.names import LONGEST, readable_name

HEADLINE = "the model can't be compiled:"

NAMED = 3
"""So many tensors and operators of a kind of problem are named, the others counted."""

QUANTISED = frozenset({"int4", "int8", "uint8", "int16"})

_OPERATOR = re.compile(r"operator (\d+ [\w:+]+): ")
_NAME = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class _Problem:
    """A problem's parts: ``operator`` is "3 CONV_2D" or empty, ``name`` the first quoted one or empty."""

    operator: str
    name: str
    text: str

    @property
    def kind(self) -> str:
        """The text without what differs between problems of one kind."""
        return _NUMBER.sub("0", self.text.replace(self.name, "", 1) if self.name else self.text)


def refusal(model: TfliteModel, problems: Sequence[str]) -> UnsupportedModelError:
    """Return the error that lists all problems of a model, by kind."""
    names = dict(zip((tensor.name for tensor in model.tensors), model.readable, strict=True))
    return UnsupportedModelError(HEADLINE, [*_float_remedy(model), *by_kind(problems, names)])


def by_kind(problems: Sequence[str], names: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    """Return a line for each kind of problem, in the order in which the kinds first come.

    ``names``: what people call the tensors that are named, by their names in the file.
    """
    kinds: dict[str, list[_Problem]] = {}
    for problem in map(_parts, dict.fromkeys(problems)):
        kinds.setdefault(f"{bool(problem.operator)} {problem.kind}", []).append(problem)
    return [_line(alike, names) for alike in kinds.values()]


def _float_remedy(model: TfliteModel) -> list[str]:
    """Return what to do first where nothing that the model computes is quantised."""
    indices = {index for operator in model.operators for index in (*operator.inputs, *operator.outputs) if index != -1}
    activations = {model.tensors[index].dtype for index in indices if model.tensors[index].data is None}
    if "float32" not in activations or activations & QUANTISED:
        return []
    weights = {model.tensors[index].dtype for index in indices if model.tensors[index].data is not None}
    if weights & QUANTISED:
        return ["only its weights are quantised: convert the float model behind it with `edgemnist convert --int8`"]
    return ["it computes in float32: make an int8 model of it with `edgemnist convert --int8`, and compile that"]


def _parts(problem: str) -> _Problem:
    operator = _OPERATOR.match(problem)
    text = problem[operator.end() :] if operator else problem
    name = _NAME.search(text)
    return _Problem(operator[1] if operator else "", name[0] if name else "", text)


def _line(alike: Sequence[_Problem], readable: Mapping[str, str]) -> str:
    first = alike[0]
    operators = list(dict.fromkeys(problem.operator for problem in alike if problem.operator))
    names = list(dict.fromkeys(problem.name for problem in alike if problem.name))
    shown = [f"'{_shown(name, readable)}'" for name in names]
    text = first.text.replace(first.name, f"{shown[0]}{_also(shown)}", 1) if shown else first.text
    where = f"operator {operators[0]}{_also(operators)}: " if operators else ""
    return f"{where}{text}"


def _shown(quoted: str, readable: Mapping[str, str]) -> str:
    """Return what is between quotation marks, a tensor's name as people call it."""
    name, inside = str(ast.literal_eval(quoted)), quoted[1:-1]
    return readable.get(name) or (inside if len(inside) <= LONGEST else readable_name(name))


def _also(found: Sequence[str]) -> str:
    """Return the others in brackets: `` (also 'a', 'b' and 21 more)``."""
    others, left = found[1:NAMED], len(found) - NAMED
    if not others:
        return ""
    return f" (also {', '.join(others)}{f' and {left} more' if left > 0 else ''})"
