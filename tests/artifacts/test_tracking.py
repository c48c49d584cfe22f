"""Logging to MLflow, to a real folder and real sockets: what is there afterwards, and what failing leaves alone."""

from __future__ import annotations

import json
import shutil
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from edgemnist import cli
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.artifacts.tracking import EXPERIMENT, Tracking, open_tracking
from edgemnist.support.errors import EnvironmentFailure, InputError
from edgemnist.support.files import sha256_of
from edgemnist.training.train import TrainResult

FIT = ("--arch", "dense", "--epochs", "2", "--batch", "32")


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_HTTP_REQUEST_TIMEOUT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def runs_in(uri: str, experiment: str = EXPERIMENT) -> list[Any]:
    """Return the runs of a store, the first one first."""
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    found = client.get_experiment_by_name(experiment)
    assert found is not None
    return list(client.search_runs([found.experiment_id], order_by=["attributes.start_time ASC"]))


def artifacts_of(run: Any) -> set[str]:
    folder = Path(run.info.artifact_uri.removeprefix("file://"))
    return {path.name for path in folder.iterdir()}


def test_a_training_and_a_pruning_are_runs_with_all_they_left(
    strokes_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``--mlflow`` alone is the folder here; JSON stays alone on stdout."""
    assert cli.run(["train", "--mlflow", *FIT, "--dataset", str(strokes_file), "--json"]) == 0
    trained = json.loads(capsys.readouterr().out)
    assert cli.run(["prune", "--epochs", "1", "--json", "--mlflow"]) == 0
    capsys.readouterr()
    first, second = runs_in((tmp_path / "mlruns").as_uri())
    assert first.info.run_name == f"train dense {strokes_file.resolve()}"
    assert first.info.status == second.info.status == "FINISHED"
    assert first.data.params["arch"] == "dense"
    assert first.data.params["normalisation.offset"] == "0.0"
    assert first.data.metrics["result/accuracy"] == trained["accuracy"]
    assert first.data.tags["edgemnist.stage"] == "train"
    assert artifacts_of(first) == {"trained.keras", "history.csv", "history.json", "curves.png", "record.json"}
    assert artifacts_of(second) >= {"pruned.keras", "prune-history.csv", "prune-curves.png", "record.json"}
    history = json.loads(Path("artifacts/history.json").read_text())
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=(tmp_path / "mlruns").as_uri())
    logged = client.get_metric_history(first.info.run_id, "epoch/validation_loss")
    assert [(point.step, point.value) for point in logged] == [
        (row["epoch"], row["validation_loss"]) for row in history
    ]


def test_a_place_that_is_named_is_taken(
    trained: tuple[Path, TrainResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = WorkFolder(trained[0])
    monkeypatch.setenv("MLFLOW_TRACKING_URI", str(tmp_path / "environment"))
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "digits")
    open_tracking("").log(work, "train")
    open_tracking(str(tmp_path / "folder")).log(work, "train", parts=("prune", "train"))
    open_tracking(None).log(work, "train")
    assert len(runs_in((tmp_path / "environment").as_uri(), "digits")) == 1
    parent, part = runs_in((tmp_path / "folder").as_uri(), "digits")
    assert part.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert not (tmp_path / "mlruns").exists()


def test_what_another_command_replaces_meanwhile_is_not_logged(
    trained: tuple[Path, TrainResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = WorkFolder(Path(shutil.copytree(trained[0], tmp_path / "work")))
    record, tracking = work.require("train", needed_by="the test"), open_tracking(str(tmp_path / "folder"))
    log = tracking.client.log_batch

    def replace_first(*arguments: Any, **named: Any) -> None:
        work.path("trained.keras").write_bytes(b"new")
        log(*arguments, **named)

    monkeypatch.setattr(tracking.client, "log_batch", replace_first)
    tracking.log(work, "train")
    (run,) = runs_in((tmp_path / "folder").as_uri())
    logged = Path(run.info.artifact_uri.removeprefix("file://")) / "trained.keras"
    assert sha256_of(logged) == record.outputs["trained.keras"]


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("http://127.0.0.1:{closed}", "Connection refused"),
        ("http://127.0.0.1:{silent}", "timed out"),
        ("telegraph://office", "unsupported URI 'telegraph://office'"),
        ("{file}/runs", "cannot log to MLflow"),
    ],
)
def test_a_place_that_cannot_be_logged_to_is_told_before_the_training(
    uri: str,
    message: str,
    strokes_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    (tmp_path / "file").touch()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with socket.create_server(("127.0.0.1", 0)) as closing:
            closed = closing.getsockname()[1]
        place = uri.format(closed=closed, silent=silent.getsockname()[1], file=tmp_path / "file")
        begin = time.monotonic()
        assert cli.run(["train", *FIT, "--dataset", str(strokes_file), "--mlflow", place]) == 3
        assert time.monotonic() - begin < 8
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""
    assert not Path("artifacts").exists()


def test_a_deleted_experiment_is_told_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tracking = open_tracking(str(tmp_path / "runs"))
    tracking.client.delete_experiment(tracking.experiment)
    with pytest.raises(EnvironmentFailure, match=r"was deleted; restore it .* or name another with MLFLOW_EXPERIMENT"):
        open_tracking(str(tmp_path / "runs"))
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "another")
    assert open_tracking(str(tmp_path / "runs")).experiment != tracking.experiment


def test_a_missing_package_is_told_before_the_training(
    strokes_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)  # what Python itself takes for "not to be imported"
    assert cli.run(["train", *FIT, "--dataset", str(strokes_file), "--mlflow"]) == 3
    assert "pip install 'edgemnist[mlflow]'" in capsys.readouterr().err
    assert not Path("artifacts").exists()


def test_a_database_needs_the_whole_of_mlflow(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    assert cli.run(["qat", "--mlflow", "sqlite:///runs.db"]) == 3
    assert "'sqlite:///runs.db' needs all of MLflow: pip install mlflow" in capsys.readouterr().err


class _ForgetfulServer(BaseHTTPRequestHandler):
    """Answers the question for the experiment and fails at everything after it."""

    def do_GET(self) -> None:
        found = {"experiment": {"experiment_id": "1", "name": EXPERIMENT, "lifecycle_stage": "active"}}
        self._answer(200, json.dumps(found).encode())

    def do_POST(self) -> None:
        self._answer(400, b'{"error_code": "RESOURCE_EXHAUSTED", "message": "no space left"}')

    def _answer(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


def test_a_server_that_fails_afterwards_takes_nothing_along(
    strokes_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _ForgetfulServer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        place = f"http://127.0.0.1:{server.server_port}"
        assert cli.run(["train", *FIT, "--dataset", str(strokes_file), "--json", "--mlflow", place]) == 3
        server.shutdown()
    captured = capsys.readouterr()
    assert json.loads(captured.out)["stage"] == "train"
    assert "train is complete in 'artifacts', but could not be logged" in captured.err
    assert "no space left" in captured.err
    WorkFolder(Path("artifacts")).require("train", needed_by="the test")


def test_a_run_that_breaks_off_is_marked_as_failed(trained: tuple[Path, TrainResult], tmp_path: Path) -> None:
    work = WorkFolder(Path(shutil.copytree(trained[0], tmp_path / "work")))
    tracking = open_tracking(str(tmp_path / "store"))
    record = work.require("train", needed_by="the test")
    work.record("train", settings={**record.settings, "not a name?": 1}, results={}, outputs=[])
    with pytest.raises(EnvironmentFailure, match="could not be logged"):
        tracking.log(work, "train")
    (run,) = runs_in((tmp_path / "store").as_uri())
    assert run.info.status == "FAILED"


def test_a_stage_that_has_not_run_is_not_logged(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has not run"):
        open_tracking(str(tmp_path / "store")).log(WorkFolder(tmp_path / "empty"), "train")
    Tracking().log(WorkFolder(tmp_path / "empty"), "train")
