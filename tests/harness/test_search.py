"""Faults that are planted in how a net is fed are found, alone and in pairs; of a sound net nothing is reported."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgemnist.data.loading import load_dataset
from edgemnist.harness.candidates import VARIED, as_options, candidates, changes
from edgemnist.harness.diagnosis import tried
from edgemnist.harness.search import Pictures, Predict
from edgemnist.harness.trying import open_predict, sample_of
from edgemnist.harness.verdict import Verdict
from edgemnist.runner.run import load_model
from edgemnist.support.statistics import is_at_chance
from edgemnist.tflite.normalisation import NORMALISATIONS, normalisation_name, parse_normalisation
from edgemnist.tflite.preprocessing import Preprocessing
from tests.harness.tiles import CLASSES, SIDE, tile_pictures, write_tile_model
from tests.oracles import needs

pytestmark = needs("tflite-runtime-default")

Plant = Callable[[Preprocessing], Preprocessing]

FAULTS: dict[str, Plant] = {
    "normalisation": lambda one: replace(one, normalisation=NORMALISATIONS["0..255"]),
    "channels": lambda one: replace(one, bgr=not one.bgr),
    "inverted": lambda one: replace(one, inverted=not one.inverted),
    "transposed": lambda one: replace(one, transposed=not one.transposed),
    "classes": lambda one: one,
}
PLANTED = [*((name,) for name in FAULTS), *itertools.combinations(FAULTS, 2)]


def verdict_of(predict: Predict, pictures: Pictures, given: Preprocessing) -> Verdict:
    return tried(predict, pictures, given, (), title="Searching")


def planted_in(
    predict: Predict, pictures: Pictures, given: Preprocessing, planted: tuple[str, ...], order: list[int]
) -> Verdict:
    wrong = given
    for name in planted:
        wrong = FAULTS[name](wrong)
    labels = np.array(order)[pictures.labels] if "classes" in planted else pictures.labels
    return verdict_of(predict, replace(pictures, labels=labels), wrong)


@pytest.fixture(scope="module")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Predict, Preprocessing]]:
    given = Preprocessing((SIDE, SIDE, 3), CLASSES, NORMALISATIONS["-1..1"])
    path = write_tile_model(tmp_path_factory.mktemp("tiles") / "tiles.tflite", given)
    with open_predict(load_model(path)) as predict:
        yield predict, given


@pytest.fixture(scope="module")
def digits(real_models: Path, real_data: Path) -> Iterator[tuple[Predict, Preprocessing, Pictures]]:
    dataset = load_dataset("mnist", fetch=False)
    sample = sample_of(dataset.test)
    with open_predict(load_model(real_models / "compact_int8.tflite")) as predict:
        given = Preprocessing((28, 28, 1), dataset.class_names)
        yield predict, given, Pictures({"pad": sample.images}, sample.labels, 10)


@pytest.mark.parametrize("planted", PLANTED, ids=" and ".join)
def test_planted_in_a_net_of_colours(planted: tuple[str, ...], tiles: tuple[Predict, Preprocessing]) -> None:
    predict, given = tiles
    verdict = planted_in(predict, tile_pictures(), given, planted, [3, 0, 4, 1, 2])
    assert verdict.better is not None and set(verdict.better.changed) == set(planted)
    assert not changes(given, verdict.better.trial.preprocessing)
    assert verdict.best_accuracy > 0.95 and verdict.given.accuracy < 0.9
    assert (verdict.better.order == (3, 0, 4, 1, 2)) == ("classes" in planted)


# Digits in black and white, which is what a saturated int8 input makes of them, are as right as in grey: alone that
# fault does no harm.
IN_DIGITS = [one for one in PLANTED if "channels" not in one and one != ("normalisation",)]


@pytest.mark.parametrize("planted", IN_DIGITS, ids=" and ".join)
def test_planted_in_a_net_of_digits(planted: tuple[str, ...], digits: tuple[Predict, Preprocessing, Pictures]) -> None:
    predict, given, pictures = digits
    verdict = planted_in(predict, pictures, given, planted, [1, 2, 3, 4, 5, 6, 7, 8, 9, 0])
    assert verdict.better is not None and set(verdict.better.changed) == set(planted)
    assert verdict.best_accuracy > 0.95
    options = as_options(verdict.given.preprocessing, verdict.better.trial.preprocessing)
    assert [option.split("=")[0] for option in options] == [
        {"normalisation": "--normalisation", "inverted": "--no-inverted", "transposed": "--no-transposed"}[name]
        for name in VARIED
        if name in planted
    ]


def test_of_sound_nets_nothing_is_reported(
    tiles: tuple[Predict, Preprocessing], digits: tuple[Predict, Preprocessing, Pictures]
) -> None:
    for seed in range(5):
        assert verdict_of(tiles[0], tile_pictures(seed + 10), tiles[1]).better is None
    predict, given, pictures = digits
    assert verdict_of(predict, pictures, given).better is None


def test_what_no_feeding_makes_right(tiles: tuple[Predict, Preprocessing]) -> None:
    pictures = tile_pictures()
    labels = np.random.default_rng(0).permutation(pictures.labels)
    verdict = verdict_of(tiles[0], replace(pictures, labels=labels), tiles[1])
    assert verdict.better is None and verdict.at_chance


@pytest.mark.parametrize(("accuracy", "count", "at_chance"), [(0.13, 100, True), (0.2, 100, False), (0.13, 900, False)])
def test_chance_is_within_two_standard_errors(accuracy: float, count: int, at_chance: bool) -> None:
    assert is_at_chance(accuracy, 0.1, count) is at_chance


def test_every_candidate_is_another_and_its_options_are_understood(tiles: tuple[Predict, Preprocessing]) -> None:
    given = tiles[1]
    ways = candidates(given, tile_pictures().images["pad"], ("pad", "crop"))
    assert ways[0] == given and len(set(ways)) == len(ways)
    assert [len(changes(given, one)) for one in ways] == sorted(len(changes(given, one)) for one in ways)
    for one in ways:
        assert parse_normalisation(normalisation_name(one.normalisation)).is_like(one.normalisation)
