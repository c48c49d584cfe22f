"""Operators, one file each: what is checked, the numpy reference, and how it becomes a kernel call.

``OPERATORS`` maps a TFLite operator name to its :class:`~edgemnist.compiler.ops.base.Operator`; it is filled with the
classes in this folder, so a new operator is one file here and one kernel in ``firmware/kernels``. ``WITHOUT_TFLM`` are
those of the names for which TFLM has no kernel, ``WITH_LIBRARY`` those whose kernel calls the C library's functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from inspect import isabstract
from types import MappingProxyType

from edgemnist.compiler.ops.base import Operator
from edgemnist.support.discovery import modules_of


def _instances(one: type[Operator]) -> Mapping[str, Operator]:
    return {} if isabstract(one) else dict.fromkeys(one.kinds, one())


def _discover() -> Mapping[str, Operator]:
    found: dict[str, Operator] = {}
    for module in modules_of(__name__):
        for one in vars(module).values():
            if isinstance(one, type) and one.__module__ == module.__name__ and issubclass(one, Operator):
                found.update(_instances(one))
    return MappingProxyType(found)


OPERATORS = _discover()
WITH_LIBRARY = frozenset(kind for operator in OPERATORS.values() for kind in operator.with_library)
WITHOUT_TFLM = frozenset(kind for operator in OPERATORS.values() for kind in operator.without_tflm)
