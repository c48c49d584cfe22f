"""A report that is read again is what was written; what is damaged is refused with its place."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgemnist.commands.report.baseline.accuracy import accuracy_change
from edgemnist.commands.report.baseline.costs import Both
from edgemnist.commands.report.baseline.growth import compared
from edgemnist.commands.report.baseline.interleaved import reported
from edgemnist.commands.report.baseline.reading import read_report
from edgemnist.commands.report.html import baseline as beside
from edgemnist.commands.report.html.svg import numbered
from edgemnist.support.errors import InputError
from edgemnist.support.files import json_text
from tests.commands.report.sample import sample_report

pytestmark = pytest.mark.unit


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "report.json"
    path.write_text(json_text(sample_report().as_json()), encoding="utf-8")
    return path


def test_a_report_is_read_as_it_was_written(written: Path) -> None:
    assert read_report(written) == sample_report()


def test_what_is_printed_can_be_read_too(written: Path) -> None:
    content = json.loads(written.read_text(encoding="utf-8"))
    written.write_text(json.dumps({**content, "error": {"kind": "gate_failed"}}))
    assert read_report(written) == sample_report()


def test_a_report_of_format_1_has_neither_layers_nor_answers(written: Path) -> None:
    content = json.loads(written.read_text(encoding="utf-8"))
    later = {name: content.pop(name) for name in ("layers", "answers", "comparison")}
    assert later["layers"] and content["runtimes"].pop("conditions")
    for row in content["runtimes"]["rows"]:
        assert row.pop("lowest_us") <= row.pop("highest_us")
    written.write_text(json.dumps({**content, "format": 1}))
    now = sample_report()
    rows = tuple(replace(row, lowest_us=None, highest_us=None) for row in now.runtimes.rows)
    runtimes = replace(now.runtimes, conditions="", rows=rows)
    assert read_report(written) == replace(now, layers=(), answers=None, comparison=None, runtimes=runtimes)


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [
        (("format",), 3, "report of format 3, this edgemnist reads 1 to 2; update"),
        (("format",), "2", "is no report"),
        (("subject", "bytes"), "9", 'damaged: subject.bytes should be int, got "9"'),
        (("subject", "bytes"), True, "damaged: subject.bytes should be int, got true"),
        (("subject", "bytes"), 9.5, "damaged: subject.bytes should be int, got 9.5"),
        (("subject",), None, "damaged: subject should be an object, got null"),
        (("layers", 0, "inputs"), 3, "damaged: layers[0].inputs should be a list, got 3"),
        (("layers", 0, "inputs", 0, 0), "1", 'damaged: layers[0].inputs[0][0] should be int, got "1"'),
        (("verdict", "state"), "good", 'damaged: verdict.state should be one of passed, failed, undecided, got "good"'),
        (("provenance", "packages"), [], "damaged: provenance.packages should be an object, got []"),
        (("firmware", "flash_bytes"), 10**300, "damaged: firmware.flash_bytes is no number that a report has: 1000"),
        (
            ("firmware", "cycles", "low"),
            float("nan"),
            "damaged: firmware.cycles.low is no number that a report has: NaN",
        ),
        (("firmware", "cycles", "low"), float("inf"), "is no number that a report has: Infinity"),
        (("layers", 3, "step"), -5, "damaged: layers[3].step is -5, the firmware has 4 layers"),
        (("layers", 3, "step"), 4, "damaged: layers[3].step is 4, the firmware has 4 layers"),
        (("firmware", "more"), 1, "damaged: firmware.more is unknown"),
    ],
)
def test_what_is_not_as_the_schema_says_is_refused_with_its_place(
    written: Path, place: tuple[str | int, ...], value: object, says: str
) -> None:
    content: Any = json.loads(written.read_text(encoding="utf-8"))
    inner = content
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    written.write_text(json.dumps(content))
    with pytest.raises(InputError) as error:
        read_report(written)
    assert says in str(error.value)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"a": 1}', "\udcff", "[" * 100_000, '{"format": 2}'])
def test_what_is_no_report_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "old.json"
    path.write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(InputError, match=r"is no (report|JSON)"):
        read_report(path)


def test_a_field_that_is_missing_is_named(written: Path) -> None:
    content = json.loads(written.read_text(encoding="utf-8"))
    del content["firmware"]["flash_bytes"]
    written.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"damaged: firmware\.flash_bytes is missing; make it again"):
        read_report(written)


def places(content: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield where every value of a document stands."""
    yield place
    inner = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for step, value in inner:
        yield from places(value, (*place, step))


WHOLE = json.loads(json_text(sample_report(hostile=False).as_json()))
PARTS = ("subject", "images", "runtimes", "confusion", "firmware", "memory", "layers", "answers")
PLACES = [place for place in places(WHOLE) if place and place[0] in PARTS]
VALUES: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just([]) | st.just({})
)


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(PLACES), VALUES)
def test_a_report_with_any_other_value_is_refused_or_compared(
    tmp_path_factory: pytest.TempPathFactory, place: tuple[str | int, ...], value: object
) -> None:
    content = copy.deepcopy(WHOLE)
    inner = content
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    path = tmp_path_factory.getbasetemp() / "changed.json"
    path.write_text(json.dumps(content))
    model = sample_report(hostile=False)
    try:
        old = read_report(path)
        change, finding = accuracy_change(old, model)
    except InputError:
        return
    found = compared(Both.of(old, model), 0.02)
    assert model.comparison is not None
    comparison = replace(
        model.comparison, accuracy=change, growths=found.growths, layers=found.layers, latency=reported(old, model)[0],
        findings=(finding, *found.findings),
    )  # fmt: skip
    with numbered():
        for draw in (beside.growth_bars, beside.layer_bars, beside.growths, beside.layers, beside.latency):
            draw(comparison)
