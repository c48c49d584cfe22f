"""The block that is said of a dataset: short, readable at 80 columns, and with everything that was assumed."""

from __future__ import annotations

import numpy as np
import pytest

from edgemnist.data.assembling import make_dataset
from edgemnist.data.base import Dataset, Split
from edgemnist.data.checks import DatasetChecks
from edgemnist.data.facts import DatasetFacts, Division, PassedOver
from edgemnist.data.summary import WIDTH, introduce, summary_lines
from edgemnist.support.errors import DatasetError

pytestmark = pytest.mark.unit


def dataset_of(classes: int, facts: DatasetFacts | None = None, value: int = 200) -> Dataset:
    labels = np.concatenate([np.full(2 + label % 3, label) for label in range(classes)])
    images = np.zeros((len(labels), 28, 28, 3), np.uint8)
    images[:, 3:9] = value
    split = Split(images, labels)
    names = [f"class number {label}" for label in range(classes)]
    return make_dataset("digits", split, split, names, source="photos", facts=facts)


def test_everything_that_was_understood_is_in_it() -> None:
    facts = DatasetFacts(
        sizes=(((480, 640), 15), ((320, 240), 2)),
        fitted="pad, no other size was asked for",
        values="values up to 4,000, scaled as 12 bits",
        passed_over=(PassedOver(count=20, reason="HEIC without its decoder", examples=("a/1.heic", "b/2.heic")),),
        division=Division(how="divided off", share=0.2, seed=0),
        remarks=("1 of 17 pictures is grey: x.png",),
    )
    assert summary_lines(dataset_of(3, facts), DatasetChecks("", ("beware of the dog",))) == (
        "digits from photos: 9 training and 9 test images of 3 classes",
        "  classes      class number 0 2+2, class number 1 3+3, class number 2 4+4",
        "               (training+test)",
        "  images       480x640 (15), 320x240 (2), brought to 28x28 (pad, no other size",
        "               was asked for); colour",
        "  values       values up to 4,000, scaled as 12 bits",
        "  split        divided off; 20% of every class, seed 0",
        "  passed over  20 HEIC without its decoder: a/1.heic, b/2.heic, ...",
        "  note         1 of 17 pictures is grey: x.png",
        "  warning      beware of the dog",
    )


@pytest.mark.parametrize("classes", [2, 12, 13, 100, 1000])
def test_any_number_of_classes_fits_into_a_few_lines(classes: int) -> None:
    lines = summary_lines(dataset_of(classes))
    assert len(lines) <= 10
    assert max(map(len, lines)) <= WIDTH
    if classes > 12:
        assert "training images from 2 (class number 0) to 4 (class number 2)" in " ".join(" ".join(lines).split())


def test_it_is_said_on_stderr_and_what_cannot_be_trained_on_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    good = dataset_of(3)
    assert introduce(good).problem == ""
    captured = capsys.readouterr()
    assert captured.out == ""
    assert [line.rstrip() for line in captured.err.splitlines()][:3] == list(summary_lines(good))[:3]
    with pytest.raises(DatasetError, match=r"'digits': the pixels of its training images all lie in 0\.\.1"):
        introduce(dataset_of(3, value=1))
