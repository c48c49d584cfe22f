"""A blueprint: an architecture as values, which a search can draw and a person can read and write as TOML.

A net is blocks one after the other and a head. What the blocks are built of is in
:mod:`edgemnist.training.blueprint_layers`; here are their shapes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from edgemnist.support.choices import unknown
from edgemnist.support.errors import InputError, first_line
from edgemnist.support.toml import TOMLDecodeError, loads

KINDS: Mapping[str, str] = {
    "conv": "a convolution",
    "separable": "a depthwise and a pointwise convolution",
    "residual": "two convolutions, added to what goes into them",
    "bottleneck": "a pointwise convolution to more channels, a depthwise one, a pointwise one to fewer",
}
"""The kinds of blocks, and what each is in a few words."""

HEADS: Mapping[str, str] = {
    "average": "the mean of each channel, then a dense layer",
    "flatten": "a dense layer of all values",
}
PADDINGS = ("same", "valid")

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
_MOST = {"channels": 512, "kernel": 11, "stride": 4, "expansion": 8, "squeeze": 16}
MOST_BLOCKS = 40
LARGEST_FILE = 100_000
"""Bytes of an architecture's file."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """One block; a batch norm and, but for a bottleneck's last, a ReLU follow each convolution.

    ``channels``: those that come out, 1 to 512; ``kernel``: rows and columns of the window, 1 to 11; ``stride`` 1 to 4;
    ``padding``: of the block's convolutions, in ``PADDINGS``; ``pool``: whether 2x2 max pooling follows; ``expansion``:
    a bottleneck's channels inside, as a multiple of those that go in, 1 to 8; ``squeeze``: 0, or how many times fewer
    the channels are between the two dense layers that gate each channel (Hu et al. 2018), 1 to 16.
    """

    kind: str = "conv"
    channels: int
    kernel: int = 3
    stride: int = 1
    padding: str = "same"
    pool: bool = False
    expansion: int = 1
    squeeze: int = 0

    def __post_init__(self) -> None:
        """Check the ranges."""
        _check_name("kind of block", self.kind, KINDS)
        _check_name("padding", self.padding, PADDINGS)
        for name, most in _MOST.items():
            value, least = getattr(self, name), 0 if name == "squeeze" else 1
            if type(value) is not int or not least <= value <= most:
                raise InputError(f"{name} {value!r} of a block is out of range; give a whole number {least} to {most}")
        if type(self.pool) is not bool:
            raise InputError(f"pool {self.pool!r} of a block is neither true nor false")
        self._check_kind()

    def _check_kind(self) -> None:
        if self.kind != "bottleneck" and self.expansion != 1:
            raise InputError(f"expansion {self.expansion} is of bottlenecks, this block is of kind {self.kind!r}")
        if self.kind in ("residual", "bottleneck") and self.padding != "same":
            raise InputError(f"padding {self.padding!r} would change the size of what a {self.kind} block adds; 'same'")

    def out_of(self, height: int, width: int) -> tuple[int, int]:
        """Return the height and width that come out; 0 or less where the window does not fit."""
        height, width = self.strided(height, width)
        return (height // 2, width // 2) if self.pool else (height, width)

    def strided(self, height: int, width: int) -> tuple[int, int]:
        """Return the height and width before the pooling, where there is one."""
        lost = self.kernel - 1 if self.padding == "valid" else 0
        return math.ceil((height - lost) / self.stride), math.ceil((width - lost) / self.stride)

    def least_for(self, side: int) -> int:
        """Return the least height, or width, of which as much as ``side`` comes out."""
        pooled = 2 * side if self.pool else side
        return (pooled - 1) * self.stride + 1 + (self.kernel - 1 if self.padding == "valid" else 0)


@dataclass(frozen=True, kw_only=True)
class BlueprintRecipe:
    """How a net of a blueprint is trained, as an architecture's defaults say it; the defaults are the ladder's."""

    epochs: int = 40
    learning_rate: float = 0.01
    augmentation: float = 1.0
    label_smoothing: float = 0.1
    averaging: bool = True

    def __post_init__(self) -> None:
        """Check the types; ranges are a training's own to check."""
        for field in fields(self):
            value, usual = getattr(self, field.name), field.default
            wanted = (int, float) if isinstance(usual, float) else (type(usual),)
            if type(value) not in wanted:
                raise InputError(f"{field.name} {value!r} of a recipe is not of the kind of {usual!r}")


