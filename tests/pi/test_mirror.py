"""Which Debian mirror is used."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgemnist.pi.mirror import VARIABLE, debian_mirror
from edgemnist.support.errors import MissingDependencyError

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "sources.list",
            "# deb http://old.example/debian bookworm main\ndeb http://mirror.example/debian/ bookworm main\n",
        ),
        ("sources.list.d/debian.sources", "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\n"),
        (
            "sources.list.d/debian.sources",
            "Types: deb\nURIs: http://mirror.example/debian-security\n\nURIs: http://mirror.example/debian\n",
        ),
    ],
)
def test_the_one_that_apt_uses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / name).write_text(text)
    assert debian_mirror(tmp_path) == "http://mirror.example/debian"


def test_the_environment_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sources.list").write_text("deb http://mirror.example/debian bookworm main\n")
    monkeypatch.setenv(VARIABLE, "http://near.example/debian/")
    assert debian_mirror(tmp_path) == "http://near.example/debian"


def test_none_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    (tmp_path / "sources.list").write_text("deb http://archive.example/ubuntu noble main\n")
    with pytest.raises(MissingDependencyError, match=VARIABLE):
        debian_mirror(tmp_path)
