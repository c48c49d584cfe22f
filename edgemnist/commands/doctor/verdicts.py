"""What each target makes of a model: loaded and run where it is here, else by what was measured of its operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgemnist.commands.doctor.remedies import CONVERT_INT8, install_of, remedies_for, remedies_of_model
from edgemnist.commands.doctor.report import Answer, Delegation, Evidence, Verdict
from edgemnist.compiler.targets import TARGETS as CORES
from edgemnist.pi.targets import LITERT, TARGETS, TFLITE_RUNTIME, UNSUPPORTED, Interpreter, Target
from edgemnist.runner.base import Loading
from edgemnist.runner.client import RuntimeWorker, WorkerProcess
from edgemnist.runner.operator_versions import (
    DELEGATED,
    TFLM,
    Column,
    column_of,
    columns,
    delegated,
    refusals,
    untried,
)
from edgemnist.runner.registry import find_runtime, runtimes
from edgemnist.support.choices import unknown
from edgemnist.support.errors import EdgeMnistError, ModelError, UnsupportedModelError
from edgemnist.support.files import package_versions
from edgemnist.support.progress import progress_task
from edgemnist.tflite.file import TfliteModel
from edgemnist.tflite.kinds import ModelKind, model_kind

SECONDS = 120.0
"""That a runtime may take to start, load a model and run it once."""

_PACKAGES: Mapping[str, str] = {"tflite-runtime": TFLITE_RUNTIME, "litert": LITERT, "tensorflow": "tensorflow"}
"""The packages of the runtimes ``NAME-reference`` and ``NAME-default``."""

C_PREFIX = "c-"

Judge = Callable[[TfliteModel], Verdict]


def target_names() -> tuple[str, ...]:
    """Return the names of all targets: interpreters by version, TFLM, LiteRT.js, cores for C, systems of a Pi."""
    return tuple(_judges())


def judge(model: TfliteModel, names: Sequence[str] = ()) -> tuple[Verdict, ...]:
    """Return what the named targets, by default all, make of a model, in their order.

    A system of a Pi that is named and has been set up for emulation is emulated. Runtimes start two at a time.

    :raises InputError: there is no target of that name.
    """
    judges = _judges()
    for name in names:
        if name not in judges:
            raise unknown("target", name, judges)
    chosen = [name for name in judges if not names or name in names]
    named = set(names)

    def judged(name: str) -> Verdict:
        emulated = _emulated(name) if name in named else None
        verdict = judges[name](model) if emulated is None else _tried(name, (emulated,), None, model)
        task.update(advance=1)
        return verdict

    with progress_task("Asking targets", total=len(chosen)) as task, ThreadPoolExecutor(2) as pool:
        return tuple(pool.map(judged, chosen))


def _judges() -> dict[str, Judge]:
    """Return what answers for each target, by name."""
    here = package_versions(*_PACKAGES.values())
    found: dict[str, Judge] = {name: _measured_judge(column) for name, column in columns().items()}
    for runtime, package in _PACKAGES.items():
        if package in here and find_runtime(f"{runtime}-default").available() is None:
            name = f"{runtime}-{'.'.join(here[package].split('.')[:2])}"
            found[name] = _here_judge(name, runtime, column_of(package, here[package]))
    if find_runtime(TFLM).available() is None:
        found[TFLM] = lambda model: _tried(TFLM, (TFLM,), columns().get(TFLM), model)
    found.update({C_PREFIX + core: _c_judge(core) for core in CORES})
    found.update({name: _pi_judge(target) for name, target in TARGETS.items()})
    found.update({name: _unsupported_judge(name, reason) for name, reason in UNSUPPORTED.items()})
    return found


# --- runtimes of this machine ----------------------------------------------------------------------------------------


def _here_judge(name: str, runtime: str, column: Column | None) -> Judge:
    kernels = (f"{runtime}-default", f"{runtime}-reference")
    return lambda model: _tried(name, kernels, column, model)


@dataclass(frozen=True)
class _Try:
    runtime: str
    loading: Loading | None
    reasons: tuple[str, ...]


def _tried(name: str, kernels: Sequence[str], column: Column | None, model: TfliteModel) -> Verdict:
    """Load and run a model in runtimes, which are one package's with different kernels; all have to take it."""
    process = WorkerProcess(timeout=SECONDS)
    try:
        tries = [_try(RuntimeWorker(kernel, process), model) for kernel in kernels]
    finally:
        process.close()
    reasons = tuple(dict.fromkeys(reason for one in tries for reason in one.reasons))
    loaded = [one.loading for one in tries if one.loading is not None]
    details = tuple(f"{loading.version}, {loading.kernels}" for loading in loaded)
    if not reasons:
        return Verdict(name, Answer.LOADS, Evidence.INVOKED, details, delegation=_delegation(loaded[0], model, name))
    refused = [] if column is None else refusals(model, column)
    remedies = () if column is None else remedies_for(refused, column, model)
    return Verdict(name, Answer.REFUSES, Evidence.INVOKED, details, reasons, remedies or remedies_of_model(model))


def _try(worker: RuntimeWorker, model: TfliteModel) -> _Try:
    try:
        return _Try(worker.runtime, worker.load(model.content, inputs_of(model)), ())
    except UnsupportedModelError as error:
        return _Try(worker.runtime, None, error.problems)
    except EdgeMnistError as error:
        return _Try(worker.runtime, None, (str(error),))


def inputs_of(model: TfliteModel) -> list[NDArray[np.generic]]:
    """Return an input of zeros for each of a model's, of its shape and type.

    :raises ModelError: an input's type is none that numpy has.
    """
    try:
        return [np.zeros(model.tensors[i].shape, np.dtype(model.tensors[i].dtype)) for i in model.inputs]
    except TypeError as error:
        raise ModelError(f"an input has a type that can't be filled here ({error}); give a model of numbers") from error


