"""The table of operators: complete, small, and what the interpreters that are here say themselves."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from importlib import metadata
from itertools import pairwise
from pathlib import Path

import pytest

from edgemnist.runner.operator_versions import (
    DELEGATED,
    REFUSED,
    RUNS,
    TABLE,
    UNTRIED,
    Column,
    column_of,
    columns,
    delegated,
    first_that_knows,
    form_of,
    refusals,
    untried,
)
from edgemnist.tflite.file import TfliteModel, parse_tflite
from edgemnist.tflm.operators import KINDS
from tests.compiler.model_builder import ModelBuilder
from tests.oracles import needs

PROBE = Path(__file__).parents[2] / "scripts" / "operator_probe.py"


def dense(version: int, *, weights: str = "int8", each: bool = True) -> TfliteModel:
    """Return a float FULLY_CONNECTED with int8 weights, as dynamic-range conversion makes it."""
    return parse_tflite(dense_content(version, weights=weights, each=each))


def dense_content(version: int, *, weights: str = "int8", each: bool = True) -> bytes:
    """Return the file of :func:`dense`."""
    builder = ModelBuilder()
    image = builder.input((1, 8), None, dtype="float32")
    kernel = builder.constant([[1] * 8] * 4, [0.1] * 4 if each else 0.1, dtype=weights)
    return builder.finish([builder.op("FULLY_CONNECTED", [image, kernel], (1, 4), dtype="float32", version=version)])


@pytest.mark.unit
def test_the_table_is_small_and_every_entry_is_one_of_four() -> None:
    assert TABLE.stat().st_size < 100_000
    assert list(columns())[:4] == [f"tflite-runtime-2.{minor}" for minor in (11, 12, 13, 14)]
    assert {"tflm", "litert-js", "litert-1.0", "litert-2.3"} <= set(columns())
    for column in columns().values():
        assert column.measured_on
        assert set(column.types.values()) <= {RUNS, DELEGATED, REFUSED, UNTRIED}
        assert len([kind for kind, version in column.versions.items() if version]) > 90


@pytest.mark.unit
def test_versions_only_grow_from_one_version_of_a_package_to_the_next() -> None:
    for prefix in ("tflite-runtime-", "litert-1", "litert-2"):
        same = [one for name, one in columns().items() if name.startswith(prefix)]
        for before, after in pairwise(same):
            fewer = {kind for kind, old in before.versions.items() if (old or 0) > (after.versions[kind] or 0)}
            assert not fewer, f"{before.name} to {after.name}"


@pytest.mark.unit
def test_the_wheel_of_tflm_has_the_operators_of_its_resolver() -> None:
    known = columns()["tflm"].versions

    assert {kind for kind, version in known.items() if version} <= KINDS
    assert {kind for kind in KINDS if known.get(kind) == 0} == set()


@pytest.mark.unit
def test_a_form_has_each_type_once_in_a_row() -> None:
    model = dense(12)

    assert form_of(model.operators[0], model) == "float32,int8/c->float32"
    assert form_of(dense(9, each=False).operators[0], dense(9, each=False)) == "float32,int8->float32"


@pytest.mark.unit
def test_a_version_that_is_too_new_is_refused_and_the_next_interpreter_named() -> None:
    model, column = dense(12), columns()["tflite-runtime-2.14"]

    (refusal,) = refusals(model, column)

    assert refusal.what == "version"
    assert refusal.known < 12
    assert "the model has version 12" in refusal.reason
    later = first_that_knows(model.operators[0], list(columns()))
    assert later is not None
    assert not refusals(model, later)


@pytest.mark.unit
def test_tflm_does_not_look_at_versions_but_at_types() -> None:
    assert [one.what for one in refusals(dense(12), columns()["tflm"])] == ["types"]


@pytest.mark.unit
def test_types_at_the_edges_count_where_only_some_can_be_fed() -> None:
    builder = ModelBuilder()
    model = parse_tflite(builder.finish([builder.op("RELU", [builder.input((1, 4), 0.1, 0)], (1, 4), 0.1, 0)]))

    assert {one.what for one in refusals(model, columns()["litert-js"])} == {"edges"}
    assert refusals(model, columns()["litert-2.3"]) == []
    assert untried(model, columns()["litert-2.3"]) == []


@pytest.mark.unit
def test_what_nobody_tried_is_not_refused() -> None:
    builder = ModelBuilder()
    image = builder.input((1, 4), None, dtype="float64")
    both = builder.op("RELU", [image], (1, 4), dtype="float64")
    model = parse_tflite(builder.finish([builder.op("CUSTOM:Mine", [both], (1, 4), dtype="float64")]))

    assert refusals(model, columns()["litert-2.3"]) == []
    assert untried(model, columns()["litert-2.3"]) == ["RELU of float64->float64", "Mine"]


@pytest.mark.unit
def test_columns_are_found_by_version_whatever_its_last_number() -> None:
    found = column_of("tflite-runtime", "2.14.7")

    assert found is columns()["tflite-runtime-2.14"]
    assert column_of("tflite-runtime", "2.15.0") is None
    assert delegated(dense(12), columns()["tflm"]) == 0


@needs("tflite-runtime-default", "tflm")
@pytest.mark.parametrize("package", ["tflite-runtime", "tflite-micro"])
def test_the_script_finds_here_what_the_table_says(package: str, tmp_path: Path) -> None:
    column = _column_here(package)
    kinds = {"CONV_2D": 3, "GELU": 150, "RELU": 19}
    wanted = {kind: column.versions.get(kind) for kind in kinds}
    sys.path.insert(0, str(PROBE.parent))
    content = dense_content(1)
    questions = {**_templates(), "most": 12, "kinds": kinds, "cases": [base64.b64encode(content).decode()]}
    (tmp_path / "questions").write_text(json.dumps(questions))

    subprocess.run(
        [sys.executable, str(PROBE), package, str(tmp_path / "questions"), str(tmp_path / "answers")],
        check=True, timeout=120,
    )  # fmt: skip

    answers = json.loads((tmp_path / "answers").read_text())
    assert answers["versions"] == wanted
    model = parse_tflite(content)
    assert answers["cases"] == [column.tried(model.operators[0], model)]


def _column_here(package: str) -> Column:
    """Return the column of the installed version, of a wheel that is made every day any."""
    found = columns()["tflm"] if package == "tflite-micro" else column_of(package, metadata.version(package))
    assert found is not None
    return found


def _templates() -> dict[str, object]:
    """Return the files that scripts/operator_versions makes."""
    from importlib.machinery import SourceFileLoader
    from importlib.util import module_from_spec, spec_from_loader

    path = PROBE.with_name("operator_versions")
    spec = spec_from_loader("measuring", SourceFileLoader("measuring", str(path)))
    assert spec is not None
    module = module_from_spec(spec)
    sys.modules["measuring"] = module
    assert spec.loader is not None
    spec.loader.exec_module(module)
    return {"template": module.template(()), "tflm_template": module.template(("AVERAGE_POOL_2D", "CUSTOM:nothing"))}
