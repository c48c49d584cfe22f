"""The image size is proposed from the headers of a folder's pictures, and only of those."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgemnist.support.errors import InputError
from edgemnist.training.image_size import parse_image_size, propose_size


def pictures(root: Path, *sizes: tuple[int, int]) -> Path:
    """Write pictures of these heights and widths into two class folders."""
    from PIL import Image

    for index, (height, width) in enumerate(sizes):
        folder = root / ("cat", "dog")[index % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((height, width), index, np.uint8)).save(folder / f"{index}.png")
    return root


@pytest.mark.unit
@pytest.mark.parametrize(
    ("sizes", "size", "evidence"),
    [
        ([(32, 32)] * 4, (32, 32), "as 4 pictures of 32x32 are"),
        ([(20, 40)] * 4, (20, 40), "as 4 pictures of 20x40 are"),
        ([(96, 96)] * 4, (48, 48), "for 4 pictures of 96x96"),
        ([(480, 640), (60, 61), (600, 800)], (48, 48), "for 3 pictures of 60x61 to 600x800"),
        ([(30, 20), (38, 20), (39, 10)], (36, 36), "for 3 pictures of 39x10 to 38x20"),
        ([(3, 3), (4, 5)], (8, 8), "for 2 pictures of 3x3 to 4x5"),
    ],
)
def test_the_size_follows_the_pictures(
    sizes: list[tuple[int, int]], size: tuple[int, int], evidence: str, tmp_path: Path
) -> None:
    proposal = propose_size(str(pictures(tmp_path, *sizes)))
    assert proposal is not None
    assert (proposal.size, proposal.evidence) == (size, evidence)


@pytest.mark.unit
def test_what_is_no_picture_does_not_count(tmp_path: Path) -> None:
    root = pictures(tmp_path / "photos", (32, 32), (32, 32))
    pictures(root / ".thumbnails", (8, 8))
    pictures(root / "__MACOSX", (8, 8))
    (root / "cat" / "broken.png").write_bytes(b"no picture")
    (root / "cover.png").write_bytes((root / "cat" / "0.png").read_bytes())
    (root / "cat" / "notes.txt").write_text("no picture")
    proposal = propose_size(str(root))
    assert proposal is not None
    assert proposal.size == (32, 32)


@pytest.mark.unit
def test_only_folders_of_pictures_get_a_proposal(tmp_path: Path) -> None:
    (tmp_path / "array.npz").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    assert [propose_size(name) for name in ("mnist", str(tmp_path / "array.npz"), str(tmp_path / "empty"), "none")] == [
        None
    ] * 4


@pytest.mark.unit
@pytest.mark.parametrize(("text", "side"), [(None, None), ("auto", None), ("48", 48), ("224", 224)])
def test_the_option_is_auto_or_a_number(text: str | None, side: int | None) -> None:
    assert parse_image_size(text) == side


@pytest.mark.unit
@pytest.mark.parametrize("text", ["0", "225", "-8", "48x48", "big", "4.5", ""])
def test_other_sizes_are_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"is neither 'auto' nor a whole number of pixels from 1 to 224; give"):
        parse_image_size(text)
