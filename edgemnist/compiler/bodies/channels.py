"""``em_dot_thumb1.h``: weights channel by channel, each in the window's order."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.bodies.base import DenseBody


class ChannelByChannel(DenseBody):
    """Weights as they are in the file."""

    def pack(self, rows: NDArray[Any], row_length: int) -> NDArray[np.int8]:
        """See :meth:`DenseBody.pack`."""
        plain: NDArray[np.int8] = rows.astype(np.int8).reshape(-1)
        return plain
