"""An engine that is missing, broken, killed, stopped or fed nonsense is reported, and the next request works."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import termios
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from edgemnist.runner import RuntimeWorker, WorkerProcess, runtime_worker, runtimes
from edgemnist.runner.registry import find_runtime
from edgemnist.support.errors import InputError, MissingDependencyError, RuntimeCrashedError, UnsupportedModelError
from edgemnist.tflite.file import read_tflite
from tests.oracles import needs

pytestmark = needs("tflm", "tflite-runtime-reference")


@pytest.fixture
def compact(real_models: Path) -> bytes:
    return (real_models / "compact_int8.tflite").read_bytes()


def blank(cases: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int8]]:
    return np.full((cases, 1, 28, 28, 1), -128, np.int8)


def kill_in_the_middle_of_a_request(process: WorkerProcess) -> None:
    """Kill a stopped worker as soon as a part of a request is in its pipe: it can neither read nor answer it."""
    running = process._process
    assert running is not None and running.stdin is not None
    try:
        while not int.from_bytes(fcntl.ioctl(running.stdin, termios.FIONREAD, bytes(4)), sys.byteorder):
            time.sleep(0.001)
    finally:
        running.kill()


def test_one_process_answers_many_requests(compact: bytes, tflm: RuntimeWorker) -> None:
    first = tflm.invoke(compact, [blank(1)])
    pid = tflm.process.pid
    second = tflm.invoke(compact, [blank(3)])

    assert tflm.process.pid == pid != os.getpid()
    assert second[0].shape == (3, 1, 10)
    np.testing.assert_array_equal(second[0][2], first[0][0])


def test_a_killed_engine_is_reported_and_started_again(compact: bytes) -> None:
    with runtime_worker("tflm") as worker:
        worker.version()
        pid = worker.process.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        killer = threading.Thread(target=kill_in_the_middle_of_a_request, args=(worker.process,))
        killer.start()
        with pytest.raises(RuntimeCrashedError, match=r"'tflm' was killed by signal 9 .*out of memory"):
            worker.invoke(compact, [blank(1000)])
        killer.join()

        assert worker.invoke(compact, [blank(1)])[0].shape == (1, 1, 10)
        assert worker.process.pid != pid


def test_a_hung_engine_is_ended_when_its_time_is_up(compact: bytes) -> None:
    with runtime_worker("tflite-runtime-reference", timeout=20) as worker:
        worker.version()
        pid = worker.process.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        worker.process.timeout = 0.5
        start = time.monotonic()
        with pytest.raises(RuntimeCrashedError, match=r"no answer within 0\.5 s"):
            worker.invoke(compact, [blank(1)])

        assert time.monotonic() - start < 5
        assert worker.process.pid is None


def test_an_engine_that_cannot_be_imported_says_how_to_install_it(tmp_path: Path, compact: bytes) -> None:
    package = tmp_path / "tflite_micro"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('libfoo.so.1: cannot open shared object file')\n")
    process = WorkerProcess(environment={"PYTHONPATH": str(tmp_path)})
    try:
        with pytest.raises(MissingDependencyError, match=r"libfoo\.so\.1.*pip install 'edgemnist\[tflm\]'"):
            RuntimeWorker("tflm", process).invoke(compact, [blank(1)])
        # The process has survived, and its other engines work.
        assert RuntimeWorker("tflite-runtime-reference", process).version()
    finally:
        process.close()


def test_what_an_engine_refuses_is_told_in_its_own_words(real_models: Path, tflm: RuntimeWorker) -> None:
    content = (real_models / "compact_int8.tflite").read_bytes()
    with pytest.raises(UnsupportedModelError, match=r"'tflm' refused the model"):
        tflm.invoke(content, [np.zeros((1, 1, 5, 5, 1), np.int8)])
    with pytest.raises(UnsupportedModelError, match="not the output of an operator"):
        tflm.trace(content, [blank(1)], tensors=[0])
    assert tflm.invoke(content, [blank(1)])[0].shape == (1, 1, 10)


def test_words_of_an_earlier_refusal_are_not_repeated(compact: bytes, tflm: RuntimeWorker) -> None:
    messages = []
    for shape in ((1, 1, 5, 5, 1), (1, 1, 6, 6, 1)):
        with pytest.raises(UnsupportedModelError) as caught:
            tflm.invoke(compact, [np.zeros(shape, np.int8)])
        messages.append(str(caught.value))
    assert len(messages[1]) < 1.2 * len(messages[0])


def test_ctrl_c_in_the_terminal_leaves_the_worker_to_the_command(compact: bytes) -> None:
    with runtime_worker("tflm") as worker:
        worker.version()
        assert worker.process.pid is not None
        os.kill(worker.process.pid, signal.SIGINT)
        assert worker.invoke(compact, [blank(1)])[0].shape == (1, 1, 10)


def test_closing_leaves_no_process() -> None:
    with runtime_worker("tflm") as worker:
        worker.version()
        pid = worker.process.pid
        assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_modules_in_the_users_folder_do_not_shadow_engines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compact: bytes
) -> None:
    (tmp_path / "numpy.py").write_text("raise RuntimeError('wrong numpy')\n")
    monkeypatch.chdir(tmp_path)
    with runtime_worker("tflm") as worker:
        assert worker.invoke(compact, [blank(1)])[0].shape == (1, 1, 10)


def test_an_unknown_runtime_lists_the_known() -> None:
    with (
        pytest.raises(InputError, match=r"'tflmm'; did you mean 'tflm'\? Choose one of .*tflm"),
        runtime_worker("tflmm"),
    ):
        pass


def test_every_engine_is_found_by_its_file() -> None:
    expected = {"keras", "tflm", *(f"{p}-{k}" for p in ("tensorflow", "tflite-runtime", "litert") for k in KERNELS)}
    assert expected <= set(runtimes())
    for name, runtime in runtimes().items():
        assert find_runtime(name) is runtime
        assert runtime.install
        assert runtime.takes


KERNELS = ("reference", "default")


def test_several_inputs_and_outputs(tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    from tests.compiler.model_builder import ModelBuilder

    builder = ModelBuilder()
    left, right = builder.input((1, 6), 0.1, 3), builder.input((1, 6), 0.2, -4)
    total = builder.op("ADD", [left, right], (1, 6), 0.3, 1)
    content = builder.finish([total, builder.op("RELU", [total], (1, 6), 0.3, 1)])
    random = np.random.default_rng(5)
    inputs = [random.integers(-128, 128, (7, 1, 6)).astype(np.int8) for _ in range(2)]

    outputs, traced = tflm.invoke(content, inputs), witness.trace(content, inputs)

    assert [output.shape for output in outputs] == [(7, 1, 6), (7, 1, 6)]
    for output, tensor in zip(outputs, traced.values(), strict=True):
        np.testing.assert_array_equal(output, tensor)


def test_a_model_can_be_named_by_its_path(real_models: Path, witness: RuntimeWorker) -> None:
    path = real_models / "compact_int8.tflite"
    by_path, by_bytes = witness.trace(path, [blank(1)]), witness.trace(read_tflite(path).content, [blank(1)])

    assert by_path.keys() == by_bytes.keys()
    assert all((by_path[index] == by_bytes[index]).all() for index in by_path)


@pytest.mark.parametrize("runtime", ["tflm", "tflite-runtime-reference", "host-c"])
def test_a_model_that_is_kept_open_gives_what_one_that_is_opened_each_time_does(compact: bytes, runtime: str) -> None:
    inputs = np.random.default_rng(0).integers(-128, 128, (5, 1, 28, 28, 1), dtype=np.int8)
    with runtime_worker(runtime) as worker:
        expected = worker.invoke(compact, [inputs])[0]
        version, kernels = worker.open_session("one", compact, [inputs[0]])
        assert version == worker.version()
        assert kernels
        worker.open_session("two", compact, [inputs[0]])
        for number in (1, 5, 2):
            np.testing.assert_array_equal(worker.ask_session("one", [inputs[:number]])[0], expected[:number])
        worker.close_session("one")
        np.testing.assert_array_equal(worker.ask_session("two", [inputs])[0], expected)


def test_a_model_that_is_refused_is_not_kept_open() -> None:
    content = b"no model"
    with runtime_worker("host-c") as worker, pytest.raises(UnsupportedModelError, match="refused the model"):
        worker.open_session("one", content, [np.zeros((1, 28, 28, 1), np.float32)])
