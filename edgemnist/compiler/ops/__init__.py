"""Operators, one file each: what is checked, the numpy reference, and how it becomes a kernel call.

``OPERATORS`` maps a TFLite operator name to its :class:`~edgemnist.compiler.ops.base.Operator`; it is filled from the
modules in this folder, so a new operator is one file here and one kernel in ``firmware/kernels``.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from edgemnist.compiler.ops.base import Operator
from edgemnist.support.discovery import modules_of


def _discover() -> Mapping[str, Operator]:
    found: dict[str, Operator] = {}
    for module in modules_of(__name__):
        for operator in getattr(module, "OPERATORS", ()):
            found.update(dict.fromkeys(operator.kinds, operator))
    return MappingProxyType(found)


OPERATORS = _discover()
