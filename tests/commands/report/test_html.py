"""The page of a report: names stay names, nothing comes from elsewhere, and what a screen reader needs is there."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest

import edgemnist.commands.report.html.baseline as beside
import edgemnist.commands.report.html.page as page
from edgemnist.commands.report.html.page import render
from edgemnist.commands.report.html.svg import ticks
from edgemnist.commands.report.sections import CorruptionRow, Estimate
from tests.commands.report.sample import EVIL, sample_report

pytestmark = pytest.mark.unit

STYLE = page.style_sheet()
VOID = {"meta", "link", "img", "br", "input", "hr"}


class Outline(HTMLParser):
    """The elements of a page: each with its attributes, the names of those around it, and its own text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str], tuple[str, ...]]] = []
        self.texts: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}, tuple(self.open)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}, tuple(self.open)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> does not close what is open"

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes, _ in self.elements if name == tag]


@pytest.fixture(scope="module")
def text() -> str:
    return render(sample_report())


@pytest.fixture(scope="module")
def outline(text: str) -> Outline:
    return Outline(text)


def test_no_name_becomes_markup(outline: Outline) -> None:
    assert outline.open == []
    assert len(outline.all("script")) == len(outline.all("style")) == 1
    pictures = outline.all("img")
    assert pictures
    assert all(re.fullmatch(r"data:image/png;base64,[A-Za-z0-9+/=]+", one["src"]) for one in pictures)
    names = {name for _, attributes, _ in outline.elements for name in attributes}
    assert not [name for name in names if name.startswith("on")]


def test_names_are_shown_as_they_are(outline: Outline) -> None:
    shown = "".join(data for tag, data in outline.texts if tag not in ("script", "style"))
    # Vertical tabs are none of HTML's characters; the browser's page shows them as it likes.
    assert shown.count("<script>evil()</script>") > 100
    assert shown.count("onerror=evil()>") > 100
    assert EVIL in shown


def test_nothing_is_loaded_and_no_other_script_may_run(outline: Outline) -> None:
    policies = [one["content"] for one in outline.all("meta") if one.get("http-equiv") == "Content-Security-Policy"]
    assert len(policies) == 1
    assert policies[0].startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "unsafe" not in policies[0]
    for _, attributes, _ in outline.elements:
        assert "style" not in attributes
        for name in ("src", "href", "action", "xlink:href"):
            assert attributes.get(name, "#").startswith(("#", "data:")), attributes
    assert not re.findall(r"url\((?!#)", STYLE)
    assert "@import" not in STYLE


