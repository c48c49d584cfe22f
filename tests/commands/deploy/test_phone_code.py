"""Kotlin and Swift for phones: what they compute, executed here statement by statement, is what Python computes."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgemnist.commands.deploy.phone_code import CODE_FILES, phone_code, quoted
from edgemnist.commands.deploy.phones import _of_pixels
from edgemnist.tflite.normalisation import Normalisation, standardised
from edgemnist.tflite.pixels import model_input
from edgemnist.tflite.preprocessing import OutputKind, Preprocessing
from tests.csource.files import model, tensor

pytestmark = pytest.mark.unit

HEIGHT, WIDTH, NAMES = 3, 5, ("cat", "dog")
IMAGENET = standardised((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def all_preprocessings() -> Iterator[Preprocessing]:
    switches = itertools.product(("grey", "rgb", "bgr"), ("nhwc", "nchw"), (False, True), (False, True))
    for (colours, layout, inverted, transposed), each in itertools.product(switches, (Normalisation(), IMAGENET)):
        channels = 1 if colours == "grey" else 3
        if each.channels in (1, channels):
            yield Preprocessing(
                (HEIGHT, WIDTH, channels), NAMES, each,
                bgr=colours == "bgr", layout=layout, inverted=inverted, transposed=transposed,
            )  # fmt: skip


def code_of(system: str, known: Preprocessing, dtype: str, kind: OutputKind = OutputKind.PROBABILITIES) -> str:
    rows, columns = known.input_size
    shape = (known.channels, rows, columns) if known.layout == "nchw" else (rows, columns, known.channels)
    entry = tensor(0, (1, *shape), dtype, scale=0.031 if dtype == "int8" else None, zero_point=4)
    output = tensor(1, (1, 1 if kind.single else 2), dtype, scale=1 / 256 if dtype == "int8" else None)
    return phone_code(system, model([entry], [output]), known, kind, "com.example.classifier")


def function_of(code: str, head: str) -> Callable[[int], int] | None:
    """Return a function of the generated code, of whole numbers, as one of Python's."""
    found = re.search(rf"{head}\((?:index|_ index).*", code)
    if found is None:
        return None
    lines = code[found.start() :].splitlines()
    if lines[0].endswith("{"):
        body = [line.strip() for line in itertools.takewhile(lambda line: line.strip() != "}", lines[1:])]
    else:
        body = [f"return {re.split(r'= |{ ', lines[0])[-1].removesuffix(' }')}"]
    statements = [re.sub(r"^(val|let) ", "", line).replace(" / ", " // ") for line in body]
    names: dict[str, Any] = {}
    exec("def function(index):\n" + "\n".join(f"    {line}" for line in statements), names)
    return names["function"]  # type: ignore[no-any-return]


def table_of(code: str) -> list[str]:
    found = re.search(r"(?:INPUT_OF_PIXEL = \w+\(|inputOfPixel: \[\w+\] = \[)\n(.*?)\n +[\])]", code, re.DOTALL)
    return re.findall(r"-?[\d.]+(?:e[-+]\d+)?", found[1].replace("f", "")) if found else []


def input_by_code(code: str, picture: NDArray[np.uint8], known: Preprocessing, dtype: str) -> NDArray[Any]:
    """Return what the generated code writes into the input, of its formulas and tables."""
    place, channel = (function_of(code, name) for name in ("(?:placeOf|func place)", "(?:channelOf|func channel)"))
    flat, table = picture.ravel(), table_of(code)
    values: list[Any] = []
    for index in range(flat.size):
        pixel = int(flat[place(index) if place else index])
        if table:
            values.append(table[(channel(index) * 256 if channel else 0) + pixel])
        else:
            assert re.search(r"\* 0\.00392156862745098f? ?[}]", code)
            values.append(np.float32(pixel) * np.float32(1 / 255))
    assert (place is not None) == ("placeOf(it)" in code or "Self.place($0)" in code)
    assert (channel is not None) == (known.normalisation.channels > 1)
    return np.array([float(value) for value in values]).astype(dtype)


@pytest.mark.parametrize("dtype", ["int8", "float32"])
@pytest.mark.parametrize("system", CODE_FILES)
def test_pictures_are_fed_as_the_model_takes_them(system: str, dtype: str) -> None:
    for known in all_preprocessings():
        code = code_of(system, known, dtype)
        picture = np.random.default_rng(1).integers(0, 256, (1, *known.image_shape), np.uint8)
        rows, columns = known.input_size
        shape = (known.channels, rows, columns) if known.layout == "nchw" else (rows, columns, known.channels)
        entry = tensor(0, (1, *shape), dtype, scale=0.031 if dtype == "int8" else None, zero_point=4)
        expected = model_input(picture, entry, known).ravel()
        np.testing.assert_array_equal(input_by_code(code, picture, known, dtype), expected, err_msg=str(known))
        assert "3 rows of 5 pixels" in code and f"fed with {known.in_words()}" in code
        assert not re.search(r"\$[a-z]{2}", code)
        for opening, closing in ("()", "[]", "{}"):
            assert code.count(opening) == code.count(closing)


@pytest.mark.parametrize(
    ("kind", "android", "ios", "words"),
    [
        (OutputKind.ONE_PROBABILITY, "val second = output\n", "let second = values[0]\n", "is its probability."),
        (
            OutputKind.ONE_SCORE,
            "val second = 1f / (1f + kotlin.math.exp(-output))\n",
            "let second = 1 / (1 + exp(-values[0]))\n",
            "is its probability, the sigmoid of the model's output.",
        ),
        (OutputKind.PROBABILITIES, "val scores = outputs[0].readFloat()\n", "let scores =", "is its probability."),
        (OutputKind.SCORES, "val scores = outputs[0].readFloat()\n", "let scores = output.", "before a softmax"),
    ],
)  # fmt: skip
def test_scores_are_what_their_comment_says(kind: OutputKind, android: str, ios: str, words: str) -> None:
    known = Preprocessing((HEIGHT, WIDTH, 1), NAMES)
    for system, text in (("android", android), ("ios", ios)):
        code = code_of(system, known, "float32", kind)
        assert text in code and words in code
        assert ("[1 - second, second]" in code or "floatArrayOf(1f - second, second)" in code) == kind.single


def test_labels_are_quoted() -> None:
    assert quoted('5" $disc\\', "android") == '"5\\" \\$disc\\\\"'
    assert quoted('5" $disc\\', "ios") == '"5\\" $disc\\\\"'


def test_metadata_of_an_inverted_input_is_of_pixels_as_they_are() -> None:
    known = Preprocessing((HEIGHT, WIDTH, 3), normalisation=IMAGENET, inverted=True)
    pixels = np.array([[0, 100, 255]], np.uint8)
    np.testing.assert_allclose(_of_pixels(known).apply(pixels), known.normalisation.apply(np.invert(pixels)), atol=1e-5)
