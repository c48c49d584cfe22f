"""Noise: every pixel value changes by itself."""

from __future__ import annotations

import numpy as np

from edgemnist.data.corruptions.base import Draws, Pixels, corruption

_GREY_LEVELS = 256
_LONGEST_TAIL = 60
"""Counts beyond the mean by which the tables of :func:`shot_noise` end: never reached by a float64's resolution."""


@corruption("few photons: Poisson counts, the mean at full white given", ((60,), (25,), (12,), (5,), (3,)), published=5)
def shot_noise(images: Pixels, draws: Draws, photons: float) -> Pixels:
    """Return Poisson(pixel x photons) / photons.

    The counts are drawn by inversion, from one table of the distribution per grey level: with a uniform number u,
    the count is the number of table entries P(count <= n) that u exceeds.
    """
    counts = np.arange(int(photons) + _LONGEST_TAIL)
    means = np.arange(_GREY_LEVELS)[:, np.newaxis] / (_GREY_LEVELS - 1) * photons
    # P(n) = exp(-mean) mean^n / n!, as a running product
    factors = np.concatenate([np.exp(-means), means / counts[1:]], axis=1)
    table = np.cumsum(np.cumprod(factors, axis=1), axis=1)
    grey = np.rint(images * (_GREY_LEVELS - 1)).astype(np.int64)
    uniform = draws.uniform(*images.shape[1:])
    bright = grey > 0  # black stays black, and most of a digit's image is
    # All tables in one sorted list, the grey level added to each: one search finds every pixel's count.
    ladder = (np.minimum(table, 1.0) + np.arange(_GREY_LEVELS)[:, np.newaxis]).ravel()
    found = np.searchsorted(ladder, grey[bright] + uniform[bright]) - grey[bright] * len(counts)
    noisy = np.zeros_like(images)
    noisy[bright] = found / photons
    return noisy


@corruption(
    "pixels stuck at black or white, their share given", ((0.03,), (0.06,), (0.09,), (0.17,), (0.27,)), published=4
)
def impulse_noise(images: Pixels, draws: Draws, share: float) -> Pixels:
    """Return the images with a share of the pixel values replaced by 0 or 1, either as often ("salt and pepper")."""
    stuck = draws.uniform(*images.shape[1:]) < share
    return np.where(stuck, draws.uniform(*images.shape[1:]) < 0.5, images)


@corruption("normal noise, standard deviation of 0..1 given", ((0.08,), (0.12,), (0.18,), (0.26,), (0.38,)))
def gaussian_noise(images: Pixels, draws: Draws, deviation: float) -> Pixels:
    """Return pixel + normal noise. The strengths are those of MNIST-C's generator, which the dataset leaves out."""
    return images + deviation * draws.normal(*images.shape[1:])
