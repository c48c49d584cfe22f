"""Replay the golden vectors: do this machine's outputs equal, byte for byte, those from where the bundle was made?"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .classifier import GOLDEN, Classifier
from .generated import GENERATED, library_of

CLOSE = 1e-5
"""Largest difference at which float outputs count as the same, as a share of the largest output where that is above 1.

Sums are rounded in another order on each processor.
"""


def replay(folder: Path, *, interpreter: str | None = None, limit: int | None = None) -> dict[str, Any]:
    """Run the golden images through an interpreter's two sets of kernels, and through the generated C where it runs.

    ``passed`` is true when every comparison that has to hold does, and at least one was made. What has to hold is in
    the manifest for each set of kernels: ``exact`` (equal bytes), ``close`` (float outputs within :data:`CLOSE` and the
    same class) or ``compared`` (told, never required: these kernels round otherwise on every processor).
    """
    with np.load(folder / GOLDEN) as golden:
        arrays = {name: golden[name][:limit] for name in golden.files}
    first = Classifier(folder, interpreter=interpreter)
    classifiers = [first]
    if first.interpreter != GENERATED:
        classifiers.append(Classifier(folder, kernels="reference", interpreter=first.interpreter))
        if first.manifest.get("generated_c") and library_of(folder) is not None:
            classifiers.append(Classifier(folder, interpreter=GENERATED))
    comparisons = [_comparison(classifier, arrays) for classifier in classifiers]
    described = first.described()
    del described["kernels"]
    required = [one for one in comparisons if one.get("required") in ("exact", "close")]
    passed = bool(required) and all(one["passed"] for one in required)
    return {**described, "images": len(arrays["images"]), "passed": passed, "comparisons": comparisons}


def _comparison(classifier: Classifier, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """Run the golden images through one engine and compare its outputs with those of the entry for it."""
    start = time.perf_counter()
    outputs = np.stack([classifier.invoke(image) for image in arrays["images"]])
    seconds = time.perf_counter() - start
    comparison = {
        "kernels": GENERATED if classifier.interpreter == GENERATED else classifier.kernels,
        "seconds": round(seconds, 2),
        **_accuracy(classifier, outputs, arrays["labels"]),
    }
    for entry in classifier.manifest["expected"]:
        if (entry["interpreter"], entry["kernels"]) == (classifier.interpreter, classifier.kernels):
            comparison.update(_compared(classifier, outputs, arrays[entry["array"]], entry))
    return comparison


def _accuracy(classifier: Classifier, outputs: NDArray[Any], labels: NDArray[np.int64]) -> dict[str, Any]:
    return {"correct": int((classifier.preprocessing.classes(outputs) == labels).sum())}


def _compared(
    classifier: Classifier, outputs: NDArray[Any], expected: NDArray[Any], entry: dict[str, Any]
) -> dict[str, Any]:
    classes = classifier.preprocessing.classes
    unequal = outputs != expected
    largest = float(np.abs(outputs.astype(np.float64) - expected.astype(np.float64)).max(initial=0.0))
    same_class = int((classes(outputs) == classes(expected)).sum())
    exact = outputs.dtype == expected.dtype and not bool(unequal.any())
    close = largest <= CLOSE * max(1.0, float(np.abs(expected).max(initial=0))) and same_class == len(outputs)
    return {
        "required": entry["required"],
        "expected_from": entry["from"],
        "values": int(unequal.size),
        "different": int(unequal.sum()),
        "images_different": int(unequal.any(axis=1).sum()),
        "largest_difference": largest,
        "same_class": same_class,
        "passed": {"exact": exact, "close": exact or close}.get(entry["required"], True),
    }


def in_words(report: dict[str, Any]) -> list[str]:
    """Return a report as lines for people."""
    lines = [
        f"{report['interpreter']} {report['version']} on {report['machine']} ({report['bits']} bits), "
        f"Python {report['python']}, numpy {report['numpy']}: {report['images']} golden images"
    ]
    for one in report["comparisons"]:
        head = f"{one['kernels']} kernels: {one['correct']} right"
        if "required" not in one:
            lines.append(f"{head}; the bundle holds no expected bytes of this interpreter to compare with")
            continue
        found = f"{one['different']} of {one['values']} values differ"
        if one["different"]:
            found += f" ({one['images_different']} images, at most {one['largest_difference']:g})"
        state = "compared" if one["required"] == "compared" else "passed" if one["passed"] else "FAILED"
        lines.append(f"{state}: {head}, {found} from {one['expected_from']}")
    if not any(one.get("required") in ("exact", "close") for one in report["comparisons"]):
        lines.append(
            "FAILED: nothing could be proved; make the bundle where this interpreter is installed "
            f"(pip install {report['interpreter']})"
        )
    return lines
