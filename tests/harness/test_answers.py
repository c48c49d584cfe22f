"""What a device answered, as CSV: to pictures and to a dataset's images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgemnist.harness.answers import DeviceAnswers, answers_to_images, answers_to_pictures
from edgemnist.support.errors import InputError

pytestmark = pytest.mark.unit


def images(text: str, folder: Path) -> DeviceAnswers:
    path = folder / "board.csv"
    path.write_text(text, encoding="utf-8")
    return answers_to_images(path)


@pytest.mark.parametrize(
    "text",
    [
        "3,1,-2\n0,5,127\n",
        "image,out0,out1\n3,1,-2\n0,5,127\n",
        "\ufeff3, 1 ,-2\r\n\r\n0,5,127",
        '"3","1","-2"\n0,5,127\n',
    ],
    ids=["plain", "headings", "mark, spaces, carriage returns", "quotes"],
)
def test_outputs_by_number(tmp_path: Path, text: str) -> None:
    answers = images(text, tmp_path)
    assert answers.numbers() == (3, 0)
    np.testing.assert_array_equal(answers.outputs(), [[1, -2], [5, 127]])


def test_classes_are_no_outputs(tmp_path: Path) -> None:
    answers = images("0,cat\n1,dog\n", tmp_path)
    assert (answers.values, answers.classes) == (None, ("cat", "dog"))
    with pytest.raises(InputError, match="has classes; give the outputs"):
        answers.outputs()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has to have in every line"),
        ("0,1\n1,2,3\n", "has to have in every line"),
        ("number,out\n", "it has no image"),
        ("0,1,2\nb.png,1,2\n", "'b.png' is no number of an image"),
        ("0,1,2\n-1,1,2\n", "'-1' is no number of an image"),
        ("0,1,2\n" + "9" * 10 + ",1,2\n", "is no number of an image"),
        ("0,1,2\n0,1,2\n", "has an image twice"),
        ("0,1,x\n", "has an output that is no number"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        images(text, tmp_path)
    assert said in str(caught.value)


def test_pictures_by_name(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).touch()
    (tmp_path / "board.csv").write_text("picture,out0,out1\nb.png,1,2\na.png,3,4\n")
    answers = answers_to_pictures(tmp_path / "board.csv", tmp_path)
    assert answers.asked == ("b.png", "a.png")
    np.testing.assert_array_equal(answers.outputs(), [[1, 2], [3, 4]])
    with pytest.raises(InputError, match="is no folder"):
        answers_to_pictures(tmp_path / "board.csv", tmp_path / "a.png")