@dataclass(frozen=True, kw_only=True)
class Blueprint:
    """A whole net. ``head`` is a name in ``HEADS``; ``name`` has letters, digits, - and _, at most 40."""

    name: str
    blocks: tuple[Block, ...]
    head: str = "average"
    recipe: BlueprintRecipe = BlueprintRecipe()

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise InputError(
                f"{self.name!r} is no name of an architecture; begin with a letter, then letters, digits, - and _, "
                "at most 40"
            )
        _check_name("head", self.head, HEADS)
        if not 1 <= len(self.blocks) <= MOST_BLOCKS:
            raise InputError(f"an architecture of {len(self.blocks)} blocks; give 1 to {MOST_BLOCKS}")

    def shapes(self, image_shape: tuple[int, int, int]) -> Iterator[tuple[int, int, int]]:
        """Yield the shape (height, width, channels) that goes into each block and, last, into the head.

        :raises InputError: an image of that shape is too small.
        """
        height, width, channels = image_shape
        yield image_shape
        for number, block in enumerate(self.blocks, start=1):
            height, width = block.out_of(height, width)
            channels = block.channels
            if min(height, width) < 1:
                raise InputError(
                    f"images of {'x'.join(map(str, image_shape))} are too small for {self.name!r}: nothing is left "
                    f"after block {number}; use larger images, or fewer strides and pools"
                )
            yield height, width, channels

    def smallest_side(self) -> int:
        """Return the least height and width of an image, in pixels."""
        side = 1
        for block in reversed(self.blocks):
            side = block.least_for(side)
        return side

    def as_json(self) -> dict[str, Any]:
        """Return it as values of JSON; defaults are left out."""
        document: dict[str, Any] = {"name": self.name, "head": self.head, "recipe": asdict(self.recipe)}
        return {**document, "blocks": [_without_defaults(block) for block in self.blocks]}

    def as_toml(self) -> str:
        """Return it as a file for ``edgemnist train --arch FILE``."""
        lines = ["# An architecture for `edgemnist train --arch FILE`.", "", f'name = "{self.name}"']
        lines += [f'head = "{self.head}"', "", "[recipe]"]
        lines += [f"{name} = {_toml(value)}" for name, value in asdict(self.recipe).items()]
        for block in self.blocks:
            lines += [
                "",
                "[[blocks]]",
                *(f"{name} = {_toml(value)}" for name, value in _without_defaults(block).items()),
            ]
        return "\n".join(lines) + "\n"


def blueprint_from(document: Mapping[str, Any], source: str = "an architecture") -> Blueprint:
    """Return the blueprint of values as ``as_json`` gives them; ``source`` is named in messages.

    :raises InputError: a key is unknown or missing, or a value is out of range.
    """
    known = ("name", "head", "recipe", "blocks")
    if not isinstance(document, Mapping):
        raise InputError(f"{source}: {document!r} is not a table")
    _check_keys(document, known, ("name", "blocks"), source)
    if not isinstance(document["blocks"], Sequence) or isinstance(document["blocks"], str):
        raise InputError(f"{source}: blocks are tables, each with [[blocks]] above it")
    recipe = _part(BlueprintRecipe, document.get("recipe", {}), f"{source}, recipe")
    blocks = tuple(_part(Block, one, f"{source}, block {n}") for n, one in enumerate(document["blocks"], start=1))
    try:
        return Blueprint(name=document["name"], blocks=blocks, head=document.get("head", "average"), recipe=recipe)
    except InputError as error:
        raise InputError(f"{source}: {error}") from None


def read_blueprint(path: Path) -> Blueprint:
    """Read an architecture's file.

    :raises InputError: it cannot be read, is no TOML, or not an architecture.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise InputError(
                f"{str(path)!r} has more than {LARGEST_FILE:,} bytes; an architecture's file has a few hundred"
            )
        document = loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be read: {error.strerror}") from None
    except (TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{str(path)!r} is not TOML: {error}") from None
    except (RecursionError, ValueError) as error:  # lists in lists in lists; a path or a number that Python refuses
        raise InputError(f"{str(path)!r} cannot be read: {first_line(error)}") from None
    return blueprint_from(document, repr(str(path)))


def _check_name(what: str, value: Any, known: Collection[str]) -> None:
    if not isinstance(value, str):
        raise InputError(f"{what} {value!r} is no text; choose one of {', '.join(known)}")
    if value not in known:
        raise unknown(what, value, known)


def _part(kind: Any, values: Any, source: str) -> Any:
    if not isinstance(values, Mapping):
        raise InputError(f"{source}: {values!r} is not a table")
    names = [field.name for field in fields(kind)]
    _check_keys(values, names, ("channels",) if kind is Block else (), source)
    try:
        return kind(**values)
    except InputError as error:
        raise InputError(f"{source}: {error}") from None


def _check_keys(values: Mapping[str, Any], known: Sequence[str], needed: Sequence[str], source: str) -> None:
    for name in values:
        if name not in known:
            raise InputError(f"{source}: {unknown('key', name, known)}")
    missing = [name for name in needed if name not in values]
    if missing:
        raise InputError(f"{source}: {' and '.join(missing)} is missing")


def _without_defaults(block: Block) -> dict[str, Any]:
    always = ("kind", "channels")
    values = {field.name: (getattr(block, field.name), field.default) for field in fields(block)}
    return {name: value for name, (value, usual) in values.items() if name in always or value != usual}


def _toml(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else repr(value)
