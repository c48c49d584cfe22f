"""Image files of every kind come out as plain 8-bit pixels; damaged ones are refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from edgemnist.data import images
from edgemnist.data.images import fit_image, read_header, read_image
from edgemnist.support.errors import InputError
from edgemnist.tflite.preprocessing import FITS

pytestmark = pytest.mark.unit

GREY: NDArray[np.uint8] = (np.arange(6 * 4).reshape(6, 4) * 10).astype(np.uint8)
COLOUR: NDArray[np.uint8] = np.stack([GREY, GREY[::-1], 255 - GREY], axis=-1)


def save(path: Path, pixels: NDArray[Any], mode: str | None = None, **options: Any) -> Path:
    picture = Image.fromarray(pixels)
    (picture.convert(mode) if mode else picture).save(path, **options)
    return path


@pytest.mark.parametrize("suffix", ["png", "bmp", "gif", "tif", "pgm", "webp"])
def test_grey_file_of_any_format(tmp_path: Path, suffix: str) -> None:
    options: dict[str, Any] = {"lossless": True} if suffix == "webp" else {}
    path = save(tmp_path / f"a.{suffix}", GREY, "L", **options)
    np.testing.assert_array_equal(read_image(path), GREY)
    assert read_header(path).size == (6, 4)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "ppm", "webp"])
def test_colour_file_of_any_format(tmp_path: Path, suffix: str) -> None:
    options: dict[str, Any] = {"lossless": True} if suffix == "webp" else {}
    np.testing.assert_array_equal(read_image(save(tmp_path / f"a.{suffix}", COLOUR, **options)), COLOUR)


def test_jpeg(tmp_path: Path) -> None:
    smooth = np.tile(np.arange(32, dtype=np.uint8) * 7, (32, 1))
    read = read_image(save(tmp_path / "a.jpg", smooth, quality=95))
    assert read.shape == (32, 32)
    assert np.abs(read.astype(int) - smooth).max() < 6


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P", "CMYK"])
def test_grey_content_in_a_colour_mode_is_grey(tmp_path: Path, mode: str) -> None:
    read = read_image(save(tmp_path / ("a.tif" if mode == "CMYK" else "a.png"), GREY, mode))
    assert read.shape == (6, 4)
    assert np.abs(read.astype(int) - GREY).max() <= 1


def test_one_bit_and_palette(tmp_path: Path) -> None:
    np.testing.assert_array_equal(
        read_image(save(tmp_path / "bit.png", np.where(GREY > 100, 255, 0).astype(np.uint8), "1")),
        np.where(GREY > 100, 255, 0),
    )
    two = np.where(GREY[..., None] > 100, [200, 10, 30], [0, 90, 255]).astype(np.uint8)
    Image.fromarray(two).quantize(2).save(tmp_path / "palette.png")
    np.testing.assert_array_equal(read_image(tmp_path / "palette.png"), two)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits(tmp_path: Path, suffix: str) -> None:
    wide = GREY.astype(np.uint16) * 257
    np.testing.assert_array_equal(read_image(save(tmp_path / f"a.{suffix}", wide)), GREY)


@pytest.mark.parametrize(
    ("brightest", "white"), [(4000, 4095), (1100, 4095), (20_000, 65_535), (600, 1023), (255, 255)]
)
def test_sixteen_bit_files_of_fewer_bits(tmp_path: Path, brightest: int, white: int) -> None:
    """By the least depth that cameras have: a dim picture of 12 bits is not made bright, none is nearly black."""
    wide = np.linspace(0, brightest, 24).reshape(6, 4).astype(np.uint16)
    np.testing.assert_array_equal(read_image(save(tmp_path / "a.png", wide)), np.rint(wide * (255 / white)))


@pytest.mark.parametrize("scale", [1.0, 1 / 255])
def test_floating_point(tmp_path: Path, scale: float) -> None:
    np.testing.assert_array_equal(read_image(save(tmp_path / "a.tif", (GREY * scale).astype(np.float32))), GREY)


@pytest.mark.parametrize(("ink", "background"), [(0, 255), (255, 0)])
def test_transparency_gets_the_background_that_shows_the_ink(tmp_path: Path, ink: int, background: int) -> None:
    rgba = np.zeros((4, 4, 4), np.uint8)
    rgba[1:3, 1:3] = (ink, ink, ink, 255)
    expected = np.full((4, 4), background, np.uint8)
    expected[1:3, 1:3] = ink
    np.testing.assert_array_equal(read_image(save(tmp_path / "a.png", rgba)), expected)


def test_opaque_bright_image_with_alpha_stays(tmp_path: Path) -> None:
    rgba = np.full((3, 3, 4), 255, np.uint8)
    np.testing.assert_array_equal(read_image(save(tmp_path / "a.png", rgba)), 255)
    rgba[..., 3] = 0
    np.testing.assert_array_equal(read_image(save(tmp_path / "b.png", rgba)), 255)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int) -> None:
    """The tag says how the camera was held: the eight ways to turn and mirror (EXIF 2.32, tag 0x0112)."""
    stored = {
        1: GREY,
        2: GREY[:, ::-1],
        3: GREY[::-1, ::-1],
        4: GREY[::-1],
        5: GREY.T,
        6: GREY.T[::-1],
        7: GREY[::-1, ::-1].T,
        8: GREY.T[:, ::-1],
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / "a.png", np.ascontiguousarray(stored), exif=exif)
    np.testing.assert_array_equal(read_image(path), GREY)
    assert read_header(path).size == (6, 4)


def test_first_frame_of_an_animation(tmp_path: Path) -> None:
    frames = [Image.fromarray(GREY), Image.fromarray(255 - GREY)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(read_image(tmp_path / "a.gif"), GREY)


@pytest.mark.parametrize("reader", [read_image, read_header])
def test_too_many_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: Any) -> None:
    monkeypatch.setattr(images, "MAX_PIXELS", 23)
    with pytest.raises(InputError, match=r"a\.png': it has 4 x 6 pixels, at most 23 are read: scale it down"):
        reader(save(tmp_path / "a.png", GREY))


def test_decompression_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    content = bytearray(save(tmp_path / "a.bmp", GREY).read_bytes())
    content[18:26] = (60_000).to_bytes(4, "little") * 2
    (tmp_path / "a.bmp").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.bmp"):
        read_image(tmp_path / "a.bmp")


@pytest.mark.parametrize("content", [b"", b"hello", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"])
def test_not_an_image(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.png' is not an image of a known format .PNG, JPEG"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize(("name", "reason"), [("missing.png", "No such file"), (".", "Is a directory")])
def test_unreadable(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(InputError, match=f"cannot read the image.*{reason}"):
        read_image(tmp_path / name)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(data=st.data(), suffix=st.sampled_from(["png", "jpg", "gif", "bmp", "tif", "webp", "ppm"]), cut=st.booleans())
def test_damaged_anywhere_is_read_or_refused(tmp_path: Path, data: st.DataObject, suffix: str, cut: bool) -> None:
    content = bytearray(save(tmp_path / f"good.{suffix}", COLOUR, "RGB").read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    if cut:
        del content[position:]
    else:
        content[position] = data.draw(st.integers(0, 255))
    path = tmp_path / f"bad.{suffix}"
    path.write_bytes(content)
    try:
        pixels = read_image(path)
    except InputError as error:
        assert f"bad.{suffix}" in str(error)
    else:
        assert pixels.dtype == np.uint8
        assert pixels.ndim == 2 or pixels.shape[2] == 3


def test_image_that_fits_is_unchanged() -> None:
    np.testing.assert_array_equal(fit_image(GREY, (6, 4), 1)[..., 0], GREY)
    np.testing.assert_array_equal(fit_image(COLOUR, (6, 4), 3), COLOUR)


def test_proportions_are_kept_and_the_rest_gets_the_border_colour() -> None:
    wide = np.full((10, 40), 200, np.uint8)
    fitted = fit_image(wide, (20, 20), 1)
    assert fitted.shape == (20, 20, 1)
    np.testing.assert_array_equal(fitted, 200)
    wide[2:6, 10:30] = 0
    rows, columns = np.nonzero(fit_image(wide, (20, 20), 1)[..., 0] < 100)
    assert rows.max() - rows.min() + 1 == 2
    assert columns.max() - columns.min() + 1 == 10


def test_channels_are_converted() -> None:
    assert fit_image(GREY, (3, 2), 3).shape == (3, 2, 3)
    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 0] = 255
    np.testing.assert_array_equal(fit_image(red, (4, 4), 1), 76)  # 0.299 * 255


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (3, 2), (28, 29)])
def test_extreme_shapes_fit(shape: tuple[int, int], fit: str) -> None:
    assert fit_image(np.zeros(shape, np.uint8), (28, 28), 1, fit).shape == (28, 28, 1)
    assert fit_image(np.zeros((*shape, 3), np.uint8), (5, 60), 3, fit).shape == (5, 60, 3)


def ramp(height: int, width: int) -> NDArray[np.uint8]:
    """Return an image whose value is the column, twice."""
    return np.tile((np.arange(width) * 2).astype(np.uint8), (height, 1))


def test_stretch_takes_all_of_the_image() -> None:
    fitted = fit_image(ramp(20, 100), (20, 20), 1, "stretch")[..., 0]
    np.testing.assert_allclose(fitted[7], np.arange(20) * 10 + 4, atol=2)


def test_crop_takes_the_middle_and_keeps_the_proportions() -> None:
    fitted = fit_image(ramp(20, 100), (10, 10), 1, "crop")[..., 0]
    np.testing.assert_allclose(fitted[4], 2 * (40 + np.arange(10) * 2 + 0.5), atol=2)
    np.testing.assert_array_equal(fit_image(ramp(20, 100).T, (10, 10), 1, "crop")[..., 0], fitted.T)


def test_crop_equals_stretch_where_the_proportions_are_alike() -> None:
    picture = np.random.RandomState(0).randint(0, 256, (30, 20)).astype(np.uint8)
    np.testing.assert_array_equal(fit_image(picture, (15, 10), 1, "crop"), fit_image(picture, (15, 10), 1, "stretch"))


def test_centre_scales_nothing() -> None:
    picture = np.random.RandomState(0).randint(0, 256, (9, 31)).astype(np.uint8)
    picture[0], picture[-1], picture[:, 0], picture[:, -1] = 77, 77, 77, 77
    fitted = fit_image(picture, (21, 21), 1, "centre")[..., 0]
    np.testing.assert_array_equal(fitted[6:15], picture[:, 5:26])
    assert set(np.unique(np.concatenate([fitted[:6], fitted[15:]]))) == {77}


def test_unknown_fit() -> None:
    with pytest.raises(InputError, match="unknown fit 'squash'; choose one of pad, stretch, crop, centre"):
        fit_image(GREY, (3, 3), 1, "squash")
