"""A net's counted costs with the layers' instructions added up by block of its blueprint."""

from __future__ import annotations

import re

from edgemnist.mcu.netcost import NetCost
from edgemnist.search.costs import Costs
from edgemnist.search.counts import HEAD

_BLOCK = re.compile(r"(block\d+)_")
"""How names of a block's layers begin; a converted tensor has its layer's name in its own."""


def costs_of(counted: NetCost) -> Costs:
    """Return counted costs by block; what is in none is the head's."""
    blocks: dict[str, float] = {}
    for layer in counted.layers:
        found = _BLOCK.search(layer.tensor.partition(";")[0])
        name = found.group(1) if found else HEAD
        blocks[name] = blocks.get(name, 0.0) + layer.instructions
    return Costs(
        instructions=counted.instructions,
        flash=counted.flash,
        arena=counted.arena,
        milliseconds=counted.milliseconds,
        blocks=blocks,
    )
