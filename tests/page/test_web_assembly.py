"""Generated C as WebAssembly: nothing imported, the same bytes each time, what a model has that C can't be made of."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from edgemnist.page import web_assembly
from edgemnist.page.web_assembly import WebNetwork
from edgemnist.support.errors import EnvironmentFailure, MissingDependencyError
from tests.page.networks import COLOURS, built, colour_net, float_net

wasmtime = pytest.importorskip("wasmtime", reason="wasmtime is not installed; run scripts/test")


def exports_of(network: WebNetwork) -> set[str]:
    module = wasmtime.Module(wasmtime.Engine(), network.content)
    assert list(module.imports) == []
    return {one.name for one in module.exports}


def test_it_imports_nothing_and_exports_what_is_called() -> None:
    assert exports_of(built(float_net())) == {"memory", "input", "output", "trace", "invoke"}
    assert exports_of(built(colour_net(), COLOURS)) == {
        "memory", "input", "output", "trace", "invoke", "picture", "quantise"
    }  # fmt: skip


def test_two_builds_are_equal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also with an empty cache of the compiler's."""
    first = built(colour_net(), COLOURS)
    monkeypatch.setenv("EDGEMNIST_CACHE", str(tmp_path / "cache"))
    second = built(colour_net(), COLOURS)
    assert first.content == second.content
    assert first.source_sha256 == second.source_sha256
    assert built(colour_net(), COLOURS, rounding="tflite").source_sha256 != first.source_sha256


def test_no_path_of_this_machine_is_in_it() -> None:
    content = built(float_net()).content
    assert b"/tmp" not in content
    assert b"edgemnist" not in content


def test_without_the_compiler_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ziglang", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'edgemnist\[page\]'"):
        built(float_net())


def test_what_the_compiler_says_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_assembly, "_FLAGS", (*web_assembly._FLAGS, "-DNETWORK_INPUT=nonsense"))
    with pytest.raises(EnvironmentFailure, match=r"zig failed with exit code 1:\n.*"):
        built(float_net())
