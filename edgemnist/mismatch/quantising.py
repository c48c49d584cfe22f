"""QUANTIZE of floats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgemnist.mismatch.case import Case


@dataclass(frozen=True, eq=False)
class Floats:
    """What is quantised, and how: ``value / scale + zero_point``."""

    values: NDArray[np.float32]
    scale: np.float32
    zero_point: int


def floats_of(case: Case) -> Floats | None:
    """Return the operands of a QUANTIZE of floats to 8 bits, None of other operators."""
    values, target = case.operands[0] if case.operands else None, case.output
    if case.kind != "QUANTIZE" or values is None or values.dtype != np.float32 or target.quantisation is None:
        return None
    if target.dtype not in ("int8", "uint8"):
        return None
    limited = np.clip(np.nan_to_num(values), -1e9, 1e9).astype(np.float32)
    return Floats(limited, np.float32(target.quantisation.scale), target.quantisation.zero_point)
