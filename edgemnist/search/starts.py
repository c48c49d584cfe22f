"""Where a search begins: a net of each family and each way to build it, as wide as its limits let it be.

Draws at random are mostly far from what limits ask for: of twenty within 300,000 instructions the best was 2 points
below a net of two strided stages that was chosen like this (MNIST, 8 epochs).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from edgemnist.search.counts import parts_of
from edgemnist.search.settings import SearchSettings
from edgemnist.search.space import Space, draw
from edgemnist.support.errors import InputError
from edgemnist.training.blueprint import Blueprint, BlueprintRecipe

_MARGIN = 1.1
"""What small nets take more than the usual, of requantisation and calls."""
_CODE, _CODE_A_BLOCK = 3_500, 700
"""Bytes of kernels that a small network needs beside its weights; and of a copy for each block, built for speed. Of 16
nets of 2 to 6 blocks on a Cortex-M4, GNU: 3,450 to 3,590 for size; for speed within 1,000 of this, 2,200 if separable.
"""
_SLOWER_FOR_SIZE = 4
"""How many times as many instructions a net takes that is built for size: 5.8 to 6.5 a multiply-accumulate there."""
_BYTES_A_CHANNEL = 9
"""Bias, multiplier and shift."""

_DEPTHWISE = 3.5
"""How many times as many instructions a multiply-accumulate of a depthwise convolution takes."""
_WITHOUT_LIMITS = 8
"""The first stage's channels where nothing limits them."""

_SHAPES: Mapping[str, tuple[int, tuple[float, ...], tuple[int, ...]]] = {
    "strided": (2, (1.0, 2.0), (1, 3)),
    "plain": (1, (1.0, 1.5, 2.0), (2, 2, 2)),
    "separable": (2, (1.0, 2.0, 3.0), (1, 2, 2)),
    "residual": (2, (1.0, 2.0, 2.5), (1, 1, 1)),
    "bottleneck": (2, (1.0, 1.5, 2.0), (1, 2, 2)),
}
"""By family: the first stride, the stages' widths as multiples of the first's, and their depths."""


class _Preset:
    """A draw of given values, as far as the space has them."""

    def __init__(self, wanted: Mapping[str, Any]) -> None:
        self.params: dict[str, Any] = {}
        self._wanted = wanted

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        """Return the wanted choice, or the first."""
        wanted = self._wanted.get(name)
        self.params[name] = wanted if wanted in choices else choices[0]
        return self.params[name]

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1) -> int:
        """Return the wanted number, or the nearest."""
        wanted = max(low, min(high, self._wanted.get(name, low)))
        self.params[name] = low + (wanted - low) // step * step
        return int(self.params[name])


def starts(settings: SearchSettings) -> Iterator[dict[str, Any]]:
    """Yield the parameters of a net of each family, the widest that should be within the limits, for each build."""
    for optimise, family in product(settings.space.optimise, settings.space.families):
        found: dict[str, Any] | None = None
        low, high = settings.space.width
        high = high if settings.limits.most else max(low, min(high, _WITHOUT_LIMITS))
        for width in range(low, high + 1, 2):
            params, blueprint = _preset(settings.space, family, optimise, width)
            if not _should_fit(blueprint, optimise, settings):
                break
            found = params
        if found is not None:
            yield found


def _preset(space: Space, family: str, optimise: str, width: int) -> tuple[dict[str, Any], Blueprint]:
    stride, widths, depths = _SHAPES[family]
    wanted: dict[str, Any] = {
        "family": family, "optimise": optimise, "stages": len(widths), "first_kernel": 3, "first_stride": stride,
        "squeeze": 0, "last_padding": "valid" if family == "strided" else "same",
    }  # fmt: skip
    for stage, (factor, depth) in enumerate(zip(widths, depths, strict=True), start=1):
        wanted |= {f"width{stage}": round(factor * width), f"depth{stage}": depth, f"expansion{stage}": 3}
    preset = _Preset(wanted)
    blueprint, _ = draw(space, preset, BlueprintRecipe())
    return preset.params, blueprint


def _should_fit(blueprint: Blueprint, optimise: str, settings: SearchSettings) -> bool:
    """Whether a net is within the limits by an estimate; it is counted before it is trained like any other."""
    try:
        parts = list(parts_of(blueprint, settings.image_shape, settings.classes))
    except InputError:
        return False
    most = settings.limits.most
    macs = sum(part.macs + (_DEPTHWISE - 1) * part.depthwise for part in parts)
    for_size = optimise == "size"
    instructions = _MARGIN * settings.instructions_per_mac * macs * (_SLOWER_FOR_SIZE if for_size else 1)
    channels = sum(block.channels for block in blueprint.blocks)
    code = _CODE + (0 if for_size else _CODE_A_BLOCK * len(blueprint.blocks))
    flash = code + _BYTES_A_CHANNEL * channels + sum(part.weights for part in parts)
    return instructions <= most.get("instructions", instructions) and flash <= most.get("flash", flash)
