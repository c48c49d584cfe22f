"""Which file is which version of which model."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.http.settings import AccessSettings, Limits, keys_from
from edgemnist.serving.settings import ModelSettings
from edgemnist.serving.sources import signature_of, sources_from, versions_of
from edgemnist.support.errors import InputError, StageOrderError

pytestmark = pytest.mark.unit


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"model")
    return path


def test_names(tmp_path: Path) -> None:
    model, folder = put(tmp_path / "a.b.tflite"), put(tmp_path / "letters" / "1.tflite").parent
    equals = put(tmp_path / "x=1.tflite")
    found = sources_from([str(model), f"digits={model}", str(folder), f"y={equals}"], WorkFolder(tmp_path))
    assert [one.name for one in found] == ["a.b", "digits", "letters", "y"]
    assert [one.path for one in found] == [model, model, folder, equals]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["gone.tflite"], "there is no model 'gone.tflite'"),
        (["x=gone.tflite"], "there is no model 'gone.tflite'"),
        (["a.tflite", "b/a.tflite"], "both called 'a'; name them: NAME=PATH"),
        (["ä.tflite"], "cannot be a model's name in an address; name it: NAME=ä.tflite"),
        (["a b.tflite"], "name it: NAME=a b.tflite"),
    ],
)
def test_names_that_do_not_work(
    given: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.tflite", "b/a.tflite", "ä.tflite", "a b.tflite"):
        put(tmp_path / name)
    with pytest.raises(InputError, match=re.escape(message)):
        sources_from(given, WorkFolder(tmp_path))


def test_a_work_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(StageOrderError, match="edgemnist train"):
        sources_from([], WorkFolder(tmp_path))


def test_versions(tmp_path: Path) -> None:
    first, second = put(tmp_path / "m" / "1" / "any.tflite"), put(tmp_path / "m" / "10.tflite")
    saved = put(tmp_path / "m" / "3" / "saved_model.pb").parent
    put(tmp_path / "m" / "notes.txt")
    put(tmp_path / "m" / "12.txt")
    (tmp_path / "m" / "4").mkdir()  # its model is not there yet
    assert versions_of(tmp_path / "m") == {1: first, 3: saved, 10: second}
    assert versions_of(first) == {1: first}
    assert versions_of(saved) == {1: saved}


def test_folders_without_versions(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"put 1\.tflite into it"):
        versions_of(tmp_path)
    put(tmp_path / "1" / "a.tflite")
    put(tmp_path / "1" / "b.tflite")
    with pytest.raises(InputError, match="has 2 model files; leave one there"):
        versions_of(tmp_path)


def test_signatures_change_with_the_file(tmp_path: Path) -> None:
    path = put(tmp_path / "a.tflite")
    before = signature_of(path)
    assert signature_of(path) == before
    os.utime(path, ns=(1, 1))
    assert signature_of(path) != before
    saved = put(tmp_path / "saved" / "saved_model.pb").parent
    before = signature_of(saved)
    put(saved / "variables" / "variables.index")
    assert signature_of(saved) != before


def test_keys(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("# ours\n\nabc\n  def \n")
    assert keys_from(file, "x") == ("abc", "def")
    assert keys_from(None, "x") == ("x",)
    assert keys_from(None, None) == ()
    file.write_text("# none\n")
    with pytest.raises(InputError, match="has no key; write one a line"):
        keys_from(file, None)
    with pytest.raises(InputError, match="cannot read the API keys"):
        keys_from(tmp_path / "gone", None)


def test_limits() -> None:
    for name in ("body_bytes", "pixels", "concurrency", "seconds", "head_seconds"):
        with pytest.raises(InputError, match="give a number above 0"):
            Limits(**{name: 0})
    with pytest.raises(InputError, match="--grace -1: give 0 or more"):
        Limits(grace=-1)
    with pytest.raises(InputError, match="--versions 0: give 1 or more"):
        ModelSettings(versions=0)
    with pytest.raises(InputError, match="--poll -1: give 0 or more"):
        ModelSettings(poll=-1)
    assert AccessSettings().keys == ()
