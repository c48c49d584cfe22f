"""``edgemnist page`` as it is called: what it writes, what it says, and what it refuses."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgemnist import cli
from edgemnist.commands.page import stage
from edgemnist.page import making
from edgemnist.page.web_assembly import build
from edgemnist.tflite.file import read_tflite
from tests.commands.report.nets import CLASSES, write_nets, write_work
from tests.compiler.model_builder import ModelBuilder
from tests.mismatch.planted import net
from tests.oracles import needs
from tests.page.javascript import NEEDS_NODE
from tests.page.networks import float_net, with_another_weight

pytestmark = [needs("tflm"), NEEDS_NODE]

QUICK = ["--engine", "node", "--images", "40"]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a work folder with a converted net."""
    return write_work(tmp_path_factory.mktemp("page") / "work")


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """Return the file of a net of which nothing is recorded."""
    path = tmp_path / "planted.tflite"
    path.write_bytes(net().content)
    return path


def facts_in(page: Path) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="facts">(.*?)</script>', page.read_text("utf-8"))
    assert found is not None
    facts: dict[str, Any] = json.loads(found[1])
    return facts


def answer(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> dict[str, Any]:
    assert cli.run(["page", *arguments, "--json"]) == code
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 2) -> str:
    return str(answer(capsys, *arguments, code=code)["error"]["message"])


def test_the_work_folders_net_is_taken_and_checked(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "--work", str(work), "--engine", "node")
    page = work / "page.html"
    assert found["files"] == [{"path": str(page), "bytes": page.stat().st_size}]
    facts = facts_in(page)
    assert found["check"] == facts["check"]
    (engine,) = facts["check"]["engines"]
    assert (engine["engine"], engine["different"], facts["check"]["inputs"]) == ("node", 0, 1000)
    # A dataset with fewer test images is not all that is run.
    assert facts["check"]["of"] == "pictures.npz: all 120 test images, and 880 random pictures (seed 0)"
    assert facts["labels"] == list(CLASSES)
    text = page.read_text("utf-8")
    assert "<script>alert" not in text
    assert str(work) not in text
    assert "example-pixels" not in text.partition("</main>")[2].partition('<script type="module">')[0]


