"""Which runtimes are the measure of exactness."""

from __future__ import annotations

ORACLES = ("tflm", "tflite-runtime-reference")
"""The int8 oracle and its second witness, which takes the oracle's place where TFLM can't run."""
