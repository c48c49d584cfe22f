"""Whether a smaller dense net does better than a pruned one: by weights, by cost, and silence where nobody knows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgemnist.training import reference_nets
from edgemnist.training.architectures import find_architecture
from edgemnist.training.reference_nets import Cost, advice_on_cost, advice_on_weights

pytestmark = pytest.mark.unit


def net(arch: str, accuracy: float, parameters: int, flash: int | None, instructions: float | None) -> dict[str, Any]:
    return {
        "arch": arch,
        "accuracy_int8": {"mean": accuracy, "deviation": None},
        "seeds": 3,
        "parameters": parameters,
        "flash_fast": flash,
        "arena": None if flash is None else 2048,
        "instructions": instructions,
    }


@pytest.fixture(autouse=True)
def figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nets = [
        net("nano", 0.98, 2000, 9000, 1e6),
        net("tiny", 0.99, 7000, 20_000, 2.5e6),
        net("base", 0.995, 30_000, None, None),
    ]
    (tmp_path / "digits.json").write_text(json.dumps({"nets": nets}))
    monkeypatch.setattr(reference_nets, "FOLDER", tmp_path)


@pytest.mark.parametrize(
    ("accuracy", "left", "expected"),
    [
        (
            0.985,
            7000,
            "a smaller dense net does better than this one with 7,000 parameters that are not zero: 'tiny': 99.00 % ",
        ),
        (0.985, 6999, "no dense net of 6,999 parameters or fewer is known to reach 98.50"),
        (0.985, 100, "no dense net of 100 parameters"),
        (0.98, 5000, "'nano'"),
    ],
)
def test_by_weights(accuracy: float, left: int, expected: str) -> None:
    assert expected.replace(" %", "%") in advice_on_weights("digits", accuracy, left)


@pytest.mark.parametrize(
    ("accuracy", "cost", "expected"),
    [
        (
            0.985,
            Cost(20_000, 2.5e6),
            "'tiny': 99.00% as int8 (mean of 3 trainings) with 20,000 bytes of flash and 2,500,000",
        ),
        (0.985, Cost(20_000, 2.4e6), "no dense net is known"),
        (0.985, Cost(19_999, 9e6), "no dense net is known"),
        (0.97, Cost(19_999, 9e6), "'nano'"),
    ],
)
def test_by_cost(accuracy: float, cost: Cost, expected: str) -> None:
    assert expected in advice_on_cost("digits", accuracy, cost)


@pytest.mark.parametrize("dataset", ["elsewhere", "/somewhere/digits", "../digits"])
def test_nothing_is_said_of_data_that_nobody_measured(dataset: str) -> None:
    assert advice_on_weights(dataset, 0.5, 10_000) == ""
    assert advice_on_cost(dataset, 0.5, Cost(10**6, 1e9)) == ""


def test_the_figures_that_come_with_the_package_are_of_known_nets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    nets = reference_nets.reference_nets("mnist")
    assert {net.arch for net in nets} >= {"nano", "micro", "tiny", "small", "base", "fast"}
    for one in nets:
        assert one.parameters == find_architecture(one.arch).parameters
        assert 0.98 < one.accuracy < 1
        assert one.cost is not None
