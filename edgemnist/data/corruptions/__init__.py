"""Corruptions: how a test image looks when the world is not as tidy as the training set. Deterministic.

    base        Corruption, the ``corruption`` decorator, random numbers per image
    apply       ``corrupt``: uint8 images in, uint8 images out      registry    which corruptions there are
    noise, blur, geometry, lighting, lines, edges                   the corruptions themselves

The fifteen of MNIST-C (Mu and Gilmer, "MNIST-C: A Robustness Benchmark for Computer Vision", arXiv:1906.02337) with the
strengths of its published generator, and four sweeps beside them. To add one, decorate a function in any module here.

Lengths are those of 28 x 28 images and grow with the image, so that a strength looks the same at every size.
"""

from edgemnist.data.corruptions.apply import corrupt
from edgemnist.data.corruptions.base import MAX_SEVERITY, Corruption
from edgemnist.data.corruptions.registry import corruptions, find_corruption, select_corruptions

__all__ = ["MAX_SEVERITY", "Corruption", "corrupt", "corruptions", "find_corruption", "select_corruptions"]
