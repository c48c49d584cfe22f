"""A work folder that several commands use at once: no record is lost, and none is of a file that it did not read."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

import pytest

from edgemnist import cli
from edgemnist.artifacts.folder import TRAINED_MODEL, WorkFolder, digests_of
from edgemnist.support.errors import InputError, StageOrderError
from edgemnist.support.files import sha256_of
from tests.halting import Point, halted
from tests.support.others import another, go_on

RECORDS = 40
WRITES = f"""
import sys
from pathlib import Path
from edgemnist.artifacts.folder import WorkFolder
work = WorkFolder(Path(sys.argv[1]))
wait()
for number in range({RECORDS}):
    work.record(sys.argv[2] + str(number), settings={{}}, results={{}})
"""
REPLACES = """
import sys
from pathlib import Path
from edgemnist.artifacts.folder import WorkFolder
work = WorkFolder(Path(sys.argv[1]))
with work.changing():
    path = work.path("trained.keras")
    path.write_bytes(b"new")
    wait()
    work.record("train", settings={"is": "new"}, results={}, outputs=[path])
"""


@pytest.fixture
def trained(tmp_path: Path) -> WorkFolder:
    """Return a folder with a record of a model."""
    work = WorkFolder(tmp_path)
    work.path(TRAINED_MODEL).write_bytes(b"old")
    work.record("train", settings={"is": "old"}, results={}, outputs=[work.path(TRAINED_MODEL)])
    return work


def manifest(**changes: object) -> bytes:
    """Return a manifest with a record of which parts are others."""
    record = {"settings": {}, "results": {}, "inputs": {}, "outputs": {}, "versions": {}, **changes}
    return json.dumps({"format": 1, "stages": {"convert": record}}).encode()


HOSTILE = {
    "deep": b"[" * 100_000,
    "deep in a record": b'{"format": 1, "stages": ' + b'{"a":' * 100_000,
    "no UTF-8": b"\xff\xfe{",
    "stages in a list": b'{"format": 1, "stages": [1]}',
    "a record of text": b'{"format": 1, "stages": {"convert": "x"}}',
    "settings of text": manifest(settings="x"),
    "no outputs": manifest(outputs=None),
    "outputs in a list": manifest(outputs=["model.tflite"]),
    "a digest of numbers": manifest(outputs={"model.tflite": 5}),
    "a name with a NUL": manifest(outputs={"a\0b": "0"}),
    "a name without end": manifest(inputs={"a" * 5000: "0"}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_manifest_of_anything_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(HOSTILE[name])

    with pytest.raises(InputError, match=r"cannot read .*manifest\.json.*delete it"):
        WorkFolder(tmp_path).stages()


def test_a_manifest_that_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "manifest.json")
    with pytest.raises(InputError, match="is a named pipe"):
        WorkFolder(tmp_path).stages()
    (tmp_path / "manifest.json").unlink()
    (tmp_path / "manifest.json").symlink_to("/dev/zero")
    with pytest.raises(InputError, match="is a device"):
        WorkFolder(tmp_path).stages()
    (tmp_path / "manifest.json").unlink()
    (tmp_path / "manifest.json").touch()
    os.truncate(tmp_path / "manifest.json", 20 << 30)
    with pytest.raises(InputError, match=r"more than the .* allowed"):
        WorkFolder(tmp_path).stages()


def test_no_record_of_two_writers_is_lost(tmp_path: Path) -> None:
    with another(WRITES, str(tmp_path), "a") as one, another(WRITES, str(tmp_path), "b") as two:
        for process in (one, two):
            go_on(process)
        assert [process.wait(60) for process in (one, two)] == [0, 0]
    assert set(WorkFolder(tmp_path).stages()) == {f"{who}{number}" for who in "ab" for number in range(RECORDS)}
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]


def test_a_result_of_an_input_that_was_replaced_is_dropped(trained: WorkFolder) -> None:
    path, before = trained.path(TRAINED_MODEL), trained.manifest_path.read_bytes()
    read = digests_of([path, trained.path("missing")])
    assert read == {path: sha256_of(path)}
    path.write_bytes(b"new")
    says = r"'.*trained.keras' was replaced .* run `edgemnist evaluate` again"
    with pytest.raises(InputError, match=says), trained.leaving("evaluate", read):
        trained.record("evaluate", settings={}, results={}, inputs=read)
    path.unlink()
    with pytest.raises(InputError, match="was replaced"), trained.leaving("evaluate", read):
        pass
    assert trained.manifest_path.read_bytes() == before


def test_a_record_has_the_digest_that_was_read(trained: WorkFolder) -> None:
    read = digests_of([trained.path(TRAINED_MODEL)])
    trained.path(TRAINED_MODEL).write_bytes(b"new")
    (digest,) = read.values()
    assert trained.record("prune", settings={}, results={}, inputs=read).inputs == {TRAINED_MODEL: digest}


def test_a_reader_waits_for_the_record_of_files_that_are_just_put_in_place(trained: WorkFolder) -> None:
    with another(REPLACES, str(trained.root)) as writer:
        threading.Timer(0.3, go_on, [writer]).start()
        assert trained.require("train", needed_by="the test").settings == {"is": "new"}


def test_what_a_killed_writer_left_without_a_record_is_not_believed(trained: WorkFolder) -> None:
    with another(REPLACES, str(trained.root)) as writer:
        writer.kill()
        writer.communicate()
    with pytest.raises(StageOrderError, match=r"is not the one that is recorded .* run `edgemnist train .*` first"):
        trained.latest_model(needed_by="convert")


def test_a_folder_that_cannot_be_written_can_be_read(trained: WorkFolder) -> None:
    trained.root.chmod(0o500)
    try:
        assert trained.require("train", needed_by="the test").settings == {"is": "old"}
        trained.check_no_run("convert")
    finally:
        trained.root.chmod(0o700)


@pytest.mark.parametrize("first", ["train", "run"])
def test_a_second_fit_in_a_folder_is_refused_and_told_by_whom(
    first: str, strokes_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = tmp_path / "work"
    command = [first, "--dataset", str(strokes_file), "--epochs", "1", "--work", str(work)]
    with halted(command, Point("import", "tensorflow.python")) as process:
        there = sorted(path.name for path in work.iterdir())
        commands = [command[:], ["prune", "--work", str(work)], ["qat", "--work", str(work)]]
        commands += [["import", "net.onnx", "--dataset", str(strokes_file), "--work", str(work)]]
        commands += [["run", *command[1:]]] if first == "train" else [["convert", "--int8", "--work", str(work)]]
        for other in commands:
            assert cli.run([*other, "--json"]) == 2, other
            error = json.loads(capsys.readouterr().out)["error"]
            assert error["kind"] == "folder_in_use"
            assert error["message"].startswith(f"`edgemnist {other[0]}` cannot go on in '{work}'")
            assert f"process {process.pid} (`edgemnist {' '.join(command)}`), since" in error["message"]
            assert error["remedy"] == "give another --work, or wait until it has ended"
        assert sorted(path.name for path in work.iterdir()) == there
        process.kill()
        process.communicate()
    assert cli.run(["prune", "--work", str(work)]) == 2
    assert "has not run in" in capsys.readouterr().err
    assert cli.run(["train", "--dataset", "nowhere", "--work", str(work)]) == 2
    assert "dataset" in capsys.readouterr().err
    assert not [path.name for path in work.iterdir() if "fitting" in path.name]


def test_a_fit_on_another_machine_is_named_with_the_way_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    claim = tmp_path / ".edgemnist-fitting.lock"
    holder = {"pid": 7, "start": "1", "host": "gpu-box", "machine": "0" * 8, "command": "edgemnist train"}
    claim.write_text(json.dumps({**holder, "since": time.time()}))
    assert cli.run(["prune", "--work", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "process 7 on 'gpu-box' (`edgemnist train`)" in error
    assert f"or delete '{claim}' if that process is gone" in error
    os.utime(claim, (0, 0))
    assert cli.run(["prune", "--work", str(tmp_path)]) == 2
    assert "has not run in" in capsys.readouterr().err
