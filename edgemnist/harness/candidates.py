"""The ways in which a model may have to be fed: every plausible preprocessing, and how two of them differ."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgemnist.tflite.normalisation import NORMALISATIONS, Normalisation, normalisation_name, standardised
from edgemnist.tflite.preprocessing import LAYOUTS, Preprocessing

VARIED = ("normalisation", "channels", "layout", "inverted", "transposed", "fit")
"""What is varied, in the order in which it is named; the order of the classes is worked out of the answers."""

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Mean and deviation of ImageNet's pixels in 0..1, as torchvision's pretrained models were trained with."""

_CAFFE = (103.939, 116.779, 123.68)
"""ImageNet's mean pixel in 0..255, blue first, as Caffe's models and Keras' VGG and ResNet subtract it."""

_CIFAR10 = ((0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616))
_MNIST = (0.1307, 0.3081)
_FASHION_MNIST = (0.286, 0.353)
"""As they stand in PyTorch's and others' examples."""


def varied(*, layout: bool) -> tuple[str, ...]:
    """Return what is tried otherwise; the layout only where nothing tells it, for else it follows from the input."""
    return tuple(name for name in VARIED if name != "layout" or layout)


def plausible_normalisations(images: NDArray[np.uint8], *, bgr: bool = False) -> dict[str, Normalisation]:
    """Return the normalisations that a model of such images is likely to have, by what ``--normalisation`` takes.

    ``images``: uint8, shape (count, height, width, channels); their own mean and deviation are among them. ``bgr``:
    whether the model takes blue first, for numbers of each channel are in the model's order.
    """
    found = list(NORMALISATIONS.values())
    if images.shape[3] == 1:
        found += [standardised(*_MNIST), standardised(*_FASHION_MNIST)]
    else:
        order = slice(None, None, -1 if bgr else 1)
        found += [standardised(mean[order], deviation[order]) for mean, deviation in (_IMAGENET, _CIFAR10)]
        found += [standardised(_CAFFE if bgr else _CAFFE[::-1], 1.0)]
    found += _own(images, bgr=bgr)
    different: list[Normalisation] = []
    for one in found:
        if not any(one.is_like(other) for other in different):
            different.append(one)
    return {normalisation_name(one): one for one in different}


def _own(images: NDArray[np.uint8], *, bgr: bool) -> Iterator[Normalisation]:
    """Yield the images' own mean and deviation in 0..1, to the four digits in which people write them down."""
    order = -1 if bgr else 1
    mean, deviation = float(images.mean()) / 255, float(images.std()) / 255
    if round(deviation, 4) > 0:
        yield standardised(round(mean, 4), round(deviation, 4))
    means = [round(float(one) / 255, 4) for one in images.mean(axis=(0, 1, 2))][::order]
    deviations = [round(float(one) / 255, 4) for one in images.std(axis=(0, 1, 2))][::order]
    if len(means) > 1 and min(deviations) > 0:
        yield standardised(tuple(means), tuple(deviations))


def candidates(
    base: Preprocessing,
    images: NDArray[np.uint8],
    fits: Iterable[str],
    vary: Iterable[str] = VARIED,
    unsaid: Collection[str] = (),
) -> list[Preprocessing]:
    """Return the given preprocessing and every plausible other one, those with the fewest changes first.

    :param images: what the model is to be fed, for their mean and deviation; uint8, (count, height, width, channels).
    :param fits: those that make different images of the pictures at hand.
    :param vary: which of :data:`VARIED` may be otherwise. ``unsaid``: of which nobody has said anything, so that the
        base's is worth no more than others; of ranges then the usual ones come first.
    """
    chosen, (height, width, channels) = frozenset(vary), base.image_shape
    colours = (base.bgr, not base.bgr) if "channels" in chosen and channels == 3 else (base.bgr,)
    choices: Sequence[Sequence[object]] = (
        (base.layout, *(one for one in LAYOUTS if one != base.layout)) if "layout" in chosen else (base.layout,),
        (base.inverted, not base.inverted) if "inverted" in chosen else (base.inverted,),
        (base.transposed, not base.transposed) if "transposed" in chosen and height == width else (base.transposed,),
        (base.fit, *(one for one in fits if one != base.fit)) if "fit" in chosen else (base.fit,),
    )
    found = []
    for bgr, (layout, inverted, transposed, fit) in itertools.product(colours, itertools.product(*choices)):
        changed = replace(
            base, bgr=bgr, layout=str(layout), inverted=bool(inverted), transposed=bool(transposed), fit=str(fit)
        )
        ranges: Mapping[str, Normalisation] = {}
        if "normalisation" in chosen:
            ranges = plausible_normalisations(images, bgr=bgr)
        others = [one for one in ranges.values() if not one.is_like(base.normalisation)]
        ordered = ranges.values() if "normalisation" in unsaid else (base.normalisation, *others)
        found += [replace(changed, normalisation=one) for one in ordered]
    found.sort(key=lambda one: len(weighty(base, one, unsaid)))
    return [base, *(one for one in found if one != base)]


def changes(base: Preprocessing, other: Preprocessing) -> tuple[str, ...]:
    """Return in which of :data:`VARIED` two preprocessings differ."""
    same = {
        "normalisation": base.normalisation.is_like(other.normalisation),
        "channels": base.bgr == other.bgr,
        "layout": base.layout == other.layout,
        "inverted": base.inverted == other.inverted,
        "transposed": base.transposed == other.transposed,
        "fit": base.fit == other.fit,
    }
    return tuple(name for name in VARIED if not same[name])


def weighty(base: Preprocessing, other: Preprocessing, unsaid: Collection[str]) -> tuple[str, ...]:
    """Return the changes that contradict what somebody has said."""
    return tuple(name for name in changes(base, other) if name not in unsaid)


def as_options(
    base: Preprocessing, other: Preprocessing, order: Sequence[str] | None = None, unsaid: Collection[str] = ()
) -> tuple[str, ...]:
    """Return what has to be typed so that the other preprocessing takes the place of the base.

    What is ``unsaid`` of it is named in any case. ``order``: names of the classes in the order of the outputs, None to
    leave them.
    """
    texts = {
        "normalisation": f"--normalisation={normalisation_name(other.normalisation)}",
        "channels": f"--channels={other.colours}",
        "layout": f"--layout={other.layout}",
        "inverted": "--inverted" if other.inverted else "--no-inverted",
        "transposed": "--transposed" if other.transposed else "--no-transposed",
        "fit": f"--fit={other.fit}",
    }
    named = {*changes(base, other), *unsaid}
    options = tuple(texts[name] for name in VARIED if name in named)
    return options if order is None else (*options, f"--classes={','.join(order)}")
