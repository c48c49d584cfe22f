"""The page stage: choose, build, check beside the oracle, write."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.page.material import Chosen, choose
from edgemnist.compiler.generate import CodegenSettings, compile_model
from edgemnist.harness.feeding import FeedingSettings
from edgemnist.harness.models import ONLY_INT8, Subject, find_subject
from edgemnist.page.checking import Check, check, oracle_outputs
from edgemnist.page.engines import choose_engines
from edgemnist.page.facts import Told, facts_of, known_inputs
from edgemnist.page.html import render, require_jinja
from edgemnist.page.module import DEFAULT_NAME, check_name, module_files
from edgemnist.page.web_assembly import WebNetwork, build, require_zig
from edgemnist.runner.client import DEFAULT_TIMEOUT
from edgemnist.support.errors import InputError
from edgemnist.support.files import check_writable, write_together
from edgemnist.support.progress import say
from edgemnist.tflite.kinds import ModelKind
from edgemnist.tflite.normalisation import normalisation_name

DEFAULT_PAGE = "page.html"
_SUFFIXES = (".html", ".htm")


@dataclass(frozen=True, kw_only=True)
class PageSettings:
    """What ``edgemnist page`` takes. Without ``model`` it is the work folder's int8 one.

    ``out``: the page, and ``module``: the folder of an ES module called ``name``; without both it is a page in the work
    folder, or here for a named model. ``dataset``, ``images``: what to check with; ``engines``: by which, see
    ``choose_engines``. ``timeout``: seconds for one request to the oracle.
    """

    model: Path | None = None
    out: Path | None = None
    module: Path | None = None
    name: str = DEFAULT_NAME
    dataset: str | None = None
    images: int = 1000
    engines: tuple[str, ...] = ()
    feeding: FeedingSettings = field(default_factory=FeedingSettings)
    timeout: float = DEFAULT_TIMEOUT


@dataclass(frozen=True, eq=False)
class WrittenPage:
    """The files that were written, with their bytes, and the facts that are in them."""

    files: Mapping[Path, int]
    facts: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Return the JSON document of ``edgemnist page --json``."""
        names = ("file", "modelSha256", "sourceSha256", "networkSha256", "networkBytes", "command", "compiler", "check")
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
    network = build(
        subject.tflite,
        CodegenSettings(preprocessing=chosen.preprocessing, labels=_c_labels(chosen)),
        chosen.preprocessing,
        source_name=subject.path.name,
    )
    checked = check(
        network, subject.model, chosen.material, engines, every=bool(settings.engines), timeout=settings.timeout
    )
    checked.raise_different()
    for line in [f"not checked: {checked.not_checked}"] if checked.not_checked else checked.failed:
        say(f"warning: {line}")
    facts = _facts(network, subject, chosen, settings, checked)
    contents = _contents(facts, network, chosen, settings, target)
    write_together(contents)
    return WrittenPage({path: len(content) for path, content in contents.items()}, facts)


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


def _c_labels(chosen: Chosen) -> tuple[str, ...]:
    """Return the names for the C: those of a net without pictures are nowhere else."""
    return () if chosen.preprocessing else chosen.labels


def _facts(
    network: WebNetwork, subject: Subject, chosen: Chosen, settings: PageSettings, checked: Check
) -> dict[str, Any]:
    known = known_inputs(subject.model, network.generated.program.macs)
    outputs: NDArray[Any] = np.zeros((0, 0), np.int8)
    if checked.oracle and len(known.inputs):
        _, outputs = oracle_outputs(subject.model, known.inputs, timeout=settings.timeout)
    command = _codegen_command(subject, chosen, settings)
    told = Told(chosen.preprocessing, chosen.dataset, chosen.labels, command)
    return facts_of(network, subject.model, told, checked, known, outputs)


def _codegen_command(subject: Subject, chosen: Chosen, settings: PageSettings) -> str:
    """Return the command that writes the same C, without folders."""
    parts = ["edgemnist", "codegen", subject.path.name, "--target", "portable"]
    known = chosen.preprocessing
    if known is None:
        parts += ["--labels", ",".join(chosen.labels)] if chosen.labels else []
    elif subject.context is None or settings.feeding.given():
        parts += [f"--normalisation={normalisation_name(known.normalisation)}"]
        parts += ["--classes", ",".join(known.class_names)] if known.class_names else []
        parts += ["--fit", known.fit] if known.fit != "pad" else []
        parts += ["--channels", known.colours] if known.bgr else []
        parts += ["--layout", known.layout] if known.layout != "nhwc" else []
        parts += ["--inverted"] if known.inverted else []
        parts += ["--transposed"] if known.transposed else []
    return shlex.join([*parts, "--out", "c"])


def _contents(
    facts: Mapping[str, Any], network: WebNetwork, chosen: Chosen, settings: PageSettings, target: Path | None
) -> dict[Path, bytes]:
    contents: dict[Path, bytes] = {}
    if target is not None:
        title = f"{facts['file']} on {Path(chosen.dataset).name}" if chosen.dataset else facts["file"]
        text = render(facts, network.content, title=title, assumed=chosen.assumed, examples=chosen.examples)
        contents[target] = text.encode("utf-8", "backslashreplace")
    if settings.module is not None:
        made = module_files(facts, network.content, settings.name)
        contents.update({settings.module / name: content for name, content in made.items()})
    return contents
