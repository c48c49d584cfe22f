"""Builders of models that name their inputs, or have float edges; for `scripts/operator_versions`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from tests.compiler.model_builder import ModelBuilder  # noqa: E402

FLOAT = "float32"


class NamedInputs(ModelBuilder):
    """Gives each input a name of its own, by which LiteRT.js tells them apart."""

    def input(self, shape: Sequence[int], scale: float | None = 1.0, zero_point: int = 0, **details: Any) -> int:
        """See :meth:`ModelBuilder.input`."""
        return super().input(shape, scale, zero_point, name=f"input_{len(self._inputs)}", **details)


class WithFloatEdges(NamedInputs):
    """Puts a QUANTIZE behind each quantised input and a DEQUANTIZE behind each quantised output."""

    def input(self, shape: Sequence[int], scale: float | None = 1.0, zero_point: int = 0, **details: Any) -> int:
        """See :meth:`ModelBuilder.input`."""
        if scale is None:
            return super().input(shape, scale, zero_point, **details)
        image = super().input(shape, None, dtype=FLOAT)
        return self.op("QUANTIZE", [image], shape, scale, zero_point, version=1, **details)

    def finish(self, outputs: Sequence[int], **details: Any) -> bytes:
        """See :meth:`ModelBuilder.finish`."""
        return super().finish([self._as_float(index) for index in outputs], **details)

    def _as_float(self, index: int) -> int:
        tensor = self._tensors[index]
        if tensor.quantization is None:
            return index
        return self.op("DEQUANTIZE", [index], tensor.shape, dtype=FLOAT, version=1)
