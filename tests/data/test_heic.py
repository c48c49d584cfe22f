"""Photos of telephones, with the decoder that the extra `heic` brings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from numpy.typing import NDArray
from PIL import Image

from edgemnist.data.images import read_header, read_image
from edgemnist.data.loading import load_dataset
from edgemnist.support.errors import DatasetError, InputError
from edgemnist.training.image_size import propose_size


def photo(path: Path, red: int = 200) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels: NDArray[np.uint8] = np.full((40, 64, 3), (red, 90, 30), np.uint8)
    pillow_heif.from_pillow(Image.fromarray(pixels)).save(str(path), quality=90)
    return path


@pytest.mark.parametrize("name", ["a.heic", "renamed.jpg"])
def test_a_photo_is_read_whatever_its_name(tmp_path: Path, name: str) -> None:
    heic = photo(tmp_path / "a.heic").rename(tmp_path / name)
    assert read_header(heic).size == (40, 64)
    np.testing.assert_allclose(read_image(heic), np.broadcast_to([200, 90, 30], (40, 64, 3)), atol=4)


def test_photos_in_a_folder(tmp_path: Path) -> None:
    for number in range(4):
        photo(tmp_path / "ab"[number % 2] / f"IMG_{number}.HEIC".replace("HEIC", "heic"), 100 + 20 * number)
    Image.fromarray(np.full((40, 64, 3), (9, 90, 30), np.uint8)).save(tmp_path / "a/other.png")
    dataset = load_dataset(str(tmp_path), image_size=(20, 32))
    assert dataset.image_shape == (20, 32, 3)
    assert len(dataset.train) + len(dataset.test) == 5
    assert dataset.facts.passed_over == ()


def test_their_headers_propose_a_size(tmp_path: Path) -> None:
    for name in ("a/0.heic", "a/1.HEIC", "b/0.heic", "b/1.heic"):
        photo(tmp_path / name.lower()).rename(tmp_path / name)
    proposal = propose_size(str(tmp_path))
    assert proposal is not None
    assert (proposal.size, proposal.evidence) == ((48, 48), "for 4 pictures of 40x64")


def test_damaged_photos_are_named(tmp_path: Path) -> None:
    path = photo(tmp_path / "a/0.heic")
    for cut in (40, 300):
        path.write_bytes(path.read_bytes()[:-cut] if cut == 40 else path.read_bytes()[:cut])
        with pytest.raises(InputError, match=r"0\.heic"):
            read_image(path)


def test_without_the_decoder_they_are_counted_or_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a/0", "a/1", "b/0", "b/1"):
        photo(tmp_path / f"{name}.heic")
        Image.fromarray(np.full((9, 9), 90, np.uint8)).save(tmp_path / f"{name}.png")
    for module in ("images", "folders"):
        monkeypatch.setattr(f"edgemnist.data.{module}.reads_heif", lambda: False)
    monkeypatch.delitem(Image.OPEN, "HEIF", raising=False)
    (passed,) = load_dataset(str(tmp_path)).facts.passed_over
    assert (passed.count, passed.reason) == (4, "HEIC without its decoder: pip install 'edgemnist[heic]'")
    (tmp_path / "a/1.heic").rename(tmp_path / "a/9.jpg")
    with pytest.raises(DatasetError, match=r"HEIC photo .*9\.jpg': that needs its decoder: pip install 'edgemnist"):
        load_dataset(str(tmp_path))
