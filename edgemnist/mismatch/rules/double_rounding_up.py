"""The second of two roundings takes ties up."""

from __future__ import annotations

from edgemnist.mismatch.rounding import double_rounding_up
from edgemnist.mismatch.rule import Rule

RULE = Rule(
    name="double rounding, ties up",
    says="rounds twice as TFLM does, but takes ties of the shift up instead of away from zero, as TFLite's optimised "
    "kernels do",
    remedy="nothing is broken: take the runtime's reference kernels where bytes have to agree with the chip's",
    rank=1,
    rounding=double_rounding_up,
    known_in=("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"),
)
