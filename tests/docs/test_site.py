"""The documentation builds as a site: no link is dead, nothing is loaded from elsewhere, it fits a telephone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import site_pages

from tests.browser import find_browser, open_browser
from tests.docs.test_links import PAGES, ROOT

pytest.importorskip("material")

_LOADED = re.compile(
    r"<(?:script|img|iframe|source|link(?! rel=\"(?:prev|next)\"))\b[^>]*(?:src|href)=\"?((?:https?:)?//[^\" >]+)"
)
_STYLED = re.compile(r"(?:url\(|@import )[\"']?((?:https?:)?//[^\"')]+)")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the built site."""
    folder = tmp_path_factory.mktemp("site")
    site_pages.collect(folder / "pages")
    assert site_pages.build(folder / "pages", folder / "out") == 0
    return folder / "out"


def test_it_has_every_page(site: Path) -> None:
    pages = {
        page.relative_to(ROOT).with_suffix(".html").as_posix().replace("README.html", "index.html") for page in PAGES
    }
    assert {page for page in pages if not (site / page).is_file()} == set()


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    loaded = [_LOADED.findall(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")]
    styled = [_STYLED.findall(path.read_text(encoding="utf-8")) for path in site.rglob("*.css")]
    assert len(loaded) > 40 and len(styled) > 0
    assert [found for found in (*loaded, *styled) if found] == []


def test_what_would_be_loaded_from_elsewhere_is_seen() -> None:
    page = (
        '<link rel="next" href="x.html"><script src="https://a.example/b.js"></script><link href="//c.example/d.css">'
    )
    assert _LOADED.findall(page) == ["https://a.example/b.js", "//c.example/d.css"]
    assert _STYLED.findall("@import 'https://e.example/f.css'; a {b: url(//g.example/h)}") == [
        "https://e.example/f.css",
        "//g.example/h",
    ]


@pytest.mark.skipif(find_browser() is None, reason="Chromium is not installed")
@pytest.mark.parametrize("width", [1280, 375])
def test_a_browser_asks_nobody_and_needs_no_scrolling_to_the_side(site: Path, tmp_path: Path, width: int) -> None:
    with open_browser(tmp_path) as browser:
        browser.show(width)
        for page in ("index.html", "docs/reference/commands.html"):
            browser.open((site / page).as_uri())
            asked = [event["request"]["url"] for event in browser.told("Network.requestWillBeSent")]
            assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
            assert browser.evaluate("document.documentElement.scrollWidth") <= width


def test_code_in_a_table_has_no_backslash(site: Path) -> None:
    assert "<code>NAME|PATH</code>" in (site / "docs/reference/commands.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("link", ["missing.md", "install.md#no-such-heading"])
def test_a_dead_link_fails(link: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pages = tmp_path / "pages"
    (pages / "docs").mkdir(parents=True)
    (pages / "README.md").write_text("# Net\n")
    (pages / "docs" / "README.md").write_text(f"# Docs\n\n## Guides: how\n\n[one]({link})\n")
    (pages / "docs" / "install.md").write_text("# Installing\n")
    assert site_pages.build(pages, tmp_path / "out") == 1
    assert link.partition("#")[2] in caplog.text