def test_links_within_the_page_lead_somewhere(outline: Outline) -> None:
    identifiers = [attributes["id"] for _, attributes, _ in outline.elements if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    named = [one["href"][1:] for one in outline.all("a")]
    named += [name for _, attributes, _ in outline.elements for name in attributes.get("aria-labelledby", "").split()]
    assert len(named) > 20
    assert set(named) <= set(identifiers)


def test_tables_have_captions_and_scopes(outline: Outline) -> None:
    assert len(outline.all("table")) == len(outline.all("caption")) > 10
    assert all(one.get("scope") in ("col", "row") for one in outline.all("th"))
    assert {one["role"] for one in outline.all("td")} == {"cell"}
    rows = [around for tag, _, around in outline.elements if tag == "tr"]
    assert all(around[-1] in ("thead", "tbody") for around in rows)


def test_pictures_say_what_they_show(outline: Outline) -> None:
    drawn = [attributes for tag, attributes, _ in outline.elements if tag == "svg"]
    named = [one for one in drawn if one.get("aria-hidden") != "true"]
    assert len(named) >= 7
    assert all(one["role"] == "img" and one["aria-labelledby"].count("picture-") == 2 for one in named)
    described = [around for tag, _, around in outline.elements if tag == "desc"]
    assert len(described) == len(named)
    assert all(one["alt"] for one in outline.all("img"))


def test_headings_come_in_order_and_the_language_is_said(outline: Outline) -> None:
    levels = [int(tag[1]) for tag, _, _ in outline.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert outline.all("html") == [{"lang": "en"}]
    assert len(outline.all("main")) == len(outline.all("header")) == len(outline.all("nav")) == 1


def luminance(colour: str) -> float:
    """Return the relative luminance of #rrggbb, 0..1. Source: WCAG 2.1."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


PALETTES = [
    dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in re.findall(r":root \{(.*?)\}", STYLE, re.S)
]
TEXTS = [
    ("ink", "page"), ("ink", "paper"), ("soft", "page"), ("soft", "paper"), ("link", "page"), ("link", "paper"),
    ("good", "paper"), ("bad", "paper"), ("good", "good-paper"), ("bad", "bad-paper"), ("ink", "good-paper"),
    ("ink", "bad-paper"), ("good", "note-paper"), ("bad", "note-paper"), ("ink", "note-paper"), ("soft", "note-paper"),
    ("ink", "right"), ("ink", "wrong-1"), ("ink", "wrong-2"), ("ink", "wrong-3"), ("on-wrong-4", "wrong-4"),
    *(("on-block", f"block-{number}") for number in range(1, 7)),
]  # fmt: skip
MARKS = [*((f"series-{number}", "paper") for number in range(1, 7)), ("edge", "paper")]


@pytest.mark.parametrize("palette", range(3))
def test_texts_and_marks_stand_out(palette: int) -> None:
    """WCAG 2.1 level AA: 4.5 to 1 for text, 3 to 1 for what a picture is understood by."""
    assert len(PALETTES) == 3
    colours = PALETTES[palette]
    weak = [pair for pair in TEXTS if contrast(*(colours[name] for name in pair)) < 4.5]
    weak += [pair for pair in MARKS if contrast(*(colours[name] for name in pair)) < 3.0]
    assert weak == []


def test_the_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_a_report_without_the_sections_that_may_be_missing() -> None:
    optional = [field.name for field in fields(sample_report()) if str(field.type).endswith("| None")]
    assert len(optional) == 9
    absent: dict[str, Any] = dict.fromkeys(optional)
    bare = replace(
        sample_report(hostile=False), **absent, calibration=(), differences=(), left_out=(), remark=""
    )  # fmt: skip
    outline = Outline(render(bare))
    sections = [one["id"] for one in outline.all("section")]
    assert sections == ["verdict", "stages", "runtimes", "provenance"]
    assert [one["href"] for one in outline.all("a")] == ["#verdict", *(f"#{name}" for name in sections)]


def test_a_failed_verdict_is_no_matter_of_colour() -> None:
    text = render(sample_report(hostile=False, passed=False))
    assert "✗ Failed" in text
    assert "✗ failed" in text
    assert "✓ Passed" in render(sample_report(hostile=False))


def test_growth_is_marked_where_nothing_explains_it() -> None:
    found = sample_report(hostile=False).comparison
    assert found is not None
    marks = {row[0].text: row[5].mark for row in beside.growths(found).rows}
    assert marks == {"size plain": "", "arena": "", "flash": "failed", "instructions": ""}
    assert [row[1].text for row in beside.layers(found).rows] == ["✗ unexplained", "+ new", "− gone", "≠ changed"]


def test_a_baseline_of_which_little_is_known_can_be_drawn() -> None:
    whole = sample_report(hostile=False)
    assert whole.comparison is not None
    bare = replace(whole.comparison, accuracy=None, growths=(), layers=(), latency=())
    outline = Outline(render(replace(whole, comparison=bare)))
    assert "baseline" in [one["id"] for one in outline.all("section")]
    many = replace(whole.comparison, layers=whole.comparison.layers * 30)
    text = render(replace(whole, comparison=many))
    assert "The layers that changed most" in text
    assert not re.search(r"\b(nan|inf)\b", text)


def test_the_same_report_gives_the_same_page() -> None:
    assert render(sample_report()) == render(sample_report())


def test_figures_at_their_ends_can_be_drawn() -> None:
    """One class, nothing wrong, one bin, no arena, all corruptions harmless."""
    whole = sample_report(hostile=False, classes=1)
    assert whole.memory is not None
    assert whole.robustness is not None
    perfect = CorruptionRow("fog", 1, (Estimate(1.0, 0.0),), (None,))
    bins = tuple(replace(one, images=0, confidence=None, accuracy=None) for one in whole.calibration[0].bins)
    at_the_end = replace(bins[-1], images=1, confidence=1.0, accuracy=1.0)
    text = render(
        replace(
            whole,
            memory=replace(whole.memory, arena_bytes=0, steps=(), blocks=()),
            robustness=replace(
                whole.robustness, models=("a",), clean=whole.robustness.clean[:1], corruptions=(perfect,), summaries=()
            ),
            calibration=(replace(whole.calibration[0], bins=(*bins[:-1], at_the_end)),),
        )
    )
    assert not re.search(r"\b(nan|inf)\b", text)
    assert Outline(text).open == []


def test_many_classes_have_a_list_instead_of_a_matrix() -> None:
    many, few = (render(sample_report(hostile=False, classes=count)) for count in (100, 26))
    assert "Confusion matrix of" in few
    assert "Confusion matrix of" not in many
    assert "Most often confused" in many


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (0, 3256, [0, 1000, 2000, 3000]),
        (0.55, 1, [0.6, 0.7, 0.8, 0.9, 1.0]),
        (2, 2, [2]),
    ],
)  # fmt: skip
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(expected)
