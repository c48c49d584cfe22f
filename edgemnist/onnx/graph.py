"""What an ONNX file says, checked and without what its output does not need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.onnx.layout import Layout, Shape

Constant = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Node:
    """One operator of the file. ``domain`` is empty for ONNX's own; ``inputs`` has "" where an optional one is absent.

    ``source`` is the file's own form of it, for those who evaluate it.
    """

    operator: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    source: Any

    @property
    def kind(self) -> str:
        """The operator's name with its domain, as people know it: ``Conv``, ``ai.onnx.ml.Scaler``."""
        return f"{self.domain}.{self.operator}" if self.domain else self.operator

    @property
    def label(self) -> str:
        """The operator and its name in the file, for messages."""
        return f"{self.kind} {self.name!r}" if self.name else f"{self.kind} (of output {self.outputs[0]!r})"


@dataclass(frozen=True, eq=False)
class Graph:
    """A classifier as read from ``path``; ``nodes`` are those that ``output`` needs, each after those that it needs.

    ``input_dtype`` is what the original is fed, ``batch`` the number of images that it takes at a time, None if that is
    free. ``shapes`` are those that ONNX infers, batch included (1 where it is free), for the values where it does.
    ``opsets`` are the versions of the operator sets by domain, "" being ONNX's own; ``operators`` are the kinds in the
    file, in order, whatever was simplified since.
    """

    path: Path
    nodes: tuple[Node, ...]
    constants: Mapping[str, Constant]
    input: str
    layout: Layout
    input_dtype: np.dtype[Any]
    batch: int | None
    output: str
    shapes: Mapping[str, Shape]
    opsets: Mapping[str, int]
    operators: tuple[str, ...]
    producer: str

    @property
    def opset(self) -> int:
        """Version of ONNX's own operators."""
        return self.opsets.get("", 1)
