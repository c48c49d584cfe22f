"""The check of a page's bytes: every engine runs them, and every one notices a byte that is wrong."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from edgemnist.page.checking import Check, Material, check
from edgemnist.page.engines import ENGINES, choose_engines
from edgemnist.page.engines.base import Engine
from edgemnist.page.web_assembly import WebNetwork
from edgemnist.runner.run import LoadedModel
from edgemnist.support.errors import EnvironmentFailure, GateFailedError, InputError, MissingDependencyError
from tests.oracles import needs
from tests.page.networks import COLOURS, built, colour_net, float_net, floats, pictures, with_another_weight

pytestmark = [
    needs("tflm"),
    *(
        pytest.mark.skipif(one.available() is not None, reason=f"{one.available()}; run scripts/test")
        for one in ENGINES.values()
    ),
]

EVERY = tuple(ENGINES.values())


@pytest.fixture(scope="module")
def colours() -> tuple[LoadedModel, WebNetwork, Material]:
    model = colour_net()
    return model, built(model, COLOURS), pictures(model, COLOURS)


def different(found: Check) -> dict[str, int]:
    return {one.engine: one.different for one in found.engines}


def test_every_engine_gives_the_oracles_bytes(colours: tuple[LoadedModel, WebNetwork, Material]) -> None:
    model, network, material = colours
    found = check([network], model, material, EVERY)
    assert different(found) == {"node": 0, "chromium": 0, "wasmtime": 0}
    assert (found.passed, found.inputs, found.oracle.split()[0]) == (True, 12, "tflm")
    assert len(np.unique(found.expected, axis=0)) > 6
    found.raise_different()


def test_floats_at_both_ends_are_equal_too() -> None:
    model = float_net()
    found = check([built(model)], model, floats(), EVERY)
    assert different(found) == {"node": 0, "chromium": 0, "wasmtime": 0}
    assert found.expected.dtype == np.float32


def test_every_engine_notices_a_weight_that_is_another(colours: tuple[LoadedModel, WebNetwork, Material]) -> None:
    model, network, material = colours
    found = check([with_another_weight(network)], model, material, EVERY)
    counts = set(different(found).values())
    assert len(counts) == 1
    assert 0 < counts.pop() <= 12
    assert not found.passed
    with pytest.raises(GateFailedError, match=r"not those of tflm .*nothing was written:\n  - node .* of 12 inputs"):
        found.raise_different()


@pytest.mark.parametrize("engine", EVERY, ids=lambda one: str(one.name))
def test_pictures_that_are_quantised_otherwise_are_noticed(
    colours: tuple[LoadedModel, WebNetwork, Material], engine: Engine
) -> None:
    """Red and blue exchanged, in one picture of the twelve."""
    model, network, material = colours
    assert material.pictures is not None
    inputs = material.inputs.copy()
    inputs[5] = inputs[5][..., ::-1]
    found = check([network], model, Material(inputs, material.pictures, material.words), [engine])
    assert different(found) == {engine.name: 1}
    with pytest.raises(GateFailedError, match="1 of 12 inputs"):
        found.raise_different()


@pytest.mark.parametrize("engine", EVERY, ids=lambda one: str(one.name))
def test_bytes_that_are_no_webassembly_are_the_machines_fault(
    colours: tuple[LoadedModel, WebNetwork, Material], engine: Engine
) -> None:
    model, network, material = colours
    broken = WebNetwork(network.generated, network.content[:-40], network.sources, True, network.compiler)
    with pytest.raises(EnvironmentFailure, match=engine.name):
        check([broken], model, material, [engine])


def test_without_engines_it_is_said_that_nothing_was_checked(
    colours: tuple[LoadedModel, WebNetwork, Material],
) -> None:
    model, network, material = colours
    found = check([network], model, material, ())
    assert found.not_checked == "neither node nor Chromium nor wasmtime is here to run the WebAssembly"
    assert not found.passed
    found.raise_different()


def test_an_engine_that_is_broken_is_passed_over_unless_it_was_asked_for(
    colours: tuple[LoadedModel, WebNetwork, Material], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Programs of these names that end at once; wasmtime runs only where no other does."""
    model, network, material = colours
    found = check([network], model, material, EVERY, every=False)
    assert different(found) == {"node": 0, "chromium": 0}
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    found = check([network], model, material, EVERY, every=False)
    assert different(found) == {"node": 0}
    assert found.failed[0].startswith("chromium could not run the network: the browser has ended")
    assert found.passed
    shutil.copy(broken, tmp_path / "node")
    found = check([network], model, material, EVERY, every=False)
    assert different(found) == {"wasmtime": 0}
    assert found.failed[0].startswith("node failed with exit code 3")
    found = check([network], model, material, EVERY[:2], every=False)
    assert found.not_checked == "; ".join(found.failed)
    assert not found.passed
    with pytest.raises(EnvironmentFailure, match="node failed with exit code 3"):
        check([network], model, material, EVERY)


def test_engines_are_chosen_by_name_or_by_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [one.name for one in choose_engines(())] == ["node", "chromium", "wasmtime"]
    assert [one.name for one in choose_engines(("wasmtime", "node", "node"))] == ["wasmtime", "node"]
    with pytest.raises(InputError, match="unknown --engine 'v8'; choose one of node, chromium, wasmtime"):
        choose_engines(("v8",))
    monkeypatch.setenv("PATH", "")
    assert [one.name for one in choose_engines(())] == ["wasmtime"]
    with pytest.raises(MissingDependencyError, match="sudo apt install chromium"):
        choose_engines(("chromium",))
