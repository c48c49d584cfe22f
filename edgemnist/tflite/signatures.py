"""The signatures of a ``.tflite``: names under which a file offers its graphs, and their inputs and outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Signature:
    """A name for a graph: ``inputs`` and ``outputs`` map its names of tensors to their numbers in ``subgraph``."""

    name: str
    subgraph: int
    inputs: Mapping[str, int]
    outputs: Mapping[str, int]


def signatures_of(file: Any) -> tuple[Signature, ...]:
    """Return the signatures of a file as the ``tflite`` package reads it; not those of graphs that it has not."""
    found = (_signature(file.SignatureDefs(place)) for place in range(file.SignatureDefsLength()))
    return tuple(one for one in found if one.subgraph < file.SubgraphsLength())


def _signature(table: Any) -> Signature:
    return Signature(
        _text(table.SignatureKey()),
        int(table.SubgraphIndex()),
        {_text(one.Name()): int(one.TensorIndex()) for one in map(table.Inputs, range(table.InputsLength()))},
        {_text(one.Name()): int(one.TensorIndex()) for one in map(table.Outputs, range(table.OutputsLength()))},
    )


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode(errors="replace")
