"""Runs over real engines, one of which may die or hang in the middle, and the gates on what came out."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgemnist.commands.parity.execution import run_parity
from edgemnist.commands.parity.gate import check_gates, raise_failed
from edgemnist.commands.parity.report import NotRun, ParityReport
from edgemnist.harness.compare import Difference, Share
from edgemnist.harness.gates import Gates
from edgemnist.harness.images import ImageSettings
from edgemnist.harness.models import named_subjects
from edgemnist.harness.names import parse_names
from edgemnist.harness.subjects import Subjects, with_images
from edgemnist.support.errors import GateFailedError, InputError
from edgemnist.tflite.file import read_tflite
from tests.oracles import needs

pytestmark = needs("tflm", "tflite-runtime-reference", "litert-default")

EXACT = ("tflm", "tflite-runtime-reference")


@pytest.fixture(scope="session")
def compact(real_models: Path, real_data: Path) -> Subjects:
    """Return the compact net, int8 and float, with 100 images."""
    paths = [real_models / "compact_int8.tflite", real_models / "compact_float.tflite"]
    return with_images(named_subjects(paths), ImageSettings(count=100, dataset="mnist"))


@pytest.fixture(scope="session")
def report(compact: Subjects) -> ParityReport:
    """Return what the two exact engines and LiteRT say of it."""
    return run_parity(compact, [*EXACT, "litert-default"])


def test_exact_engines_agree_and_litert_is_measured(report: ParityReport) -> None:
    runs = {run.runtime: run for run in report.runs if run.file == "compact_int8.tflite"}

    assert set(runs) == {*EXACT, "litert-default"}
    assert runs["tflm"].is_oracle
    assert runs["tflm"].exact is None
    assert runs["tflite-runtime-reference"].exact is True
    litert = runs["litert-default"]
    assert litert.exact is False
    assert litert.logits is not None
    assert 1 <= litert.logits.max_difference <= 8
    assert litert.kernels == "XNNPACK delegate"
    for run in runs.values():
        assert run.accuracy.total == 100
        assert run.accuracy.share > 0.9
        assert run.agreement is not None
        assert len(run.latency.windows_us) == 5 <= run.latency.samples
        assert run.latency.lowest_us <= run.latency.highest_us
        assert 0 < run.latency.median_us <= run.latency.p95_us
        assert 10e6 < run.rss_bytes < 1e9


def test_float_models_have_no_oracle_but_are_the_reference(report: ParityReport) -> None:
    floats = [run for run in report.runs if run.file == "compact_float.tflite"]

    assert {run.runtime for run in floats} == {*EXACT, "litert-default"}
    assert all(run.outputs is None and not run.is_oracle for run in floats)
    assert report.float_reference == "compact_float.tflite in litert-default"


def test_images_are_balanced_and_said_to_be(report: ParityReport, compact: Subjects) -> None:
    assert np.bincount(compact.split.labels).tolist() == [10] * 10
    assert report.sampling.startswith("100 of 10000 test images, equally many per class")


def workers() -> set[int]:
    """Return the identifiers of this process's engine workers; other tests may keep some."""
    children = Path(f"/proc/self/task/{threading.main_thread().native_id}/children").read_text().split()
    return {int(pid) for pid in children if b"runner.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()}


def strike_first_worker(number: signal.Signals, action: Callable[[], ParityReport]) -> ParityReport:
    """Send a signal to the first engine's process that ``action`` starts, and return what that says."""
    earlier, done = workers(), threading.Event()

    def strike() -> None:
        while not done.wait(0.01):
            for pid in workers() - earlier:
                os.kill(pid, number)
                return

    thread = threading.Thread(target=strike)
    thread.start()
    try:
        return action()
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize(
    ("number", "timeout", "says"),
    [(signal.SIGKILL, 60.0, "killed by signal 9"), (signal.SIGSTOP, 10.0, "no answer within 10 s")],
)
def test_an_engine_that_dies_or_hangs_is_in_the_report_and_the_others_go_on(
    number: signal.Signals, timeout: float, says: str, compact: Subjects
) -> None:
    one_model = replace(compact, models=compact.models[:1])

    report = strike_first_worker(number, lambda: run_parity(one_model, EXACT, timeout=timeout))

    (struck,) = report.not_run
    assert (struck.runtime, struck.file, struck.how) == ("tflite-runtime-reference", "compact_int8.tflite", "crashed")
    assert says in struck.reason
    assert [run.runtime for run in report.runs] == ["tflm"]
    judged = check_gates(report, Gates(require_exact=("tflm",)))
    with pytest.raises(GateFailedError, match="second witness tflite-runtime-reference did not run: .*" + says):
        raise_failed(judged)


def test_a_witness_with_other_bytes_fails_the_gate_of_the_oracle(compact: Subjects) -> None:
    report = run_parity(replace(compact, models=compact.models[:1]), EXACT)
    gates = Gates(require_exact=("tflm",))
    one_differs = Difference(Share(1, 10), 1, 1.0)
    runs = tuple(run if run.is_oracle else replace(run, outputs=one_differs) for run in report.runs)

    raise_failed(check_gates(report, gates))
    with pytest.raises(GateFailedError, match="require-exact tflm"):
        raise_failed(check_gates(replace(report, runs=runs), gates))


def test_the_witness_stands_in_for_an_oracle_that_is_missing(compact: Subjects) -> None:
    report = run_parity(compact, ["tflite-runtime-reference", "litert-default"])

    (int8,) = (model for model in report.models if model.kind == "int8")
    assert int8.oracle == "tflite-runtime-reference 2.14.0, reference kernels"


def test_passing_gates_say_what_they_compared(report: ParityReport) -> None:
    judged = check_gates(report, Gates(max_accuracy_drop=5.0, require_exact=EXACT))

    assert [gate.passed for gate in judged.gates] == [True, True, True]
    assert "outputs 0 of 1000 differ; logits 0 of 1000 differ" in judged.gates[0].detail
    raise_failed(judged)


def test_an_inexact_engine_fails_its_gate_by_how_much(report: ParityReport) -> None:
    judged = check_gates(report, Gates(require_exact=("litert-default",)))

    with pytest.raises(GateFailedError, match=r"(?s)1 of 1 .*litert-default .*[1-9]\d* of 1000 differ \(\d+ images"):
        raise_failed(judged)


def test_a_required_engine_that_did_not_run_fails_its_gate(report: ParityReport) -> None:
    reason = NotRun("tensorflow-default", None, "missing", "tensorflow is not installed")
    judged = check_gates(replace(report, not_run=(reason,)), Gates(require_exact=("tensorflow-default",)))

    with pytest.raises(GateFailedError, match="did not run: tensorflow is not installed"):
        raise_failed(judged)


@pytest.fixture
def damaged(real_models: Path, tmp_path: Path) -> Path:
    """Return the compact int8 model with the weights of its last layer set to zero."""
    model = read_tflite(real_models / "compact_int8.tflite")
    last = next(operator for operator in reversed(model.operators) if operator.kind == "FULLY_CONNECTED")
    weights = model.tensors[last.inputs[1]].data
    assert weights is not None
    assert model.content.count(weights.tobytes()) == 1
    path = tmp_path / "damaged.tflite"
    path.write_bytes(model.content.replace(weights.tobytes(), bytes(weights.nbytes)))
    return path


def test_a_damaged_model_fails_the_accuracy_gate(damaged: Path, real_models: Path) -> None:
    subjects = with_images(
        named_subjects([damaged, real_models / "compact_float.tflite"]), ImageSettings(count=100, dataset="mnist")
    )
    judged = check_gates(run_parity(subjects, ["tflm"]), Gates(max_accuracy_drop=1.0))

    with pytest.raises(GateFailedError, match=r"damaged\.tflite\): 10\.00 % in tflm .* a drop of 8\d\.00 points"):
        raise_failed(judged)


def test_gates_that_cannot_be_decided_are_bad_input(report: ParityReport) -> None:
    without_float = replace(
        report, float_reference=None, models=tuple(model for model in report.models if model.kind == "int8")
    )
    with pytest.raises(InputError, match="needs the float model"):
        check_gates(without_float, Gates(max_accuracy_drop=1.0))
    without_int8 = replace(report, models=tuple(model for model in report.models if model.kind != "int8"))
    with pytest.raises(InputError, match="needs an int8 model"):
        check_gates(without_int8, Gates(require_exact=("tflm",)))
    with pytest.raises(InputError, match="unknown runtime 'tfml'"):
        Gates(require_exact=("tfml",)).needed_runtimes()


def test_a_float_model_that_did_not_run_fails_the_accuracy_gate(report: ParityReport) -> None:
    died = NotRun("litert-default", "compact_float.tflite", "crashed", "it was killed by signal 11")
    judged = check_gates(replace(report, float_reference=None, not_run=(died,)), Gates(max_accuracy_drop=1.0))
    with pytest.raises(GateFailedError, match="no float model to compare with: litert-default: it was killed by"):
        raise_failed(judged)


def test_models_that_do_not_fit_the_images_are_refused_before_any_engine_starts(
    real_models: Path, real_data: Path
) -> None:
    with pytest.raises(InputError, match=r"kws_ref_model.*12 classes apart.*mnist"):
        with_images(named_subjects([real_models / "kws_ref_model.tflite"]), ImageSettings(count=10, dataset="mnist"))


def test_names_come_repeated_or_with_commas() -> None:
    assert parse_names(["tflm,host-c", "tflm", " litert-default ,"]) == ("tflm", "host-c", "litert-default")


@needs("host-c")
def test_generated_c_gives_a_float_models_answers(real_models: Path, real_data: Path) -> None:
    subjects = with_images(
        named_subjects([real_models / "compact_float.tflite"]), ImageSettings(count=20, dataset="mnist")
    )
    runs = {run.runtime: run for run in run_parity(subjects, ["tflm", "host-c"]).runs}

    assert set(runs) == {"tflm", "host-c"}
    assert runs["host-c"].accuracy == runs["tflm"].accuracy


def test_a_limit_in_steps_is_the_most_that_passes(report: ParityReport) -> None:
    run = next(run for run in report.runs if run.runtime == "litert-default" and run.outputs is not None)
    most = max(int(one.max_difference) for one in (run.outputs, run.logits) if one is not None)
    assert most > 0
    passed = [
        check_gates(report, Gates(max_lsb={"litert-default": limit})).gates[0].passed for limit in (most - 1, most)
    ]
    assert passed == [False, True]
