"""The image size that suits a folder of pictures, proposed from their headers."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from edgemnist.data.folders import find_pictures
from edgemnist.data.images import read_header
from edgemnist.data.registry import known_dataset
from edgemnist.support.errors import DatasetError, InputError

AUTO_SIZE = "auto"

LARGEST_PROPOSED = 48
"""Pixels in height and width. The ladder's nets halve their maps twice and see some 32 pixels of an image at once: what
is much larger they see in parts only, at four times the multiplications and memory for twice the side."""

LARGEST_GIVEN = 224

_STEP = 4
_SMALLEST_PROPOSED = 8
_MOST_READ = 1_000


@dataclass(frozen=True)
class SizeProposal:
    """A size (height, width) in pixels, and in words what speaks for it."""

    size: tuple[int, int]
    evidence: str


def parse_image_size(text: str | None) -> int | None:
    """Return what ``--image-size`` asks for: a side in pixels, None for "auto", which is the default.

    :raises InputError: it is neither.
    """
    if text is None or text == AUTO_SIZE:
        return None
    if text.isascii() and text.isdigit() and 1 <= int(text) <= LARGEST_GIVEN:
        return int(text)
    raise InputError(
        f"image size {text!r} is neither {AUTO_SIZE!r} nor a whole number of pixels from 1 to {LARGEST_GIVEN}; give "
        f"one of them, for example --image-size {LARGEST_PROPOSED}"
    )


def propose_size(dataset: str) -> SizeProposal | None:
    """Return the size that suits the pictures of a dataset's folder; None for what is not a folder of pictures.

    Pictures that all have one size of at most :data:`LARGEST_PROPOSED` keep it; others become squares of that side, or
    smaller where half of them are smaller. Of more than 1,000 pictures every so many is looked at.
    """
    root = Path(dataset).expanduser()
    if known_dataset(dataset) is not None or not root.is_dir():
        return None
    pictures = _pictures(root)
    sizes = _sizes(pictures[:: -(-len(pictures) // _MOST_READ)] if pictures else [])
    if not sizes:
        return None
    seen = _in_words(sizes, len(pictures))
    if len(sizes) == 1 and max(max(sizes)) <= LARGEST_PROPOSED:
        return SizeProposal(max(sizes), f"as {seen} are")
    longer = statistics.median(max(size) for size in sizes.elements())
    side = max(_SMALLEST_PROPOSED, min(LARGEST_PROPOSED, int(longer) // _STEP * _STEP))
    return SizeProposal((side, side), f"for {seen}")


def _pictures(root: Path) -> list[Path]:
    """Return the picture files of a folder, sorted; none where it has no classes, of which the loader speaks."""
    try:
        found = find_pictures(root)
    except DatasetError:
        return []
    return sorted(path for path, _ in (*found.train, *found.test))


def _sizes(paths: list[Path]) -> Counter[tuple[int, int]]:
    """Count the sizes (height, width) of files; those that cannot be read are for the loader to speak of."""
    sizes: Counter[tuple[int, int]] = Counter()
    for path in paths:
        try:
            sizes[read_header(path).size] += 1
        except InputError:
            continue
    return sizes


def _in_words(sizes: Counter[tuple[int, int]], pictures: int) -> str:
    if len(sizes) == 1:
        ((height, width),) = sizes
        return f"{pictures:,} pictures of {height}x{width}"
    smallest, largest = (extreme(sizes, key=lambda size: size[0] * size[1]) for extreme in (min, max))
    return f"{pictures:,} pictures of {smallest[0]}x{smallest[1]} to {largest[0]}x{largest[1]}"
