"""The pages of the documentation's site, their order, and how MkDocs makes it; ``scripts/site`` calls this."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
CONFIGURATION = REPOSITORY / "docs" / "mkdocs.yml"
INDEX = "docs/README.md"
_LINK = re.compile(r"\]\(([^)#\s:]+)(?:#[^)\s]*)?\)")
_ROW = re.compile(r"^\|.*\|$", re.MULTILINE)
_CODE = re.compile(r"`[^`\n]*`")
_SECTION = re.compile(r"^## (.+?)(?::.*)?$", re.MULTILINE)


def collect(pages: Path) -> None:
    """Copy the pages, where they lie in the repository, and the files that they link to."""
    for page in [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")]:
        linked = (page.parent / link for link in _LINK.findall(page.read_text(encoding="utf-8")))
        for path in (page, *linked):
            source = path.resolve()
            if source.is_file() and source.is_relative_to(REPOSITORY):
                target = pages / source.relative_to(REPOSITORY)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target)
                if source.suffix == ".md":
                    target.write_text(_as_mkdocs_reads_it(source.read_text(encoding="utf-8")), encoding="utf-8")


def _as_mkdocs_reads_it(text: str) -> str:
    """Return a page whose tables have no backslash before a bar in code, which GitHub wants and MkDocs would show."""
    return _ROW.sub(lambda row: _CODE.sub(lambda code: code[0].replace("\\|", "|"), row[0]), text)


def navigation(pages: Path) -> list[dict[str, Any]]:
    """Return the pages in the order in which docs/README.md names them, under its headings; then all others."""
    text = (pages / INDEX).read_text(encoding="utf-8")
    parts = _SECTION.split(text)
    found: list[dict[str, Any]] = [{"Start": ["README.md", "docs/install.md", INDEX]}]
    named = set(found[0]["Start"])
    for title, body in zip(parts[1::2], parts[2::2], strict=True):
        here = []
        for link in _LINK.findall(body):
            path = Path(os.path.normpath(Path(INDEX).parent / link)).as_posix()
            if path.endswith(".md") and path not in named:
                named.add(path)
                here.append(path)
        found += [{title: here}] if here else []
    rest = sorted(path.relative_to(pages).as_posix() for path in pages.rglob("*.md"))
    return [*found, {"Project": [path for path in rest if path not in named]}]


def build(pages: Path, out: Path) -> int:
    """Build the pages; return 1 if MkDocs warned of something, such as a link that leads nowhere."""
    from mkdocs.commands.build import build as build_site
    from mkdocs.config import load_config
    from mkdocs.exceptions import Abort

    settings = load_config(
        str(CONFIGURATION), docs_dir=str(pages), site_dir=str(out), nav=navigation(pages), strict=True
    )
    try:
        build_site(settings)
    except Abort as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{out}/index.html\n")
    return 0
