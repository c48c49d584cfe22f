"""The page: templates filled with a report's values."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from edgemnist.commands.report import words
from edgemnist.commands.report.html import baseline, charts, maps, svg, tables
from edgemnist.commands.report.report import Report

_TEMPLATES = Path(__file__).parent / "templates"
_PAGE = "page.html.jinja"


def render(report: Report) -> str:
    """Return the page as one HTML text that loads nothing."""
    style, script = ((_TEMPLATES / name).read_text(encoding="utf-8").strip() for name in ("style.css", "script.js"))
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    with svg.numbered():
        values: dict[str, Any] = {
            "report": report, "beside": baseline, "charts": charts, "maps": maps, "tables": tables, "words": words,
            "style": style, "script": script, "policy": _policy(style, script),
        }  # fmt: skip
        return environment.get_template(_PAGE).render(values) + "\n"


def _policy(style: str, script: str) -> str:
    """Return the rules that a browser holds the page to: nothing from elsewhere, no script but its own."""
    return (
        f"default-src 'none'; img-src data:; style-src '{_hash_of(style)}'; script-src '{_hash_of(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash_of(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"
