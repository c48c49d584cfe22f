"""A word on a model that was measured and is not right: how it would be, or that nothing makes it so."""

from __future__ import annotations

from edgemnist.data.base import chance_level
from edgemnist.data.loading import load_dataset_for
from edgemnist.harness.diagnosis import diagnose
from edgemnist.harness.images import DEFAULT_DATASET
from edgemnist.harness.pictures import pictures_of
from edgemnist.harness.subjects import Subjects
from edgemnist.harness.trying import TIMEOUT, open_predict
from edgemnist.runner.refusals import in_one_line
from edgemnist.runner.run import LoadedModel
from edgemnist.support.errors import ModelError, RuntimeCrashedError
from edgemnist.support.progress import say
from edgemnist.support.statistics import is_at_chance

GOOD_ENOUGH = 0.95
"""Share of right pictures above which other ways of feeding are not tried: they could hardly do better beyond luck."""


def remark_on(model: LoadedModel, subjects: Subjects, accuracy: float, *, timeout: float = TIMEOUT) -> str:
    """Say and return what makes a model right that was measured and is not; "" where there is nothing to say.

    Of a model whose training is recorded it is asked only at chance level: how it is fed is known.

    :param accuracy: share of the subjects' images that it classified rightly, 0..1.
    :param timeout: seconds that a runtime may take for the pictures once.
    :raises DatasetError: as for ``load_dataset_for``.
    """
    split = subjects.split
    at_chance = is_at_chance(accuracy, chance_level(split.labels), len(split))
    doubtful = at_chance or (subjects.recorded is None and accuracy < GOOD_ENOUGH)
    if not doubtful:
        return ""
    given, name = subjects.preprocessing, subjects.dataset or DEFAULT_DATASET
    pictures = pictures_of(load_dataset_for(subjects.context()), name, given)
    try:
        with open_predict(model, timeout=timeout) as predict:
            found = diagnose(model, predict, pictures, given, name, known=subjects.known)
    except (RuntimeCrashedError, ModelError) as error:
        # The measurement stands, whatever becomes of an attempt to better it.
        remark = f"whether {model.name} would be right if fed otherwise could not be tried: {in_one_line(str(error))}"
        say(f"warning: {remark}")
        return remark
    if found.found is None and not found.at_chance:
        return ""
    remark = found.sentences()[0]
    say(f"warning: {remark}")
    return remark