def _delegation(loading: Loading, model: TfliteModel, name: str) -> Delegation | None:
    if not name.startswith(tuple(_PACKAGES)):
        return None
    others = tuple(f"{one.index} {one.kind}" for one in model.operators if one.index not in loading.delegated)
    return Delegation(len(model.operators), len(loading.delegated), others, of_this_model=True)


def _emulated(target: str) -> str | None:
    """Return the runtime that emulates a system of a Pi, where that has been set up here."""
    release, _, machine = target.rpartition("-")
    name = f"pi-emulated-{machine}-default"
    fits = release == "bookworm" and name in runtimes()
    return name if fits and find_runtime(name).available() is None else None


# --- what was measured -----------------------------------------------------------------------------------------------


def _measured_judge(column: Column) -> Judge:
    return lambda model: _measured(column, model)


def _measured(column: Column, model: TfliteModel) -> Verdict:
    base = Verdict(
        column.name, Answer.UNKNOWN, Evidence.MEASURED,
        (f"{column.package} {column.version}, measured on {column.measured_on}",), install=install_of(column),
    )  # fmt: skip
    refused = refusals(model, column)
    if refused:
        reasons = tuple(one.reason for one in refused)
        return replace(base, answer=Answer.REFUSES, reasons=reasons, remedies=remedies_for(refused, column, model))
    open_questions = untried(model, column)
    if model.subgraphs > 1:
        open_questions.append(f"{model.subgraphs - 1} more subgraphs")
    if open_questions:
        reasons = (f"nobody has tried {', '.join(open_questions)}",)
        return replace(base, evidence=Evidence.NONE, reasons=reasons, remedies=(_try_it(column),))
    return replace(base, answer=Answer.LOADS, delegation=_expected_delegation(column, model))


def _try_it(column: Column) -> str:
    install = install_of(column)
    return f"try it: {install}" if install else "try it there"


def _expected_delegation(column: Column, model: TfliteModel) -> Delegation | None:
    if column.package not in _PACKAGES.values():
        return None
    others = tuple(f"{one.index} {one.kind}" for one in model.operators if column.tried(one, model) != DELEGATED)
    return Delegation(len(model.operators), delegated(model, column), others, of_this_model=False)


# --- systems of a Raspberry Pi ---------------------------------------------------------------------------------------


def _pi_judge(target: Target) -> Judge:
    return lambda model: _pi(target, model)


def _pi(target: Target, model: TfliteModel) -> Verdict:
    """Ask each interpreter that the system can have, the one that it gets by default first."""
    verdicts = [(one, _by_interpreter(one, model)) for one in target.interpreters]
    chosen, verdict = next(((one, v) for one, v in verdicts if v.answer is Answer.LOADS), verdicts[0])
    # What XNNPACK takes is another matter on another processor.
    verdict = replace(verdict, target=target.name, delegation=None)
    major, minor = target.release.python
    detail = f"Python {major}.{minor}, {_pinned(chosen)}: as that version's wheel for x86-64 loads it"
    if chosen is not target.interpreters[0]:
        why = f"its usual {target.interpreters[0].package} {'; '.join(verdicts[0][1].reasons)}"
        remedy = f"edgemnist deploy pi --target {target.name} --interpreter {chosen.package}"
        return replace(verdict, details=(detail, why), install=remedy)
    install = f"edgemnist deploy pi --target {target.name}"
    remedies = (f"try it: {install}",) if verdict.answer is Answer.UNKNOWN else verdict.remedies
    return replace(verdict, details=(detail,), install=install, remedies=remedies)


def _pinned(interpreter: Interpreter) -> str:
    return interpreter.requirements[0].replace("==", " ")


def _by_interpreter(interpreter: Interpreter, model: TfliteModel) -> Verdict:
    package, _, version = interpreter.requirements[0].partition("==")
    column = column_of(package, version)
    if column is None:
        reason = f"{package} {version} has not been measured"
        return Verdict("", Answer.UNKNOWN, Evidence.NONE, reasons=(reason,))
    return _measured(column, model)


def _unsupported_judge(name: str, reason: str) -> Judge:
    what, _, remedy = reason.partition("; ")
    verdict = Verdict(name, Answer.REFUSES, Evidence.DOCUMENTED, reasons=(what,), remedies=(remedy,) if remedy else ())
    return lambda _: verdict


# --- edgemnist's own C -----------------------------------------------------------------------------------------------


def _c_judge(core: str) -> Judge:
    return lambda model: _as_c(core, model)


def _as_c(core: str, model: TfliteModel) -> Verdict:
    from edgemnist.compiler.generate import CodegenSettings, compile_model

    name, command = C_PREFIX + core, f"edgemnist codegen --target {core}"
    try:
        program, plan = compile_model(model, CodegenSettings(target=core), any_net=True)
    except ModelError as error:
        problems = error.problems if isinstance(error, UnsupportedModelError) else (str(error),)
        parts = [problem.partition("; ") for problem in problems]
        remedies = tuple(dict.fromkeys(remedy for _, _, remedy in parts if remedy))
        reasons = tuple(what for what, _, _ in parts)
        if model_kind(model) is not ModelKind.INT8:
            remedies = (CONVERT_INT8,)
        return Verdict(name, Answer.REFUSES, Evidence.GENERATED, (), reasons, remedies)
    detail = f"arena {plan.size:,} bytes, constants {program.constant_bytes:,} bytes"
    return Verdict(name, Answer.LOADS, Evidence.GENERATED, (detail,), install=command)
