"""Tensor names for people: converters join the names of all layers that they fused, and the path to each."""

from __future__ import annotations

LONGEST = 40
"""Characters; longer names are shortened."""

_LEFT_OUT = ".../"


def short_name(name: str, longest: int = LONGEST) -> str:
    """Return a name of at most ``longest`` characters: of the first layer fused, the end of its path.

    ``"net/block_1/conv/Conv2D;net/block_1/bn/add"`` is ``".../conv/Conv2D"`` where 16 are allowed.
    """
    if len(name) <= longest:
        return name
    path = name.partition(";")[0]
    if len(path) <= longest:
        return path
    parts = path.split("/")
    kept = parts[-1]
    for part in reversed(parts[:-1]):
        if len(_LEFT_OUT) + len(part) + 1 + len(kept) > longest:
            break
        kept = f"{part}/{kept}"
    return f"{_LEFT_OUT}{kept}" if len(_LEFT_OUT) + len(kept) <= longest else f"...{kept[3 - longest :]}"
