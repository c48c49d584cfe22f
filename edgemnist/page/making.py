"""A model as WebAssembly, compared with the oracle, with everything that a page or a module tells of it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.generate import CodegenSettings
from edgemnist.harness.feeding import FeedingSettings
from edgemnist.harness.models import Subject
from edgemnist.page.checking import Check, check, oracle_outputs
from edgemnist.page.engines.base import Engine
from edgemnist.page.facts import Told, facts_of, known_inputs
from edgemnist.page.html import render
from edgemnist.page.material import Chosen
from edgemnist.page.web_assembly import SIMD, WebNetwork, build, require_same_steps
from edgemnist.runner.client import DEFAULT_TIMEOUT
from edgemnist.tflite.normalisation import normalisation_name


@dataclass(frozen=True, eq=False)
class WebModel:
    """A network that was built and compared, ``chosen`` what it was put through, and the facts of it.

    ``simd``: the same for browsers with 128-bit SIMD, where that was asked for.
    """

    network: WebNetwork
    simd: WebNetwork | None
    chosen: Chosen
    checked: Check
    facts: Mapping[str, Any]

    def page(self) -> str:
        """Return the page."""
        return render(
            self.facts, self.network.content, title=title_of(self.facts["file"], self.chosen.dataset),
            assumed=self.chosen.assumed, examples=self.chosen.examples,
            simd=self.simd.content if self.simd else b"",
        ).text  # fmt: skip


def title_of(file: str, dataset: str) -> str:
    """Return a page's title: the model's file, and what it was trained on where that is known."""
    return f"{file} on {Path(dataset).name}" if dataset else file


def make_web_model(
    subject: Subject,
    chosen: Chosen,
    engines: Sequence[Engine],
    feeding: FeedingSettings,
    *,
    simd: bool = False,
    every: bool = True,
    timeout: float = DEFAULT_TIMEOUT,
) -> WebModel:
    """Compile a model's generated C to WebAssembly and compare it with the oracle.

    :param feeding: what was said of how the model is fed, which the command that writes the same C has to say, too.
    :param simd: whether to make a second program, for browsers with 128-bit SIMD; it is compared, too.
    :param every: whether each engine has to run, see :func:`~edgemnist.page.checking.check`.
    :raises ModelError: the model can't be compiled; every reason is in the message.
    :raises MissingDependencyError: Zig's compiler is not installed.
    :raises GateFailedError: a byte differs from the oracle's.
    """
    settings = CodegenSettings(preprocessing=chosen.preprocessing, labels=_c_labels(chosen))

    def built(target: str) -> WebNetwork:
        ready = replace(settings, target=target)
        return build(subject.tflite, ready, chosen.preprocessing, source_name=subject.path.name)

    network = built(settings.target)
    vectors = built(SIMD) if simd else None
    networks = [network, vectors] if vectors else [network]
    require_same_steps(networks)
    checked = check(networks, subject.model, chosen.material, engines, every=every, timeout=timeout)
    checked.raise_different()
    known = known_inputs(subject.model, network.generated.program.macs)
    outputs: NDArray[Any] = np.zeros((0, 0), np.int8)
    if checked.oracle and len(known.inputs):
        _, outputs = oracle_outputs(subject.model, known.inputs, timeout=timeout)
    command = _codegen_command(subject, chosen, feeding)
    told = Told(chosen.preprocessing, chosen.dataset, chosen.labels, command)
    facts = facts_of(network, subject.model, told, checked, known, outputs)
    if vectors is not None:
        facts["simd"] = {"bytes": len(vectors.content), "sha256": vectors.sha256, "command": _for_simd(command)}
    return WebModel(network, vectors, chosen, checked, facts)


def _for_simd(command: str) -> str:
    return command.replace(f"--target {CodegenSettings().target}", f"--target {SIMD}")


def _c_labels(chosen: Chosen) -> tuple[str, ...]:
    """Return the names for the C: those of a net without pictures are nowhere else."""
    return () if chosen.preprocessing else chosen.labels


def _codegen_command(subject: Subject, chosen: Chosen, feeding: FeedingSettings) -> str:
    """Return the command that writes the same C, without folders."""
    parts = ["edgemnist", "codegen", subject.path.name, "--target", "portable"]
    known = chosen.preprocessing
    if known is None:
        parts += ["--labels", ",".join(chosen.labels)] if chosen.labels else []
    elif subject.context is None or feeding.given():
        parts += [f"--normalisation={normalisation_name(known.normalisation)}"]
        parts += ["--classes", ",".join(known.class_names)] if known.class_names else []
        parts += ["--fit", known.fit] if known.fit != "pad" else []
        parts += ["--channels", known.colours] if known.bgr else []
        parts += ["--layout", known.layout] if known.layout != "nhwc" else []
        parts += ["--inverted"] if known.inverted else []
        parts += ["--transposed"] if known.transposed else []
    return shlex.join([*parts, "--out", "c"])
