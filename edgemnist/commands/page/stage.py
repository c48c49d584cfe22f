"""The page stage: choose, build, check beside the oracle, write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.compiler.generate import CodegenSettings, compile_model
from edgemnist.harness.feeding import FeedingSettings
from edgemnist.harness.models import ONLY_INT8, Subject, find_subject
from edgemnist.page.engines import choose_engines
from edgemnist.page.html import require_jinja
from edgemnist.page.making import WebModel, make_web_model
from edgemnist.page.material import choose
from edgemnist.page.module import DEFAULT_NAME, check_name, module_files
from edgemnist.page.web_assembly import require_zig
from edgemnist.runner.client import DEFAULT_TIMEOUT
from edgemnist.support.errors import InputError
from edgemnist.support.files import check_writable, write_together
from edgemnist.support.progress import say
from edgemnist.tflite.kinds import ModelKind

DEFAULT_PAGE = "page.html"
_SUFFIXES = (".html", ".htm")


@dataclass(frozen=True, kw_only=True)
class PageSettings:
    """What ``edgemnist page`` takes. Without ``model`` it is the work folder's int8 one.

    ``out``: the page, and ``module``: the folder of an ES module called ``name``; without both it is a page in the work
    folder, or here for a named model. ``dataset``, ``images``: what to check with; ``engines``: by which, see
    ``choose_engines``. ``simd``: whether a second program is put in, for browsers with 128-bit SIMD. ``timeout``:
    seconds for one request to the oracle.
    """

    model: Path | None = None
    out: Path | None = None
    module: Path | None = None
    name: str = DEFAULT_NAME
    dataset: str | None = None
    images: int = 1000
    engines: tuple[str, ...] = ()
    simd: bool = False
    feeding: FeedingSettings = field(default_factory=FeedingSettings)
    timeout: float = DEFAULT_TIMEOUT


@dataclass(frozen=True, eq=False)
class WrittenPage:
    """The files that were written, with their bytes, and the facts that are in them."""

    files: Mapping[Path, int]
    facts: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Return the JSON document of ``edgemnist page --json``."""
        names = (
            "file",
            "modelSha256",
            "sourceSha256",
            "networkSha256",
            "networkBytes",
            "simd",
            "command",
            "compiler",
            "check",
        )
        return {
            "files": [{"path": str(path), "bytes": size} for path, size in self.files.items()],
            **{name: self.facts[name] for name in names},
        }


def _check_type(subject: Subject) -> None:
    if subject.kind is ModelKind.INT16X8:
        raise InputError(
            f"{str(subject.path)!r} computes in int16, which pages do not; convert it with `edgemnist convert --int8`"
        )


def page(settings: PageSettings, work: WorkFolder) -> WrittenPage:
    """Compile a model's generated C to WebAssembly, compare it with the oracle, and write the page or the module.

    :raises InputError: no such model, dataset or engine, or a name that no page can have.
    :raises ModelError: the model can't be compiled; every reason is in the message.
    :raises MissingDependencyError: Zig's compiler or Jinja2 is not installed.
    :raises GateFailedError: a byte differs from the oracle's; nothing is written.
    :raises StorageError: a file cannot be written.
    """
    target = _target(settings, work)
    engines = choose_engines(settings.engines)
    require_zig()
    require_jinja()
    subject = find_subject(settings.model, work, ONLY_INT8, output=settings.feeding.output)
    compile_model(subject.tflite, CodegenSettings())  # a model that can't be compiled is refused before anything is run
    _check_type(subject)
    for folder in [*([target.parent] if target else []), *([settings.module] if settings.module else [])]:
        check_writable(folder)
    chosen = choose(subject, settings.dataset, settings.images, settings.feeding, timeout=settings.timeout)
    made = make_web_model(
        subject, chosen, engines, settings.feeding,
        simd=settings.simd, every=bool(settings.engines), timeout=settings.timeout,
    )  # fmt: skip
    checked = made.checked
    for line in [f"not checked: {checked.not_checked}"] if checked.not_checked else checked.failed:
        say(f"warning: {line}")
    contents = _contents(made, settings, target)
    write_together(contents)
    return WrittenPage({path: len(content) for path, content in contents.items()}, made.facts)


def _target(settings: PageSettings, work: WorkFolder) -> Path | None:
    """Return where the page goes, None for a module alone."""
    target = settings.out
    if target is None and settings.module is None:
        target = (Path() if settings.model else work.root) / DEFAULT_PAGE
    if target is not None:
        if target.suffix.lower() not in _SUFFIXES:
            raise InputError(f"--out {str(target)!r} is no page; give a name that ends in {' or '.join(_SUFFIXES)}")
        if target.is_dir():
            raise InputError(f"--out {str(target)!r} is a folder; give a file's name")
    if settings.module is not None:
        check_name(settings.name)
    return target


def _contents(made: WebModel, settings: PageSettings, target: Path | None) -> dict[Path, bytes]:
    contents: dict[Path, bytes] = {}
    if target is not None:
        contents[target] = made.page().encode("utf-8", "backslashreplace")
    if settings.module is not None:
        simd = made.simd.content if made.simd else b""
        files = module_files(made.facts, made.network.content, settings.name, simd)
        contents.update({settings.module / name: content for name, content in files.items()})
    return contents
