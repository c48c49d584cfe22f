"""An ES module: the network and what a web developer calls it by, as files of a package."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from edgemnist.page.html import TEMPLATES, joined, json_in_html
from edgemnist.support.errors import InputError
from edgemnist.support.files import json_text

DEFAULT_NAME = "model"

_SCRIPTS = ("framing.mjs", "network.mjs")
_ARRAYS = {"int8": "Int8Array", "uint8": "Uint8Array", "int32": "Int32Array", "float32": "Float32Array"}
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


def check_name(name: str) -> str:
    """Return a name that files and packages of npm can have.

    :raises InputError: says what is allowed.
    """
    if not _NAME.fullmatch(name):
        raise InputError(
            f"--name {name!r} can't be a package's; give lower-case letters, digits, '.', '_' and '-', a letter or a "
            "digit first"
        )
    return name


def module_files(facts: Mapping[str, Any], network: bytes, name: str, simd: bytes = b"") -> dict[str, bytes]:
    """Return ``NAME.mjs``, ``NAME.wasm``, ``package.json`` and the types, by file name; with ``simd``, the network for
    128-bit SIMD, also ``NAME.simd.wasm``.

    TypeScript looks for ``NAME.d.ts`` where the package is imported, and for ``NAME.d.mts`` where the file is.

    :param facts: as ``facts.facts_of`` gives them; ``network`` the WebAssembly that they are of.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    values = {
        "facts": facts,
        "file": " ".join(facts["file"].split()),  # a line break would end the comment that it stands in
        "facts_text": json_in_html(facts),
        "name": name,
        "told": _told(facts),
        "script": joined(_SCRIPTS).removeprefix('"use strict";\n'),
        "arrays": _ARRAYS,
    }
    programs = {f"{name}.wasm": network, **({f"{name}.simd.wasm": simd} if simd else {})}
    ends = ("mjs", "d.ts", "d.mts")
    texts = {end: environment.get_template(f"module.{end}.jinja").render(values) for end in ends}
    return {
        **{f"{name}.{end}": f"{text}\n".encode() for end, text in texts.items()},
        **programs,
        "package.json": json_text(_package(facts, name, list(programs))).encode(),
    }


def _told(facts: Mapping[str, Any]) -> str:
    check = facts["check"]
    if not check["engines"]:
        return f"Whether its bytes equal TFLM's was not checked: {check['not_checked']}."
    engines = ", ".join(f"{one['engine']} {one['version']}" for one in check["engines"])
    return f"Its bytes equal those of {check['oracle']}: {check['inputs']} inputs, 0 different, in {engines}."


def _package(facts: Mapping[str, Any], name: str, programs: Sequence[str]) -> dict[str, Any]:
    return {
        "name": name,
        "version": "1.0.0",
        "description": f"{facts['file']} as WebAssembly, made by edgemnist {facts['edgemnist']}",
        "type": "module",
        "main": f"./{name}.mjs",
        "types": f"./{name}.d.ts",
        "exports": {
            ".": {"types": f"./{name}.d.ts", "default": f"./{name}.mjs"},
            **{f"./{one}": f"./{one}" for one in programs},
        },
        "files": [*(f"{name}.{end}" for end in ("mjs", "d.ts", "d.mts")), *programs],
        "sideEffects": False,
    }
