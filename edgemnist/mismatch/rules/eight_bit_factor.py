"""The factor has 8 fractional bits."""

from __future__ import annotations

from edgemnist.mismatch.rounding import eight_fraction_bits
from edgemnist.mismatch.rule import Rule

RULE = Rule(
    name="factor of 8 fractional bits",
    says="rounds the factor to 8 fractional bits, as XNNPACK does in QUANTIZE and LEAKY_RELU",
    remedy="nothing is broken: take the runtime's reference kernels where bytes have to agree with the chip's",
    rank=1,
    rounding=eight_fraction_bits,
    known_in=("QUANTIZE", "LEAKY_RELU"),
)
