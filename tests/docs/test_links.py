"""The documentation's links: every file and every heading that is linked to exists, and no web page is needed."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
README_BYTES = 10_240

_FENCED = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"^(?: {4}.*\n)+", re.MULTILINE)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)


def prose(text: str) -> str:
    """Return Markdown without its blocks of code."""
    return _INDENTED.sub("", _FENCED.sub("", text))


def links_of(text: str) -> list[str]:
    """Return the targets of all links and pictures."""
    return _LINK.findall(_CODE.sub("", prose(text)))


def anchors_of(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them: small letters, digits and hyphens.

    A heading that comes a second time gets ``-1``, and so on.
    """
    anchors: set[str] = set()
    for heading in _HEADING.findall(prose(text)):
        title = re.sub(r"\]\([^)]*\)", "", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", title).replace(" ", "-")
        number = 0
        while (unique := f"{anchor}-{number}" if number else anchor) in anchors:
            number += 1
        anchors.add(unique)
    return anchors


def dead_links(page: Path) -> list[str]:
    """Return the links of a page that lead nowhere, in words."""
    dead = []
    for link in links_of(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / unquote(name)).resolve() if name else page
        if not target.is_relative_to(ROOT) or not target.exists():
            dead.append(f"{link}: there is no {name}")
        elif anchor and anchor not in anchors_of(target.read_text(encoding="utf-8")):
            dead.append(f"{link}: {target.name} has no heading for #{anchor}")
    return dead


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_link_is_dead(page: Path) -> None:
    assert dead_links(page) == []


def test_every_page_is_reached_from_the_readme() -> None:
    reached, open_pages = set(), [ROOT / "README.md"]
    while open_pages:
        page = open_pages.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        names = (link.partition("#")[0] for link in links_of(page.read_text(encoding="utf-8")) if ":" not in link)
        open_pages += [(page.parent / unquote(name)).resolve() for name in names if name]

    assert set(PAGES) - reached == set()


def test_readme_is_short() -> None:
    assert (ROOT / "README.md").stat().st_size <= README_BYTES


def test_dead_links_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.docs.test_links.ROOT", tmp_path)
    page = tmp_path / "page.md"
    (tmp_path / "other.md").write_text("# One: `two` & three\n\n```\n# no heading\n```\n\n## Again\n\n## Again\n")
    page.write_text(
        "[a](other.md#one-two--three) [b](other.md#again-1) [c](#here) ![d](no.png) [e](other.md#no-heading)\n\n"
        "`[f](code.md)`\n\n    [g](indented.md)\n\n# Here\n"
    )

    assert [line.partition(":")[0] for line in dead_links(page)] == ["no.png", "other.md#no-heading"]
