"""Why a model's bytes differ: runtimes and dumps beside the oracle, operator by operator, and the rules they follow."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.harness.claims import Standing, claims_of
from edgemnist.harness.compare import same
from edgemnist.harness.outputs import class_scores
from edgemnist.harness.runtimes import ORACLES
from edgemnist.harness.subjects import Subjects
from edgemnist.mismatch.case import Case
from edgemnist.mismatch.compare import Oracle, chunks, images_at_a_time
from edgemnist.mismatch.cost import Cost, cost_of
from edgemnist.mismatch.explanation import Explanation, OperatorRow, Output, SourceExplanation
from edgemnist.mismatch.material import Material, material_of
from edgemnist.mismatch.reproducer import reproduce, write_reproducer
from edgemnist.mismatch.rule import rules
from edgemnist.mismatch.rule_of_each import rule_of_each
from edgemnist.mismatch.run import SourceFindings, compare_all
from edgemnist.mismatch.sources import RuntimeSource, RuntimeSources, Source
from edgemnist.mismatch.tally import Tally
from edgemnist.runner.client import DEFAULT_TIMEOUT
from edgemnist.runner.registry import find_runtime
from edgemnist.runner.run import LoadedModel
from edgemnist.support.errors import (
    EdgeMnistError,
    InputError,
    MissingDependencyError,
    ModelError,
    RuntimeCrashedError,
    UnsupportedModelError,
)
from edgemnist.support.progress import progress_task
from edgemnist.tflite.file import TfliteModel
from edgemnist.tflite.kinds import has_state

FIRST_IMAGES = 100
"""Of images that runtimes were compared on so many are looked at operator by operator."""

WATCHED_IMAGES = 16
"""So many images are also run without keeping any operator's output, to see whether that changes the outputs."""


@dataclass(frozen=True, kw_only=True)
class ExplainSettings:
    """``against``: names of runtimes; ``dumps``: what devices left; ``timeout`` in seconds, per request.

    ``reproducers``: a folder for the smallest model on which each rule shows, for every source; None writes none.
    """

    against: tuple[str, ...] = ()
    dumps: tuple[Source, ...] = ()
    timeout: float = DEFAULT_TIMEOUT
    reproducers: Path | None = None


def explain(model: LoadedModel, material: Material | Callable[[], Material], settings: ExplainSettings) -> Explanation:
    """Compare every operator of a ``.tflite`` model in every source with the oracle's and name the rules.

    A runtime that is not installed or fails is in the result with its reason.

    :param material: the inputs, or what reads them, while the runtimes start.
    :raises InputError: an unknown runtime, or a Keras model.
    :raises ModelError: what the file claims of its shapes is wrong, so that nothing can be right.
    :raises MissingDependencyError: no oracle is installed.
    :raises UnsupportedModelError: no oracle takes the model.
    """
    tflite = _trusted(model)
    with ExitStack() as stack:
        opened = RuntimeSources(stack, settings.timeout)
        runtimes, missing = _open(settings, opened)
        threads = len(runtimes) + len(settings.dumps) + 2
        pool, stopped = stack.enter_context(ThreadPoolExecutor(max_workers=threads)), threading.Event()
        stack.callback(stopped.set)  # before the pool's threads are waited for
        for runtime in runtimes:
            pool.submit(runtime.start)  # packages take longer to import than most nets to run
        pool.submit(opened.open(ORACLES[0]).start)
        material = material if isinstance(material, Material) else material()
        oracle = _find_oracle(tflite, material, opened)
        pool.submit(rules)  # so that they are imported by the time they are needed
        sources: list[Source] = [*settings.dumps, *(one for one in runtimes if one is not oracle.source)]
        with progress_task("Comparing operators", total=material.count) as task:
            outputs, found = compare_all(oracle, sources, material.inputs, task)
        explained = list(pool.map(partial(_explained, model, tflite, outputs, material, stopped), sources, found))
        if settings.reproducers is not None:
            for place, (source, one) in enumerate(zip(sources, found, strict=True)):
                written = _write_reproducers(tflite, source, oracle.source, one, explained[place], settings.reproducers)
                explained[place] = replace(explained[place], reproducers=tuple(written))
        name = f"{oracle.source.name} {oracle.source.version()}"
    return Explanation(
        model=model.name,
        sha256=tflite.sha256,
        oracle=name,
        inputs=material.words,
        count=material.count,
        sources=(*explained, *missing),
        assumed=material.assumed,
        fed=material.fed,
    )


def explain_first(model: LoadedModel, subjects: Subjects, runtimes: Sequence[str], timeout: float) -> Explanation:
    """Do what :func:`explain` does on the first of the images that a model was compared on.

    :param runtimes: those that were not exact.
    """
    count = min(FIRST_IMAGES, len(subjects.split))
    words = f"{subjects.dataset}: the first {count} of {subjects.sampling}"
    material = material_of(model, subjects, range(count), words)
    return explain(model, material, ExplainSettings(against=tuple(runtimes), timeout=timeout))


def _open(settings: ExplainSettings, opened: RuntimeSources) -> tuple[list[RuntimeSource], list[SourceExplanation]]:
    """Return the named runtimes, and what is to be said of those that are not installed."""
    found, missing = [], []
    for name in dict.fromkeys(settings.against):
        reason = find_runtime(name).available()
        if reason is None:
            found.append(opened.open(name))
        else:
            missing.append(SourceExplanation(name, "", (), None, None, failure=reason))
    return found, missing


