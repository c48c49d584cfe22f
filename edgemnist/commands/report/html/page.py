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
from edgemnist.support.palette import DARK, LIGHT, css_variables

_TEMPLATES = Path(__file__).parent / "templates"
_PAGE = "page.html.jinja"


def render(report: Report) -> str:
    """Return the page as one HTML text that loads nothing."""
    style, script = style_sheet(), _template("script.js")
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.globals["sign"] = svg.sign
    with svg.numbered():
        values: dict[str, Any] = {
            "report": report, "beside": baseline, "charts": charts, "maps": maps, "tables": tables, "words": words,
            "style": style, "script": script, "policy": _policy(style, script),
        }  # fmt: skip
        return environment.get_template(_PAGE).render(values) + "\n"


def _template(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8").strip()


def style_sheet() -> str:
    """Return the page's style sheet, with the palette's colours where its comments ask for them."""
    series = "\n".join(
        f"svg .curve.series-{one} {{ stroke: var(--series-{one}); }} "
        f"svg .bar.series-{one}, svg .mark.series-{one} {{ fill: var(--series-{one}); }}"
        for one in range(1, len(LIGHT.series) + 1)
    )
    blocks = " ".join(f"svg .tensor-{one} {{ fill: var(--block-{one}); }}" for one in range(1, len(LIGHT.blocks) + 1))
    colours = {"light": css_variables(LIGHT), "dark": css_variables(DARK), "series": series, "blocks": blocks}
    style = _template("style.css")
    for name, text in colours.items():
        style = style.replace(f"/* {name} */", text)
    return style


def _policy(style: str, script: str) -> str:
    """Return the rules that a browser holds the page to: nothing from elsewhere, no script but its own."""
    return (
        f"default-src 'none'; img-src data:; style-src '{_hash_of(style)}'; script-src '{_hash_of(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash_of(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"
