"""A report.json as values again: what is not as its JSON Schema says is refused with its place."""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from edgemnist.commands.report.report import REPORT_FORMAT, Report
from edgemnist.support.errors import InputError
from edgemnist.support.reading import open_file, require_file

MOST_BYTES = 256 << 20
"""A larger file is none that ``report`` has written."""

_LATER_THAN_1: Mapping[str, Any] = {"layers": [], "answers": None, "comparison": None}
"""The fields that format 1 did not have, as they are where nothing is known of them."""

_ONLY_PRINTED = "error"
"""What ``--json`` prints beside the report where a check failed."""

_BEYOND = 2.0**63
"""Numbers of at least this size, and what is none, are in no report."""

_PLAIN: Mapping[Any, tuple[type, ...]] = {str: (str,), int: (int,), float: (int, float), bool: (bool,)}
_Values = TypeVar("_Values")


class _Otherwise(Exception):  # noqa: N818 - it never leaves this module
    """What was found is not what the schema says, and where."""


def read_report(path: Path) -> Report:
    """Return the report in a JSON file, of this format or an earlier one.

    :raises InputError: it is not there, no report, damaged, or of a later format.
    """
    content = _content(path)
    if not isinstance(content, dict) or not isinstance(content.get("format"), int) or "verdict" not in content:
        raise InputError(f"{str(path)!r} is no report; give what `edgemnist report --format json` wrote, or a .tflite")
    version = content.pop("format")
    if not 1 <= version <= REPORT_FORMAT:
        raise InputError(
            f"{str(path)!r} is a report of format {version}, this edgemnist reads 1 to {REPORT_FORMAT}; update "
            "edgemnist, or name the older release's .tflite instead"
        )
    content.pop(_ONLY_PRINTED, None)
    try:
        report = _values(Report, content if version > 1 else _of_format_1(content), "")
        _check_steps(report)
        return report
    except _Otherwise as error:
        raise InputError(
            f"the report {str(path)!r} is damaged: {error}; make it again, or name the older release's .tflite"
        ) from error


def _of_format_1(content: dict[str, Any]) -> dict[str, Any]:
    """Return the content with what format 1 did not have yet."""
    found = {**_LATER_THAN_1, **content}
    runtimes = content.get("runtimes")
    if isinstance(runtimes, dict) and isinstance(runtimes.get("rows"), list):
        windows = {"lowest_us": None, "highest_us": None}
        rows = [{**windows, **row} if isinstance(row, dict) else row for row in runtimes["rows"]]
        found["runtimes"] = {"conditions": "", **runtimes, "rows": rows}
    return found


def _check_steps(report: Report) -> None:
    """Refuse a layer whose step the report does not have."""
    sizes = [len(report.firmware.layers)] if report.firmware else []
    sizes += [len(report.memory.steps)] if report.memory else []
    for place, layer in enumerate(report.layers):
        if layer.step is not None and not 0 <= layer.step < min(sizes, default=0):
            raise _Otherwise(f"layers[{place}].step is {layer.step}, the firmware has {min(sizes, default=0)} layers")


def _content(path: Path) -> Any:
    try:
        require_file(path, MOST_BYTES)
        with open_file(path) as file:
            return json.loads(file.read())
    except OSError as error:
        raise InputError(f"cannot read the report {str(path)!r}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{str(path)!r} is no JSON ({error}); give what `edgemnist report --format json` wrote, or a .tflite"
        ) from error


def _values(kind: type[_Values], content: Any, place: str) -> _Values:
    """Return a dataclass of JSON values; ``place`` is where they stand, for messages."""
    if not isinstance(content, dict):
        raise _Otherwise(f"{place or 'it'} should be an object, got {_short(content)}")
    hints = get_type_hints(kind)
    names = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for wrong, what in ((names - set(content), "is missing"), (set(content) - names, "is unknown")):
        if wrong:
            raise _Otherwise(f"{place}{'.' if place else ''}{min(wrong)} {what}")
    return kind(**{name: _value(hints[name], content[name], f"{place}.{name}".lstrip(".")) for name in names})


def _value(kind: Any, content: Any, place: str) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if kind in _PLAIN:
        if not isinstance(content, _PLAIN[kind]) or isinstance(content, bool) is not (kind is bool):
            raise _Otherwise(f"{place} should be {kind.__name__}, got {_short(content)}")
        if isinstance(content, (int, float)) and not abs(content) < _BEYOND:
            raise _Otherwise(f"{place} is no number that a report has: {_short(content)}")
        return content
    if origin is Literal:
        if content not in arguments:
            raise _Otherwise(f"{place} should be one of {', '.join(map(str, arguments))}, got {_short(content)}")
        return content
    if origin in (Union, types.UnionType):
        (inner,) = [one for one in arguments if one is not type(None)]
        return None if content is None else _value(inner, content, place)
    if origin is tuple:
        if not isinstance(content, list):
            raise _Otherwise(f"{place} should be a list, got {_short(content)}")
        return tuple(_value(arguments[0], one, f"{place}[{number}]") for number, one in enumerate(content))
    if origin is Mapping:
        if not isinstance(content, dict):
            raise _Otherwise(f"{place} should be an object, got {_short(content)}")
        return {name: _value(arguments[1], one, f"{place}.{name}") for name, one in content.items()}
    return _values(kind, content, place)


def _short(content: Any) -> str:
    text = json.dumps(content)
    return text if len(text) <= 40 else f"{text[:39]}…"
