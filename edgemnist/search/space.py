"""The space: every blueprint that a search may draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from edgemnist.support.choices import unknown
from edgemnist.support.errors import InputError
from edgemnist.training.blueprint import Block, Blueprint, BlueprintRecipe

FAMILIES = ("plain", "strided", "separable", "residual", "bottleneck")
"""Convolutions with pooling between the stages, or with strides instead; the other kinds of blocks, with strides."""

_KINDS = {"plain": "conv", "strided": "conv", "separable": "separable"}
_OPTIMISED = ("speed", "size")


class Draw(Protocol):
    """What draws values by name: a trial of Optuna."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Return one of the choices."""

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1) -> int:
        """Return a whole number, both ends included."""


@dataclass(frozen=True, kw_only=True)
class Space:
    """What may be drawn.

    ``stages``: the least and the most of them; the image halves from each to the next. ``depth``: the most blocks of a
    stage; ``width``: the least and the most channels of a stage, drawn in steps of 2; ``optimise``: what a net may be
    built for, in ("speed", "size").
    """

    families: tuple[str, ...] = FAMILIES
    stages: tuple[int, int] = (2, 4)
    depth: int = 3
    width: tuple[int, int] = (4, 48)
    squeeze: bool = True
    optimise: tuple[str, ...] = ("speed",)

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name in self.families:
            if name not in FAMILIES:
                raise unknown("family", name, FAMILIES)
        for name in self.optimise:
            if name not in _OPTIMISED:
                raise unknown("goal of optimisation", name, _OPTIMISED)
        if not self.families or not self.optimise:
            raise InputError("a space without families or builds has no net in it; name at least one of each")
        if not 1 <= self.stages[0] <= self.stages[1] <= 6 or not 1 <= self.depth <= 6:
            raise InputError(f"stages {self.stages} and depth {self.depth} are out of range; 1 to 6 each, least first")
        if not 2 <= self.width[0] <= self.width[1] <= 256 or self.width[0] % 2:
            raise InputError(f"width {self.width} is out of range; give even channels from 2 to 256, the least first")


def draw(space: Space, trial: Draw, recipe: BlueprintRecipe) -> tuple[Blueprint, str]:
    """Return a blueprint and what it is built for, "speed" or "size".

    An image may be too small for the blueprint; that is seen where its shapes are.
    """
    family = trial.suggest_categorical("family", space.families)
    optimise = trial.suggest_categorical("optimise", space.optimise)
    stages = trial.suggest_int("stages", *space.stages)
    first_kernel = trial.suggest_categorical("first_kernel", (3, 5))
    first_stride = 1 if family == "plain" else trial.suggest_categorical("first_stride", (1, 2))
    squeeze = trial.suggest_categorical("squeeze", (0, 4)) if space.squeeze else 0
    last = trial.suggest_categorical("last_padding", ("same", "valid"))
    blocks: list[Block] = []
    for stage in range(1, stages + 1):
        blocks += _stage(space, trial, family, stage, squeeze, (first_kernel, first_stride))
        if family == "plain" and stage < stages:
            blocks[-1] = replace(blocks[-1], pool=True)
    if last == "valid" and blocks[-1].kind in ("conv", "separable"):
        blocks[-1] = replace(blocks[-1], padding="valid")
    return Blueprint(name="drawn", blocks=tuple(blocks), recipe=recipe), optimise


def _stage(space: Space, trial: Draw, family: str, stage: int, squeeze: int, first: tuple[int, int]) -> list[Block]:
    width = trial.suggest_int(f"width{stage}", *space.width, step=2)
    depth = trial.suggest_int(f"depth{stage}", 1, space.depth)
    kind = _KINDS.get(family, family)
    expansion = trial.suggest_int(f"expansion{stage}", 1, 4) if kind == "bottleneck" else 1
    blocks = []
    for place in range(depth):
        opens = stage == 1 and place == 0
        if opens:  # an image of one or three channels has nothing for other kinds to work on
            blocks.append(Block(channels=width, kernel=first[0], stride=first[1]))
            continue
        stride = 2 if place == 0 and family != "plain" else 1
        blocks.append(Block(kind=kind, channels=width, stride=stride, expansion=expansion, squeeze=squeeze))
    return blocks
