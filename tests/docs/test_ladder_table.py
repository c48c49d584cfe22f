"""The ladder's table in docs/benchmarks.md has the reference files' counts, and what the text makes of them is true."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from edgemnist.training import reference_nets
from edgemnist.training.reference_nets import Cost, advice_on_cost

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def counts() -> dict[str, Any]:
    """Return scripts/ladder_counts.py as a namespace."""
    return runpy.run_path(str(ROOT / "scripts" / "ladder_counts.py"))


@pytest.fixture(scope="module")
def text() -> str:
    return (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")


def costs(dataset: str) -> dict[str, dict[str, Any]]:
    """Return the nets of a reference file by name, those with counts alone too."""
    document = json.loads((reference_nets.FOLDER / f"{dataset}.json").read_text())
    return {net["arch"]: net for net in (*document["nets"], *document["counted"]["pruned"])}


def test_the_document_has_the_reference_files_counts(counts: dict[str, Any], text: str) -> None:
    assert counts["described"](text) == text, "run scripts/ladder_recount"


def test_other_counts_are_seen(counts: dict[str, Any], text: str) -> None:
    """A row, and what is said of how they were counted."""
    nano = costs("mnist")["nano"]
    assert counts["described"](text.replace(f"{nano['flash']:,}", "1")) == text
    assert counts["described"](text.replace(counts["PARAGRAPH"], counts["PARAGRAPH"] + " elsewhere")) == text


@pytest.mark.parametrize("dataset", ["mnist", "fashion-mnist"])
def test_the_same_counts_change_nothing(counts: dict[str, Any], dataset: str) -> None:
    """Accuracies and everything else that a training measured stay."""
    document = json.loads((reference_nets.FOLDER / f"{dataset}.json").read_text())
    fields = ("weight_bytes", *counts["FIELDS"])
    every = {
        net["arch"]: {"weight_bytes": 0} | net for each in ("mnist", "fashion-mnist") for net in costs(each).values()
    }
    tools = document["counted"]["tools"]
    counted = {
        (name, seed): counts["Counts"](**{field: net[field] for field in fields}, tools=tools)
        for name, net in every.items()
        for seed in (0, 1)
    }
    found = counts["updated"](dataset, document, counted, "mnist")
    assert {**found["counted"], "spread_of_two_seeds": None} == {**document["counted"], "spread_of_two_seeds": None}
    assert {**found, "counted": None} == {**document, "counted": None}
    assert all(share == 0 for apart in found["counted"]["spread_of_two_seeds"].values() for share in apart.values())
    other = dict(counted) | {
        ("small", 0): counts["Counts"](**{field: every["small"][field] + (field == "arena") for field in fields})
    }
    changed = counts["updated"](dataset, document, other, "mnist")
    assert [net["arena"] - old["arena"] for net, old in zip(changed["nets"], document["nets"], strict=True)] == [
        int(old["arch"] == "small") for old in document["nets"]
    ]


def test_a_net_with_other_weights_keeps_its_accuracies_from_being_taken_over(counts: dict[str, Any]) -> None:
    document = {"nets": [{"arch": "nano", "weight_bytes": 10}]}
    counted = {("nano", 0): counts["Counts"](weight_bytes=11, flash=1, flash_fast=2, arena=3, instructions=4.0)}
    with pytest.raises(Exception, match="its accuracies are another net's"):
        counts["updated"]("mnist", document, counted, "mnist")


def test_what_the_text_makes_of_pruning_is_true(text: str) -> None:
    """In docs/benchmarks.md and the guide to digits: where it fails, the sentences have to change with the counts."""
    nets = costs("mnist")
    text = " ".join(text.split())
    assert "takes less flash and fewer instructions, so pruning pays here" in text
    assert nets["small-pruned-80"]["flash"] < nets["micro"]["flash"]
    assert nets["small-pruned-80"]["instructions"] < nets["micro"]["instructions"]
    assert "costs more than the dense `tiny` in both" in text
    assert all(nets["small-pruned-50"][cost] > nets["tiny"][cost] for cost in ("flash", "flash_fast", "instructions"))
    half = Cost(nets["small-pruned-50"]["flash_fast"], nets["small-pruned-50"]["instructions"])
    assert "a dense net does better for less: " in advice_on_cost("mnist", 0.9950, half)


@pytest.mark.parametrize("dataset", ["mnist", "fashion-mnist"])
def test_weights_hardly_matter(dataset: str) -> None:
    """Two seeds agree to 0.1 %, of a pruned net, whose zeros are elsewhere, to 2 %: else one training tells nothing."""
    document = json.loads((reference_nets.FOLDER / f"{dataset}.json").read_text())
    for name, apart in document["counted"]["spread_of_two_seeds"].items():
        assert max(apart.values()) < (0.02 if "-pruned-" in name else 0.001), name
