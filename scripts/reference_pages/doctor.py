"""faults.md and operator-versions.md: what `edgemnist doctor MODEL` looks for, and what it knows of interpreters."""

from __future__ import annotations

from edgemnist.commands.doctor.stage import all_faults
from edgemnist.runner.operator_versions import DELEGATED, REFUSED, RUNS, TFLM, Column, columns
from reference_pages.text import Page, code, table


def faults_page() -> Page:
    """Return the page of the faults of models."""
    rows = [(code(one.name), one.severity.value, one.what, one.remedy) for one in all_faults() if not one.needs_images]
    on_images = [(code(one.name), one.severity.value, one.what, one.remedy) for one in all_faults() if one.needs_images]
    headings = ("Fault", "Severity", "What it is", "What to do")
    body = [
        "`wrong`: some target gives other results than the model was made for, or none. `costs`: accuracy, memory or "
        "time that need not be. `note`: as many models have it, and no harm by itself.\n",
        table(headings, rows),
        "## With `--dataset`\n",
        table(headings, on_images),
    ]
    summary = "What `edgemnist doctor MODEL` finds in a `.tflite`, and what to do about it."
    return Page("faults.md", "Faults of models", summary, "\n".join(body))


def operator_versions_page() -> Page:
    """Return the page of the measured table."""
    every = list(columns().values())
    kinds = sorted({kind for column in every for kind, version in column.versions.items() if version})
    measured = [
        (code(one.name), one.package, one.version, _pythons(one), _numpy(one), one.measured_on) for one in every
    ]
    versions = [(code(kind), *(_version(column, kind) for column in every)) for kind in kinds]
    forms = sorted({row for column in every for row in column.types})
    types = [(code(kind), code(form), *(_result(column, kind, form) for column in every)) for kind, form in forms]
    names = [one.name for one in every]
    body = [
        "Measured by `scripts/operator_versions` on the wheels themselves; nothing here is taken from documentation.\n",
        table(("Target", "Package", "Version", "Python", "numpy 2", "Measured on"), measured),
        "## Highest version of each operator\n",
        f"Empty: not registered. `{TFLM}` has one kernel for all versions.\n",
        table(("Operator", *names), versions),
        "## Types\n",
        "A model of one operator was loaded and run. x: XNNPACK computed it; yes: a kernel of the interpreter; no: it "
        "was refused; empty: not tried. `/c`: a scale for each channel.\n",
        table(("Operator", "Types", *names), types),
    ]
    summary = "Which operators, in which versions and types, TFLite's interpreters load, from tflite-runtime 2.11 on."
    return Page("operator-versions.md", "Operators of the interpreters", summary, "\n".join(body))


def _pythons(column: Column) -> str:
    return f"{column.pythons[0]} to {column.pythons[-1]}" if column.pythons else "-"


def _numpy(column: Column) -> str:
    return "-" if column.numpy_2 is None else "yes" if column.numpy_2 else "no"


def _version(column: Column, kind: str) -> str:
    version = column.versions.get(kind)
    if not version:
        return "?" if version is None else ""
    return "yes" if column.name == TFLM else str(version)


def _result(column: Column, kind: str, form: str) -> str:
    return {RUNS: "yes", DELEGATED: "x", REFUSED: "no"}.get(column.types[kind, form], "")
