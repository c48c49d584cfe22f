"""Artefacts in a folder and behind fsspec: whole or not there."""

from __future__ import annotations

import threading
import uuid
from pathlib import Path

import pytest

from edgemnist.search.artefacts import Artefacts
from edgemnist.support.errors import EnvironmentFailure, MissingDependencyError


@pytest.fixture(params=["folder", "file", "memory"])
def artefacts(request: pytest.FixtureRequest, tmp_path: Path) -> Artefacts:
    place = {
        "folder": str(tmp_path / "new"),
        "file": f"file://{tmp_path / 'new'}",
        "memory": f"memory://{uuid.uuid4()}",
    }
    return Artefacts(place[request.param])


def test_what_is_kept_is_found_again(artefacts: Artefacts, tmp_path: Path) -> None:
    assert artefacts.read_json("counted/one.json") is None
    artefacts.write_json("counted/one.json", {"a": [1, 2.5], "b": None})
    assert artefacts.read_json("counted/one.json") == {"a": [1, 2.5], "b": None}
    artefacts.write_json("counted/one.json", [])
    assert artefacts.read_json("counted/one.json") == []


def test_files_are_kept_byte_by_byte(artefacts: Artefacts, tmp_path: Path) -> None:
    source, target = tmp_path / "model.tflite", tmp_path / "copy.tflite"
    source.write_bytes(bytes(range(256)) * 1000)
    assert not artefacts.read_file("models/one.tflite", target)
    artefacts.write_file("models/one.tflite", source)
    assert artefacts.read_file("models/one.tflite", target)
    assert target.read_bytes() == source.read_bytes()


def test_what_is_not_whole_is_as_good_as_not_there(tmp_path: Path) -> None:
    artefacts = Artefacts(str(tmp_path))
    artefacts.write_json("one.json", {"accuracy": 0.9})
    content = (tmp_path / "one.json").read_bytes()
    for length in range(len(content) - 1):
        (tmp_path / "one.json").write_bytes(content[:length])
        assert artefacts.read_json("one.json") is None


def test_who_reads_while_others_write_finds_all_of_one(tmp_path: Path) -> None:
    artefacts, stop = Artefacts(str(tmp_path)), threading.Event()
    values = [[number] * 20_000 for number in range(3)]
    artefacts.write_json("one.json", values[0])

    def write(value: list[int]) -> None:
        while not stop.is_set():
            artefacts.write_json("one.json", value)

    writers = [threading.Thread(target=write, args=(value,)) for value in values]
    for writer in writers:
        writer.start()
    try:
        for _ in range(30):
            assert artefacts.read_json("one.json") in values
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert [path.name for path in tmp_path.iterdir()] == ["one.json"]


def test_places_that_cannot_be_opened_are_told(tmp_path: Path) -> None:
    with pytest.raises(MissingDependencyError, match=r"edgemnist\[search\]"):
        Artefacts("nothing-like-it://bucket/folder")
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(EnvironmentFailure, match="cannot be reached"):
        Artefacts(str(tmp_path / "file")).write_json("one.json", 1)
