"""JSON, JUnit XML and Markdown of a report whose names try to be markup, and which file is of which format."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest

from edgemnist.commands.report import junit, markdown
from edgemnist.commands.report.formats import FORMATS, targets_from
from edgemnist.commands.report.schema import json_schema
from edgemnist.support.errors import InputError
from tests.commands.report.sample import EVIL, sample_report

pytestmark = pytest.mark.unit

PUBLISHED = Path(__file__).parents[3] / "docs" / "reference" / "report.schema.json"


def document(**settings: bool) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FORMATS["json"].text(sample_report(**settings)))
    return found


def test_the_json_is_as_the_published_schema_says() -> None:
    schema = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document(), schema)
    jsonschema.validate(document(hostile=False, passed=False), schema)
    assert {name: value for name, value in schema.items() if name != "$comment"} == json_schema()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("format",), 1),
        (("verdict", "state"), "yes"),
        (("verdict", "checks", 0, "state"), "ok"),
        (("runtimes", "rows", 0, "median_us"), None),
        (("firmware", "layers", 0, "macs"), 1.5),
        (("more",), 1),
        (("images", "more"), 1),
    ],
)
def test_the_schema_refuses_what_is_otherwise(path: tuple[str | int, ...], value: object) -> None:
    content: Any = document()
    place = content
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, json_schema())


def test_junit_counts_what_failed_and_was_skipped() -> None:
    root = ElementTree.fromstring(junit.render(sample_report(passed=False)))
    checks, baseline, runs = root
    assert (checks.get("tests"), checks.get("failures"), checks.get("skipped")) == ("3", "1", "1")
    assert (runs.get("tests"), runs.get("failures"), runs.get("skipped")) == ("5", "0", "2")
    assert (baseline.get("tests"), baseline.get("failures"), baseline.get("skipped")) == ("2", "0", "1")
    assert [case.get("classname") for case in baseline] == ["baseline", "baseline"]
    failure = checks[0].find("failure")
    assert failure is not None
    # A vertical tab is no character of XML; everything else is there.
    assert checks[0].get("name") == EVIL.replace("\x0b", "\ufffd")
    assert failure.get("message", "").startswith("0 of 10 outputs <script>")
    assert ElementTree.fromstring(junit.render(sample_report())).find(".//failure") is None


def test_markdown_has_no_markup_but_its_own() -> None:
    text = markdown.render(sample_report())
    outside = re.sub(r"^(`{3,}).*?^\1$", "", text, flags=re.M | re.S)
    plain = re.sub(r"\\.", "", outside)
    assert re.findall(r"<[^>]*>", plain) == ["<details>", "<summary>", "</summary>", "</details>"]
    assert "](" not in plain
    assert "`" not in plain
    for table in re.findall(r"(?:^\|.*\|\n?)+", plain, flags=re.M):
        assert len({line.count("|") for line in table.splitlines()}) == 1
    assert "✅" in text
    assert "❌" in markdown.render(sample_report(passed=False))


def test_markdown_of_plain_names() -> None:
    lines = markdown.render(sample_report(hostile=False)).splitlines()
    assert lines[0] == "## ✅ plain on plain"
    assert "| plain | ✅ passed | 0 of 10 outputs plain |" in lines
    assert "| Flash, bytes | 17,052 of 262,144 |" in lines
    assert "edgemnist report 'plain'" in lines


def test_the_end_of_a_file_tells_its_format() -> None:
    found = targets_from(["json", "html"], [Path("a/b.md"), Path("C.HTML"), Path("x.xml")], Path("work"))
    assert [(str(one.path), one.format.name) for one in found] == [
        ("work/report.json", "json"), ("work/report.html", "html"), ("a/b.md", "markdown"), ("C.HTML", "html"),
        ("x.xml", "junit"),
    ]  # fmt: skip
    assert [str(one.path) for one in targets_from([], [], Path("work"))] == ["work/report.html"]
    with pytest.raises(InputError, match="unknown format 'pdf'; choose one of html, markdown, junit, json"):
        targets_from(["pdf"], [], Path())
    with pytest.raises(InputError, match=r"cannot tell the format of 'a\.pdf' by its end; give one of \.html"):
        targets_from([], [Path("a.pdf")], Path())
