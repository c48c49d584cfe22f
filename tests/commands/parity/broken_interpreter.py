"""Stands in the place of the package ``tflite_runtime`` in a worker: a real interpreter that breaks in a real way.

``BREAKS`` in the environment says how; the test that puts this file there sets it.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter as Whole
from ai_edge_litert.interpreter import OpResolverType
from numpy.typing import NDArray

__all__ = ["Interpreter", "OpResolverType"]

BREAKS = os.environ.get("BREAKS", "")
if BREAKS == "library":
    import ctypes

    ctypes.CDLL(os.environ["BROKEN_LIBRARY"])


class Interpreter(Whole):  # type: ignore[misc]
    """The interpreter of LiteRT, whose answers are spoilt on their way out."""

    def invoke(self) -> None:
        """Run the model, and break where that is asked for."""
        super().invoke()
        self.count = getattr(self, "count", 0) + 1
        if BREAKS == "noise":
            os.write(1, b"a line that nobody asked for\n" * 100)
            sys.stdout.write("and another\n")
        if BREAKS == "garbage" and self.count > 5:
            for number in range(3, 20):
                _write(number, b"\xff" * 64)
        if BREAKS == "dies at one picture" and self.count > 15:
            os.abort()

    def get_tensor(self, *arguments: Any, **named: Any) -> NDArray[Any]:
        """Return an output, and what is asked for made of it."""
        found: NDArray[Any] = super().get_tensor(*arguments, **named)
        if BREAKS == "shape":
            return np.concatenate([found, found], axis=-1)
        if BREAKS == "type":
            return np.asarray(found, np.int16)
        if BREAKS == "no number":
            return np.full_like(found, np.nan)
        return found


def _write(number: int, content: bytes) -> None:
    try:
        os.write(number, content)
    except OSError:
        return