def _trusted(model: LoadedModel) -> TfliteModel:
    if model.tflite is None:
        raise InputError(f"{model.name!r} is a Keras model, which has no operators to compare; name its .tflite")
    claims = claims_of(model.tflite)
    if claims.standing is Standing.REFUSED:
        raise ModelError(f"{model.name!r} can't be trusted, so that no runtime is right: {claims.in_words()}")
    return model.tflite


def _find_oracle(model: TfliteModel, material: Material, opened: RuntimeSources) -> Oracle:
    """Return the first oracle that is installed and runs the model, with its tensors for the first images."""
    problems, first = [], next(chunks(material.count, images_at_a_time(model)))
    for name in ORACLES:
        reason = find_runtime(name).available()
        if reason is not None:
            problems.append(f"{name}: {reason}")
            continue
        oracle = Oracle(model, opened.open(name))
        try:
            oracle.trace([one[first] for one in material.inputs], first.start)
        except (UnsupportedModelError, RuntimeCrashedError) as error:
            problems.append(f"{name}: {'; '.join(getattr(error, 'problems', ())) or error}")
        else:
            return oracle
    if not any(find_runtime(name).available() is None for name in ORACLES):
        raise MissingDependencyError("no oracle is installed: " + "; ".join(problems))
    raise UnsupportedModelError("no oracle takes the model:", problems)


def _explained(
    model: LoadedModel, tflite: TfliteModel, oracle: tuple[NDArray[Any], ...], material: Material,
    stopped: threading.Event, source: Source, found: SourceFindings,
) -> SourceExplanation:  # fmt: skip
    names = rule_of_each(tflite, source, found.findings, stopped)
    rows = tuple(
        OperatorRow(
            one.index, one.kind, tflite.tensors[one.tensor].name, tflite.tensors[one.tensor].shape, one.accumulated,
            one.own, one.why_not_own, names.get(one.index), one.first_image, one.state,
        )
        for one in found.findings
    )  # fmt: skip
    version, watched, failure = "", "", found.failure
    if isinstance(source, RuntimeSource):
        try:
            version = source.version()
            watched = "" if failure or not found.outputs else _watched(tflite, source, found.outputs, material)
        except EdgeMnistError as error:
            failure = failure or str(error)
    outputs = []
    for mine, right, index in zip(found.outputs, oracle, tflite.outputs, strict=False):
        if len(mine) == len(right):
            tally = Tally(right.shape[1:], right.dtype.name)
            tally.add(mine, right, ~same(mine, right))
            outputs.append(Output(tflite.tensors[index].name, tally.result(), tflite.readable[index]))
    cost = _cost(model, tflite, found.outputs[0], oracle[0], material) if len(outputs) == len(oracle) == 1 else None
    return SourceExplanation(
        source.name, version, rows, outputs[0].differences if outputs else None, cost, failure, watched,
        heads=tuple(outputs) if len(outputs) > 1 else (), keeps_state=has_state(tflite),
    )  # fmt: skip


def _write_reproducers(
    model: TfliteModel, source: Source, oracle: RuntimeSource, found: SourceFindings, answer: SourceExplanation,
    folder: Path,
) -> Iterator[str]:  # fmt: skip
    """Write a reproducer of the first operator of each rule; yield the folders."""
    samples = {one.index: one.sample for one in found.findings}
    versions = {answer.name: answer.version, oracle.name: oracle.version()}
    for rows in answer.by_rule().values():
        sample = samples[rows[0].index]
        if sample is not None:
            reproducer = reproduce(Case(model, rows[0].index, sample), source, oracle)
            yield str(write_reproducer(folder, reproducer, rows[0], answer.name, versions))


def _watched(model: TfliteModel, source: RuntimeSource, outputs: tuple[NDArray[Any], ...], material: Material) -> str:
    """Return what is different once every operator's output is kept, in words, "" where nothing is."""
    count = min(WATCHED_IMAGES, len(outputs[0]), images_at_a_time(model))  # where a state begins anew
    plain = source.run_file(model.content, [one[:count] for one in material.inputs])
    unequal = sum(int(np.count_nonzero(~same(one, kept[:count]))) for one, kept in zip(plain, outputs, strict=True))
    if not unequal:
        return ""
    return (
        f"{unequal:,} of {sum(one.size for one in plain):,} bytes of its outputs change when the operators' outputs "
        "are kept, so that it computes otherwise than here where nobody looks (it fuses operators)"
    )


def _cost(
    model: LoadedModel, tflite: TfliteModel, found: NDArray[Any], oracle: NDArray[Any], material: Material
) -> Cost | None:
    """Return what the difference costs where the outputs are scores of classes."""
    count = len(oracle)
    if oracle[0].size != oracle.shape[-1] or oracle.dtype.kind not in "iuf":
        return None
    scores = [class_scores(one.reshape(count, -1), model, material.output) for one in (oracle, found)]
    quantisation = tflite.output().quantisation
    step = quantisation.scale if quantisation is not None and scores[0].dtype.kind == "f" else 1.0
    return cost_of(scores[0], scores[1], material.labels, lsb=step if quantisation is not None else None)
