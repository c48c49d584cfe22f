"""How an original is fed: as is said, as its file tells, or as labelled pictures tell; and is it right so?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgemnist.commands.import_model.comparison import predictor, require_finite
from edgemnist.commands.import_model.originals import Original
from edgemnist.commands.import_model.settings import ImportSettings
from edgemnist.data.base import Dataset
from edgemnist.harness.feeding import Understanding
from edgemnist.harness.judging import judge_fed, settled
from edgemnist.harness.outputs import real_probabilities
from edgemnist.harness.search import Predict
from edgemnist.harness.trying import sample_of
from edgemnist.support.errors import InputError
from edgemnist.tflite.normalisation import NORMALISATIONS, Normalisation
from edgemnist.tflite.preprocessing import Preprocessing


def how_fed(
    original: Original, known: Understanding, pictures: Dataset, settings: ImportSettings
) -> tuple[Preprocessing, tuple[str, ...], list[str]]:
    """Return how the rebuilt model is fed (its channels are last), what was found of the model, and warnings.

    :raises InputError: another range is named for a model that takes whole numbers, or a name of a class is wrong.
    :raises ModelError: the model is at chance level, or far better when fed otherwise.
    """
    settings.feeding.require_classes_of(pictures)
    given = replace(
        known.preprocessing, image_shape=pictures.image_shape, class_names=pictures.class_names, layout="nhwc"
    )
    # Only of a flat input nobody knows the layout; rebuilt it is that of the original.
    known = replace(known, preprocessing=given, known=known.known | {"layout"})
    known, notes = _with_own_pixels(original, known)
    run = predictor(original.built.exact)
    require_finite(original.path, run(known.preprocessing.real_input(sample_of(pictures.test).images)))
    predict = _predicting(run)
    found = settled(predict, pictures, known, settings.model.name)
    warnings = judge_fed(predict, pictures, settings.dataset, found, settings.model.name, even_so=settings.even_so)
    return found.preprocessing, (*notes, *found.evidence), warnings


def after_scaling(given: Normalisation, original: Original) -> Normalisation:
    """Return what becomes of a pixel before the model's own scaling and in it, which is left out of the import."""
    scale, offset = original.scaling
    return Normalisation.of_pairs([(one * scale, shift * scale + offset) for one, shift in given.pairs()])


def _with_own_pixels(original: Original, known: Understanding) -> tuple[Understanding, tuple[str, ...]]:
    """Return what is known with the model's own range where none is named, and what was found of the model."""
    named = known.preprocessing.normalisation if "normalisation" in known.known else None
    own = NORMALISATIONS[original.pixels] if original.pixels else None
    if named is not None and own is not None and original.certain and named != own:
        raise InputError(f"{str(original.path)!r} takes bytes, so its pixels are in 0..255; leave --normalisation")
    if named is None and own is not None:
        preprocessing = replace(known.preprocessing, normalisation=own)
        known = replace(known, preprocessing=preprocessing, known=known.known | {"normalisation"})
        return known, original.notes
    return known, tuple(note for note in original.notes if original.pixels is None or original.pixels not in note)


def _predicting(run: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> Predict:
    """Return a rebuilt model as a function from images, fed in a way, to class probabilities.

    Overflow in a wrong range is no fault of the model's; that its answers are finite as given is checked before.
    """

    def predict(preprocessing: Preprocessing, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        return real_probabilities(np.nan_to_num(run(preprocessing.real_input(images))), preprocessing.output)

    return predict
