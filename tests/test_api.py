"""The Python interface: documented, light to import, and every example in it runs."""

from __future__ import annotations

import doctest
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import edgemnist
from edgemnist import api


def test_the_package_offers_what_the_interface_defines() -> None:
    defined = {name for name, value in vars(api).items() if inspect.isfunction(value)}

    assert defined == set(edgemnist.__all__) <= set(dir(edgemnist))
    assert all(getattr(edgemnist, name) is getattr(api, name) for name in defined)
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        edgemnist.trian  # noqa: B018


@pytest.mark.parametrize("name", edgemnist.__all__)
def test_every_function_is_documented_with_an_example(name: str) -> None:
    text = getattr(api, name).__doc__

    assert ":raises" in text and doctest.DocTestParser().get_examples(text)


def test_importing_it_loads_nothing_else() -> None:
    named = "(name for name in sys.modules if name.startswith(('edgemnist.', 'numpy', 'typer')))"
    listing = f"import sys, edgemnist; print(*sorted{named})"
    run = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True)

    assert run.stdout.split() == ["edgemnist.support", "edgemnist.support.version"]


def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order in which they stand, in one folder and one set of names."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"edgemnist": edgemnist}
    runner = doctest.DocTestRunner()
    for name, function in vars(api).items():
        if inspect.isfunction(function):
            found = doctest.DocTestParser().get_doctest(function.__doc__ or "", names, name, None, None)
            runner.run(found, clear_globs=False)
            names.update(found.globs)

    assert runner.summarize().failed == 0
    assert runner.tries > len(edgemnist.__all__)
