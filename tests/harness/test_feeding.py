"""How a model is fed: what is given, what is recorded, what its file tells, in that order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgemnist.artifacts.context import ModelContext
from edgemnist.harness.feeding import FeedingSettings, feeding_from, parse_image_size, understood, understood_by_facts
from edgemnist.harness.outputs import class_scores, probabilities
from edgemnist.runner.base import InputFacts
from edgemnist.runner.run import LoadedModel
from edgemnist.support.errors import InputError
from edgemnist.tflite.file import parse_tflite
from edgemnist.tflite.kinds import model_kind
from edgemnist.tflite.normalisation import NORMALISATIONS, Normalisation, standardised
from edgemnist.tflite.preprocessing import OutputKind, Preprocessing
from tests.compiler.model_builder import ModelBuilder

pytestmark = pytest.mark.unit


def loaded(shape: tuple[int, ...], *, outputs: int = 3, last: str = "SOFTMAX", scale: float = 1 / 255) -> LoadedModel:
    """Return an int8 model whose operators make no sense but whose ends are as asked for."""
    builder = ModelBuilder()
    image = builder.input((1, *shape), scale, -128)
    weights = builder.constant(np.zeros((outputs, int(np.prod(shape)))), 0.1)
    scores = builder.op("FULLY_CONNECTED", [image, weights, -1], (1, outputs), 0.1, 0)
    output = builder.op(last, [scores], (1, outputs), 1 / 256, -128) if last else scores
    model = parse_tflite(builder.finish([output]))
    return LoadedModel(Path("net.tflite"), model_kind(model), model)


RECORDED = ModelContext(
    "photos",
    "net",
    Preprocessing((6, 4, 3), ("a", "b", "c"), NORMALISATIONS["-1..1"], fit="crop", bgr=True, transposed=True),
)


def test_a_record_survives_the_manifest() -> None:
    assert ModelContext.from_json(RECORDED.as_json()) == RECORDED
    mean = Preprocessing((6, 4, 3), (), standardised((0.1, 0.2, 0.3), (0.5, 0.25, 0.2)), OutputKind.ONE_SCORE)
    assert Preprocessing.from_json(mean.as_json()) == mean
    earlier = {"image_shape": [8, 8, 1], "class_names": ["a"], "normalisation": {"scale": 1.0, "offset": 0.0}}
    assert Preprocessing.from_json(earlier) == Preprocessing((8, 8, 1), ("a",), Normalisation(1.0, 0.0))
    with pytest.raises(ValueError, match="none of pad, stretch, crop, centre"):
        Preprocessing.from_json({**earlier, "fit": "squeeze"})


def test_given_wins_over_recorded_and_recorded_over_what_the_file_tells() -> None:
    model = loaded((4, 6, 3))
    told = understood(model, None, FeedingSettings())
    assert told.preprocessing == Preprocessing((4, 6, 3), output=OutputKind.PROBABILITIES)
    assert {"normalisation", "layout"} <= told.known and "fit" not in told.known
    (evidence,) = told.evidence
    assert evidence == "pixels 0..1: the input's scale 0.00392157 and zero point -128 (int8) cover 0..1"
    assert understood(model, None, FeedingSettings(normalisation=NORMALISATIONS["-1..1"])).evidence == ()
    recorded = understood(model, RECORDED, FeedingSettings())
    assert recorded.preprocessing.image_shape == (6, 4, 3) and recorded.preprocessing.transposed
    assert recorded.preprocessing.normalisation == NORMALISATIONS["-1..1"] and recorded.evidence == ()
    settings = FeedingSettings(normalisation=NORMALISATIONS["0..255"], channels="rgb", transposed=False, fit="pad")
    given = understood(model, RECORDED, settings).preprocessing
    assert given == Preprocessing(
        (4, 6, 3), ("a", "b", "c"), NORMALISATIONS["0..255"], OutputKind.PROBABILITIES, layout="nhwc"
    )


def test_the_layout_and_size_of_a_file_hold_against_a_record() -> None:
    found = understood(loaded((3, 8, 5)), RECORDED, FeedingSettings(transposed=False)).preprocessing
    assert (found.layout, found.image_shape) == ("nchw", (8, 5, 3))
    assert found.in_words() == "pixels -1..1, BGR, channels first, cropped to 8x5"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"image_size": "32"}, "--image-size 32x32: 'net.tflite' takes 4x6"),
        ({"channels": "grey"}, "the model takes images of 3 channel"),
        ({"channels": "cmyk"}, "hoose one of grey, rgb, bgr"),
        ({"fit": "squeeze"}, "hoose one of pad, stretch, crop, centre"),
        ({"layout": "hwc"}, "hoose one of nhwc, nchw"),
        ({"classes": "a,b,a"}, "names a class twice"),
        ({"image_size": "0"}, "sides are 1 to 4096"),
        ({"image_size": "28x"}, "HEIGHTxWIDTH"),
        ({"normalisation": "0..x"}, "unknown normalisation '0..x'"),
        ({"normalisation": "mean=0.5"}, "unknown normalisation"),
        ({"normalisation": "mean=0.5,0.4,std=0.2"}, "one number each or three"),
        ({"normalisation": "mean=nan,std=0.2"}, "unknown normalisation"),
    ],
)
def test_slips_are_told(given: dict[str, str], says: str) -> None:
    with pytest.raises(InputError, match=says.replace("(", r"\(")):
        understood(loaded((4, 6, 3)), None, feeding_from(given))


def test_a_size_that_the_model_leaves_open_is_given_or_the_datasets() -> None:
    free = InputFacts((None, None, 3), "nhwc", "0..255", ("pixels 0..255: the model has its own Rescaling",))
    found = understood_by_facts(free, None, FeedingSettings(), "net.keras")
    assert found.preprocessing.image_shape == (0, 0, 3) and found.evidence == free.notes
    assert found.preprocessing.normalisation == NORMALISATIONS["0..255"] and "normalisation" in found.known
    given = understood_by_facts(free, None, FeedingSettings(image_size=parse_image_size("96x64")), "net.keras")
    assert given.preprocessing.image_shape == (96, 64, 3)


@pytest.mark.parametrize(
    ("last", "codes", "classes"), [("LOGISTIC", [-128, 0, 1, 127], [0, 0, 1, 1]), ("", [-5, 0, 1, 9], [0, 0, 1, 1])]
)
def test_one_output_tells_two_classes_apart(last: str, codes: list[int], classes: list[int]) -> None:
    """A half, or a score of 0, is a tie: it goes to the lower class, as everywhere."""
    model = loaded((4, 6, 1), outputs=1, last=last)
    outputs = np.array(codes, np.int8)[:, np.newaxis]
    assert class_scores(outputs, model).argmax(axis=1).tolist() == classes
    shares = probabilities(outputs, model, Preprocessing((4, 6, 1)))
    assert shares.shape == (4, 2) and np.allclose(shares.sum(axis=1), 1)
    assert (shares[:, 1] > 0.5).astype(int).tolist() == classes
