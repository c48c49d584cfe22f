"""Replay the golden vectors: do this machine's outputs equal, byte for byte, those from where the bundle was made?"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.support.errors import EnvironmentFailure

from .classifier import Classifier
from .generated import GENERATED, library_of
from .network import Network
from .opened import GOLDEN, Opened, read_manifest

CLOSE = 1e-5
"""Largest difference at which float outputs count as the same, as a share of the largest output where that is above 1.

Sums are rounded in another order on each processor.
"""


def replay(folder: Path, *, interpreter: str | None = None, limit: int | None = None) -> dict[str, Any]:
    """Run the golden vectors through an interpreter's two sets of kernels, and through the generated C where it runs.

    ``passed`` is true when every comparison that has to hold does, and at least one was made. What has to hold is in
    the manifest for each set of kernels: ``exact`` (equal bytes), ``close`` (float outputs within :data:`CLOSE` and the
    same class) or ``compared`` (told, never required: these kernels round otherwise on every processor).
    """
    with np.load(folder / GOLDEN) as golden:
        arrays = {name: golden[name][:limit] for name in golden.files}
    model = opening(read_manifest(folder))
    first = _first(model, folder, interpreter)
    engines = [first]
    if first.interpreter != GENERATED:
        if first.kernels != "reference":
            engines.append(model(folder, kernels="reference", interpreter=first.interpreter))
        if first.manifest.get("generated_c") and library_of(folder) is not None:
            engines.append(model(folder, interpreter=GENERATED))
    comparisons = [_comparison(engine, arrays) for engine in engines]
    described = first.described()
    del described["kernels"]
    required = [one for one in comparisons if one.get("required") in ("exact", "close")]
    passed = bool(required) and all(one["passed"] for one in required)
    vectors = len(next(iter(arrays.values())))
    return {**described, "images": vectors, "passed": passed, "comparisons": comparisons}


def opening(manifest: dict[str, Any]) -> type[Opened]:
    """Return what opens the model of a bundle with that manifest: a classifier, or another network."""
    return Classifier if "class_names" in manifest else Network


def _first(model: type[Opened], folder: Path, interpreter: str | None) -> Opened:
    """Return the interpreter with its default kernels, or with the others where those refuse the model."""
    try:
        return model(folder, interpreter=interpreter)
    except EnvironmentFailure as refusal:
        try:
            return model(folder, kernels="reference", interpreter=interpreter)
        except EnvironmentFailure:
            raise refusal from None


def _comparison(engine: Opened, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """Run the golden vectors through one engine and compare its outputs with those of the entry for it."""
    start = time.perf_counter()
    rows = [engine.engine.invoke(inputs) for inputs in engine.golden_inputs(arrays)]
    outputs = [np.stack([row[number] for row in rows]) for number in range(len(rows[0]))]
    seconds = time.perf_counter() - start
    comparison: dict[str, Any] = {
        "kernels": GENERATED if engine.interpreter == GENERATED else engine.kernels,
        "seconds": round(seconds, 2),
    }
    if isinstance(engine, Classifier):
        classes = engine.preprocessing.classes(outputs[0])
        comparison["correct"] = int((classes == arrays["labels"]).sum())
    for entry in engine.manifest["expected"]:
        if (entry["interpreter"], entry["kernels"]) == (engine.interpreter, engine.kernels):
            expected = [arrays[name] for name in _names(entry, len(outputs))]
            comparison.update(_compared(engine, outputs, expected, entry))
    return comparison


def _names(entry: dict[str, Any], outputs: int) -> list[str]:
    """Return what the expected outputs are called among the golden vectors."""
    array = str(entry["array"])
    return [array] if outputs == 1 else [f"{array}.{number}" for number in range(outputs)]


def _compared(
    engine: Opened, outputs: list[NDArray[Any]], expected: list[NDArray[Any]], entry: dict[str, Any]
) -> dict[str, Any]:
    """Return what differs: values of all outputs together, and in which golden vectors."""
    each = [_Differences(outputs[number], wanted) for number, wanted in enumerate(expected)]
    exact, close = all(one.exact for one in each), all(one.close for one in each)
    told: dict[str, Any] = {
        "required": entry["required"],
        "expected_from": entry["from"],
        "values": sum(one.unequal.size for one in each),
        "different": sum(int(one.unequal.sum()) for one in each),
        "images_different": int(np.any([one.unequal.any(axis=1) for one in each], axis=0).sum()),
        "largest_difference": max(one.largest for one in each),
    }
    if len(each) > 1:
        told["outputs_different"] = [int(one.unequal.sum()) for one in each]
    if isinstance(engine, Classifier):
        classes = engine.preprocessing.classes
        told["same_class"] = int((classes(outputs[0]) == classes(expected[0])).sum())
        close = close and told["same_class"] == len(outputs[0])
    told["passed"] = {"exact": exact, "close": exact or close}.get(entry["required"], True)
    return told


class _Differences:
    """How an output differs from what was expected, both of shape (vectors, elements)."""

    def __init__(self, output: NDArray[Any], expected: NDArray[Any]) -> None:
        self.unequal = output != expected
        apart = np.abs(output.astype(np.float64) - expected.astype(np.float64))
        self.largest = float(apart.max(initial=0.0))
        self.exact = output.dtype == expected.dtype and not bool(self.unequal.any())
        self.close = self.largest <= CLOSE * max(1.0, float(np.abs(expected.astype(np.float64)).max(initial=0)))


def in_words(report: dict[str, Any]) -> list[str]:
    """Return a report as lines for people."""
    lines = [
        f"{report['interpreter']} {report['version']} on {report['machine']} ({report['bits']} bits), "
        f"Python {report['python']}, numpy {report['numpy']}: {report['images']} golden vectors"
    ]
    for one in report["comparisons"]:
        head = f"{one['kernels']} kernels:" + (f" {one['correct']} right" if "correct" in one else "")
        if "required" not in one:
            lines.append(f"{head}; the bundle holds no expected bytes of this interpreter to compare with")
            continue
        head += "," if "correct" in one else ""
        found = f"{one['different']} of {one['values']} values differ"
        if one["different"]:
            found += f" ({one['images_different']} images, at most {one['largest_difference']:g})"
        state = "compared" if one["required"] == "compared" else "passed" if one["passed"] else "FAILED"
        lines.append(f"{state}: {head} {found} from {one['expected_from']}")
    if not any(one.get("required") in ("exact", "close") for one in report["comparisons"]):
        lines.append(
            "FAILED: nothing could be proved; make the bundle where this interpreter is installed "
            f"(pip install {report['interpreter']})"
        )
    return lines
