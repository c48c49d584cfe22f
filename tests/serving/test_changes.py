"""Files that change, versions that come, runtimes that crash, and a shadow beside the one that answers."""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgemnist.data.base import Split
from edgemnist.runner import run_model
from tests.oracles import needs
from tests.serving.conftest import png
from tests.serving.running import Running, running, until

SHADOW = "tflite-runtime-default"
"""Its kernels differ from LiteRT's for a few images."""

pytestmark = needs("litert-default", SHADOW)

PICTURE = {"Content-Type": "image/png"}


@pytest.fixture(scope="module")
def folder(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of versions, as TensorFlow Serving has them, with the version 1."""
    found = tmp_path_factory.mktemp("models") / "digits"
    (found / "1").mkdir(parents=True)
    shutil.copyfile(model, found / "1" / "model.tflite")
    return found


@pytest.fixture(scope="module")
def single(real_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model file of its own."""
    path = tmp_path_factory.mktemp("single") / "single.tflite"
    shutil.copyfile(real_models / "compact_int8.tflite", path)
    return path


@pytest.fixture(scope="module")
def watching(folder: Path, single: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Return a server that looks at the files often, with a shadow."""
    arguments = ("--poll", "0.1", "--versions", "2", "--runtime", "litert-default", "--shadow", SHADOW)
    with running(tmp_path_factory.mktemp("watching"), folder, single, *arguments) as one:
        yield one


def model_of(server: Running, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in server.get("/status").json()["models"] if one["name"] == name)
    return found


def compared(server: Running, name: str) -> dict[str, Any] | None:
    """Return what a model's shadow has counted when it has run all images."""
    shadow: dict[str, Any] = model_of(server, name)["shadow"]
    return shadow if shadow["compared"] == 40 else None


def test_the_shadow_counts_what_differs(watching: Running, single: Path, model: Path, digits: Split) -> None:
    for name, file in (("single", single), ("digits", model)):
        ours, others = (run_model(one, file, digits.images).outputs for one in ("litert-default", SHADOW))
        document = {"instances": (digits.images / 255.0).tolist()}
        assert watching.post(f"/v1/models/{name}:predict", json=document).status_code == 200
        shadow = until(functools.partial(compared, watching, name))
        assert shadow["runtime"] == SHADOW
        assert shadow["different_bytes"] == int((ours != others).any(axis=1).sum()) > 0
        assert shadow["different_class"] == int((ours.argmax(axis=1) != others.argmax(axis=1)).sum())
        labels = f'{{model="{name}",shadow="{SHADOW}",version="1"}}'
        assert f"edgemnist_shadow_compared_total{labels} 40.0" in watching.get("/metrics").text


def test_a_new_version_takes_over_under_load(watching: Running, folder: Path, real_models: Path, digits: Split) -> None:
    picture = png(digits.images[0, ..., 0])
    ended, versions = time.monotonic() + 60, set()

    def ask() -> int:
        while time.monotonic() < ended:
            answer = watching.post("/predict?model=digits", data=picture, headers=PICTURE)
            assert answer.status_code == 200, answer.text
            versions.add(answer.json()["model"]["version"])
            if 2 in versions:
                return int(answer.json()["digit"])
        raise AssertionError

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask) for _ in range(4)]
        time.sleep(0.3)
        (folder / "2").mkdir()
        shutil.copyfile(real_models / "compact_int8.tflite", folder / "2.partial")
        (folder / "2.partial").rename(folder / "2" / "model.tflite")
        assert {one.result() for one in asking} == {int(digits.labels[0])}
    states = watching.get("/v1/models/digits").json()["model_version_status"]
    assert [one["version"] for one in states] == ["2", "1"]
    first = watching.post("/predict?model=digits&version=1", data=picture, headers=PICTURE).json()
    assert first["model"]["version"] == 1

    shutil.copytree(folder / "2", folder / "3")
    until(lambda: watching.get("/v1/models/digits/versions/3").status_code == 200)
    until(lambda: watching.get("/v1/models/digits/versions/1").status_code == 404)  # two are kept
    until(lambda: any(e["event"] == "model retired" for e in watching.events()))


def test_a_bad_file_keeps_the_old_one(watching: Running, single: Path, model: Path, digits: Split) -> None:
    before = model_of(watching, "single")["sha256"]
    good = single.read_bytes()
    single.write_bytes(good[: len(good) // 2])
    refused = until(lambda: watching.get("/status").json()["refused"].get("single"))
    assert "single.tflite" in refused["1"]
    answer = watching.post("/predict?model=single", data=png(digits.images[0, ..., 0]), headers=PICTURE).json()
    assert (answer["digit"], answer["model"]["sha256"]) == (digits.labels[0], before)
    time.sleep(0.5)
    assert sum(e["event"] == "model refused" for e in watching.events()) == 1  # said once, not at every look

    shutil.copyfile(model, single)
    until(lambda: model_of(watching, "single")["sha256"] != before)
    assert watching.get("/status").json()["refused"] == {}


def test_a_worker_that_is_killed_is_started_again(watching: Running, digits: Split) -> None:
    picture = png(digits.images[0, ..., 0])
    url = "/predict?model=digits"
    statuses: list[int] = []
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for _ in range(2):
            asked = [pool.submit(watching.post, url, data=picture, headers=PICTURE) for _ in range(30)]
            for worker in workers_of(watching.process.pid):
                os.kill(worker, signal.SIGKILL)
            answers = [one.result() for one in asked]
            statuses += [one.status_code for one in answers]
            for one in answers:
                assert one.status_code in (200, 503), one.text
                assert one.status_code == 200 or one.headers["Retry-After"] == "1"
            until(lambda: watching.post(url, data=picture, headers=PICTURE).status_code == 200)
    assert 200 in statuses
    assert "edgemnist_worker_restarts_total" in watching.get("/metrics").text
    assert any(one["event"] == "worker restarted" for one in watching.events())


def workers_of(pid: int) -> list[int]:
    """Return the processes that a process started itself; a thread may end while its are read."""
    workers: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            workers += map(int, (task / "children").read_text().split())
    return workers