def test_a_dataset_that_is_gone_is_told_and_done_without(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    work = write_work(tmp_path / "work")
    (work / "pictures.npz").unlink()
    assert cli.run(["page", "--work", str(work), *QUICK]) == 0
    said = capsys.readouterr()
    assert "random pictures: those of pictures.npz are not to be had" in said.err
    facts = facts_in(work / "page.html")
    assert facts["check"]["of"] == "40 random pictures, uniform over 0..255 (seed 0)"
    assert facts["labels"] == list(CLASSES)


def test_two_pages_are_equal(work: Path, tmp_path: Path) -> None:
    pages = [tmp_path / name for name in ("one.html", "two.html")]
    for page in pages:
        assert cli.run(["page", "--work", str(work), "--out", str(page), *QUICK]) == 0
    assert pages[0].read_bytes() == pages[1].read_bytes()


def test_the_digest_is_that_of_what_the_command_in_it_writes(planted: Path, tmp_path: Path) -> None:
    page, folder = tmp_path / "page.html", tmp_path / "c"
    feeding = ["--normalisation=-2.46..2.64", "--channels", "bgr", "--classes", "a,b c,d,e"]
    assert cli.run(["page", str(planted), "--out", str(page), *feeding, *QUICK]) == 0
    facts = facts_in(page)
    written = ["codegen", str(planted), "--target", "portable", *feeding, "--out", str(folder)]
    assert facts["command"] == (
        "edgemnist codegen planted.tflite --target portable --normalisation=-2.46..2.64 --classes 'a,b c,d,e' "
        "--channels bgr --out c"
    )
    assert cli.run(written) == 0
    files = sorted([*folder.glob("em_*.h"), folder / "model.c", folder / "model.h"])
    assert hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest() == facts["sourceSha256"]
    assert facts["modelSha256"] == hashlib.sha256(planted.read_bytes()).hexdigest()
    assert facts["labels"] == ["a", "b c", "d", "e"]


def test_a_module_is_written_instead_or_beside(
    planted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = answer(capsys, str(planted), "--module", str(tmp_path / "web"), "--name", "four", *QUICK)
    names = ["four.d.mts", "four.d.ts", "four.mjs", "four.wasm", "package.json"]
    assert sorted(path.name for path in (tmp_path / "web").iterdir()) == names
    assert sorted(Path(one["path"]).name for one in found["files"]) == names
    assert found["networkSha256"] == hashlib.sha256((tmp_path / "web" / "four.wasm").read_bytes()).hexdigest()


def test_a_net_without_pictures_has_a_page_without_a_pad(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, page = tmp_path / "floats.tflite", tmp_path / "page.html"
    model = float_net().tflite
    assert model is not None
    path.write_bytes(model.content)
    found = answer(capsys, str(path), "--out", str(page), *QUICK)
    assert re.fullmatch(r"40 random inputs, uniform over -5.56..4.64 \(seed 0\)", found["check"]["of"])
    text = page.read_text("utf-8")
    assert 'id="pad"' not in text
    assert 'id="random"' in text
    assert facts_in(page)["output"]["kind"] == "values"


def test_a_byte_that_differs_fails_and_leaves_no_page(
    planted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A weight is changed between the compiler and the check."""
    monkeypatch.setattr(making, "build", lambda *given, **named: with_another_weight(build(*given, **named)))
    places = ["--out", str(tmp_path / "page.html"), "--module", str(tmp_path / "web")]
    message = refusal(capsys, str(planted), *places, *QUICK, code=1)
    assert re.match(
        r"the WebAssembly's bytes are not those of tflm .*, so nothing was written:\n  - node \S+: \d+ of 40", message
    )
    assert not (tmp_path / "page.html").exists()
    assert list((tmp_path / "web").iterdir()) == []


def test_what_was_not_checked_is_said_everywhere(
    planted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "choose_engines", lambda names: ())
    reason = "neither node nor Chromium nor wasmtime is here to run the WebAssembly"
    page = tmp_path / "page.html"
    assert cli.run(["page", str(planted), "--out", str(page), "--module", str(tmp_path / "web"), "--images", "3"]) == 0
    said = capsys.readouterr()
    assert f"warning: not checked: {reason}" in said.err
    assert f"checked   not: {reason}" in said.out
    text = page.read_text("utf-8")
    assert "✓" not in text.partition("<main>")[2].partition("</main>")[0]
    assert f"was not checked when this page was made: {reason}" in text
    assert f"was not checked: {reason}" in (tmp_path / "web" / "model.mjs").read_text("utf-8")


def test_what_it_cant_do_it_refuses(
    planted: Path, work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    float_model, _ = write_nets(tmp_path / "nets")
    refused = {
        "no_page": refusal(capsys, str(planted), "--out", str(tmp_path / "page.pdf")),
        "folder": refusal(capsys, str(planted), "--out", str(_made(tmp_path / "x.html"))),
        "missing": refusal(capsys, str(tmp_path / "none.tflite")),
        "directory": refusal(capsys, str(tmp_path)),
        "float": refusal(capsys, str(float_model)),
        "operator": refusal(capsys, str(_unsupported(tmp_path / "odd.tflite"))),
        "name": refusal(capsys, str(planted), "--module", str(tmp_path / "m"), "--name", "No Name"),
        "engine": refusal(capsys, str(planted), "--engine", "v8"),
        "classes": refusal(capsys, str(planted), "--classes", "a,b", "--normalisation=-1..1", *QUICK),
        "dataset": refusal(capsys, str(planted), "--dataset", "none-such", *QUICK),
    }
    assert "give a name that ends in .html or .htm" in refused["no_page"]
    assert "is a folder; give a file's name" in refused["folder"]
    assert "there is no model" in refused["missing"]
    assert "is a Keras model; convert it first" in refused["directory"]
    assert "the model can't be compiled" in refused["float"]
    assert "CEIL: not supported" in refused["operator"]
    assert "can't be a package's" in refused["name"]
    assert "choose one of node, chromium, wasmtime" in refused["engine"]
    assert "tells 4 classes apart, 2 are named" in refused["classes"]
    assert "none-such" in refused["dataset"]
    assert not list(tmp_path.glob("*.html")) or list(tmp_path.glob("*.html")) == [tmp_path / "x.html"]


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _unsupported(path: Path) -> Path:
    builder = ModelBuilder()
    entry = builder.input((1, 4), 0.1, 0)
    path.write_bytes(builder.finish([builder.op("CEIL", [entry], (1, 4), 16 / 256, 127, version=2)]))
    return path


def test_the_usual_net_fits_in_120_kilobytes(real_models: Path, real_data: Path, tmp_path: Path) -> None:
    """Checked by every engine that is here, on test images."""
    page = tmp_path / "page.html"
    model = real_models / "compact_int8.tflite"
    assert cli.run(["page", str(model), "--out", str(page), "--images", "100"]) == 0
    assert page.stat().st_size < 120_000
    facts = facts_in(page)
    assert facts["check"]["of"] == "mnist: 100 of 10000 test images, equally many per class (seed 0)"
    assert all(one["different"] == 0 for one in facts["check"]["engines"])
    assert facts["macs"] == 157_064
    assert np.prod(read_tflite(model).input().shape) == facts["input"]["elements"]
    assert facts["examples"] == list(range(10))
