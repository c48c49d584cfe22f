"""What is said of the channels that are left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgemnist.compiler.graph import LeftOut


def summary(found: Sequence[LeftOut]) -> str:
    """Return one line for people; empty where nothing is left out."""
    if not found:
        return ""
    gone, every = sum(layer.gone for layer in found), sum(layer.channels for layer in found)
    where = found[0].layer if len(found) == 1 else f"{len(found)} layers"
    return f"left out, exactly: {gone:,} of {every:,} channels of {where} that are constant or that nobody reads"


def as_json(found: Sequence[LeftOut]) -> dict[str, Any]:
    """Return the same for the manifest and ``--json``, layer by layer."""
    return {
        "channels": sum(layer.gone for layer in found),
        "layers": [
            {"operator": layer.layer, "channels": layer.channels, "constant": layer.constant, "unread": layer.unread}
            for layer in found
        ],
    }
