"""The page: one HTML text that loads nothing, from templates, a network and the facts of it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.page.gallery import Gallery
from edgemnist.page.web_assembly import INSTALL
from edgemnist.runner.base import missing_package
from edgemnist.support.errors import MissingDependencyError

TEMPLATES = Path(__file__).parent / "templates"
_PAGE = "page.html.jinja"
SCRIPTS = (
    "framing.mjs", "network.mjs", "board.mjs", "base.js", "paint.js", "files.js", "pad.js", "results.js",
    "board_panel.js", "page.js",
)  # fmt: skip
"""What the page's script is put together from, in this order: what is used comes first."""

_SERVER_SCRIPT = "server_panel.js"


@dataclass(frozen=True, eq=False)
class Examples:
    """Test images to try, uint8, shape (count, height, width, channels), and the index of each one's class."""

    images: NDArray[np.uint8]
    labels: tuple[int, ...]


@dataclass(frozen=True)
class RenderedPage:
    """A page's HTML, and the content policy that is in it."""

    text: str
    policy: str


@dataclass(frozen=True, eq=False)
class ServerSide:
    """What a page has beside it that a server of models sends: the model's engines there, and pictures to try.

    ``name``, ``version``: the model's, as it is asked for; ``engines``: of each ``name``, ``title``, ``exact`` (whether
    its bytes are the model's) and ``missing``, why it is not there or ""; ``reference``: the name of that which the
    others are compared with where the page runs nothing itself. ``models``: the names of all models of the server.
    ``no_network``: why the page has no WebAssembly, "" where it has.
    """

    name: str
    version: int
    engines: Sequence[Mapping[str, Any]]
    reference: str
    models: Sequence[str] = ()
    gallery: Gallery | None = None
    no_network: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return what the page's script knows of it."""
        shown = self.gallery.as_json() if self.gallery else []
        told = {"name": self.name, "version": self.version, "reference": self.reference}
        return {**told, "engines": list(self.engines), "gallery": shown}


def require_jinja() -> None:
    """Refuse where the package that fills templates is not installed.

    :raises MissingDependencyError: says how to install it.
    """
    reason = missing_package("jinja2", INSTALL)
    if reason is not None:
        raise MissingDependencyError(reason)


def render(
    facts: Mapping[str, Any],
    network: bytes,
    *,
    title: str,
    assumed: Sequence[str],
    examples: Examples | None,
    simd: bytes = b"",
    server: ServerSide | None = None,
) -> RenderedPage:
    """Return the page.

    :param facts: as ``facts.facts_of`` gives them; ``network`` the WebAssembly that they are of.
    :param assumed: a line for each thing that nobody had said of the model.
    :param simd: the same network for browsers with 128-bit SIMD; empty for a page without it.
    :param server: for a page that comes from one; others have nothing of it.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    style, script = template("style.css"), joined(SCRIPTS)
    if server is not None:
        style = f"{style}\n{template('server.css')}"
        script = joined([*SCRIPTS[:-1], _SERVER_SCRIPT, SCRIPTS[-1]])
    policy = _policy(style, script, asks="'self'" if server else "")
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    whole = {**facts, "examples": list(examples.labels) if examples else []}
    if server is not None:
        whole["server"] = server.as_json()
    values = {
        "facts": whole,
        "facts_text": json_in_html(whole),
        "title": title,
        "oracle": _named(facts["check"]["oracle"]),
        "what": _drawn(facts),
        "assumed": list(assumed),
        "network": base64.b64encode(network).decode("ascii"),
        "simd": base64.b64encode(simd).decode("ascii"),
        "examples": base64.b64encode(examples.images.tobytes()).decode("ascii") if examples else "",
        "server": server,
        "gallery": server.gallery.base64() if server and server.gallery else "",
        "style": style,
        "script": script,
        "policy": policy,
    }
    return RenderedPage(environment.get_template(_PAGE).render(values) + "\n", policy)


def _named(oracle: str) -> str:
    return f"TensorFlow Lite for Microcontrollers ({oracle})" if oracle.startswith("tflm ") else oracle


def _drawn(facts: Mapping[str, Any]) -> str:
    """Return what is to be drawn; classes without names are numbers, too, so only a net of drawings has digits."""
    drawings = facts["picture"] is not None and facts["picture"]["brightOnDark"]
    digits = facts["labels"] == [str(digit) for digit in range(10)]
    return "a digit" if drawings and digits else "something"


def template(name: str) -> str:
    """Return a template's text."""
    return (TEMPLATES / name).read_text(encoding="utf-8").strip()


def joined(names: Sequence[str]) -> str:
    """Return scripts as one, strict as a whole."""
    strict = '"use strict";\n'
    return strict + "\n\n".join(template(name).removeprefix(strict) for name in names)


def json_in_html(values: Any) -> str:
    """Return JSON that ends no element: no "<" in it."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _policy(style: str, script: str, asks: str = "") -> str:
    """Return the rules that a browser holds the page to: no network but what it ``asks``, no script but its own,
    WebAssembly allowed.
    """
    connect = f"connect-src {asks}; " if asks else ""
    return (
        f"default-src 'none'; {connect}img-src data:; style-src '{_hash_of(style)}'; "
        f"script-src '{_hash_of(script)}' 'wasm-unsafe-eval'; base-uri 'none'; form-action 'none'"
    )


def _hash_of(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"
