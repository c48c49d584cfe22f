"""The formats of a report, and the files that it is written to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from edgemnist.commands.report import junit, markdown
from edgemnist.commands.report.report import Report
from edgemnist.runner.base import missing_package
from edgemnist.support.choices import unknown
from edgemnist.support.errors import InputError, MissingDependencyError
from edgemnist.support.files import check_writable, json_text, write_text


def _html(report: Report) -> str:
    from edgemnist.commands.report.html.page import render

    return render(report)


@dataclass(frozen=True)
class Format:
    """``suffixes``: of the files that are of this format, the first being the usual one; ``needs``: a package."""

    name: str
    suffixes: tuple[str, ...]
    text: Callable[[Report], str]
    needs: str = ""


_KNOWN = (
    Format("html", (".html", ".htm"), _html, "jinja2"),
    Format("markdown", (".md", ".markdown"), markdown.render),
    Format("junit", (".xml",), junit.render),
    Format("json", (".json",), lambda report: json_text(report.as_json())),
)
FORMATS: Mapping[str, Format] = MappingProxyType({one.name: one for one in _KNOWN})
"""Every format by its name."""

DEFAULT_STEM = "report"


@dataclass(frozen=True)
class Target:
    """A file and its format."""

    path: Path
    format: Format


def targets_from(names: Sequence[str], outputs: Sequence[Path], folder: Path) -> tuple[Target, ...]:
    """Return the files that ``--format`` and ``--out`` ask for, each once; neither is HTML in ``folder``.

    :raises InputError: an unknown format, or an output whose suffix tells none.
    """
    targets = [_named(name, folder) for name in names] + [_by_suffix(path) for path in outputs]
    return tuple(dict.fromkeys(targets or [_named("html", folder)]))


def _named(name: str, folder: Path) -> Target:
    if name not in FORMATS:
        raise unknown("format", name, FORMATS)
    return Target(folder / f"{DEFAULT_STEM}{FORMATS[name].suffixes[0]}", FORMATS[name])


def _by_suffix(path: Path) -> Target:
    for one in _KNOWN:
        if path.suffix.lower() in one.suffixes:
            return Target(path, one)
    allowed = ", ".join(f"{one.suffixes[0]} ({one.name})" for one in _KNOWN)
    raise InputError(f"cannot tell the format of {str(path)!r} by its end; give one of {allowed}")


def check_targets(targets: Sequence[Target]) -> None:
    """Refuse files that could not be written in the end, before anything is measured.

    :raises MissingDependencyError: a format's package is not installed.
    :raises StorageError: a folder cannot be written.
    """
    for target in targets:
        package = target.format.needs
        reason = missing_package(package, "pip install 'edgemnist[report]'") if package else None
        if reason is not None:
            raise MissingDependencyError(
                f"cannot write {str(target.path)!r}: {reason}; or give --format markdown, junit or json"
            )
        check_writable(target.path.parent)


def write_targets(report: Report, targets: Sequence[Target]) -> tuple[Path, ...]:
    """Write every file, none before all texts are made, and return their paths.

    :raises StorageError: one cannot be written.
    """
    texts = [target.format.text(report) for target in targets]
    return tuple(write_text(target.path, text) for target, text in zip(targets, texts, strict=True))
