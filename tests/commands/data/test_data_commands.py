"""``edgemnist data`` as a user calls it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgemnist.cli import run
from edgemnist.support.palette import DARK, LIGHT
from tests.data.conftest import SmallDataset, shrink
from tests.data.server import MirrorServer
from tests.data.test_registry import NAMES

pytestmark = pytest.mark.unit


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Return (exit code, stdout, stderr) of a command."""
    code = run(["data", *arguments])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return code, captured.out, captured.err


def test_list(small_mnist: SmallDataset, bare_machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = small_mnist.write_to(bare_machine / ".cache/edgemnist/datasets/mnist")
    code, out, err = call(capsys, "list")
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert (code, err) == (0, "")
    assert list(lines) == ["dataset", *NAMES, "bring"]
    assert str(folder) in lines["mnist"]
    assert "no, 21 MB" in lines["kmnist"]
    assert "`edgemnist data fetch NAME`" in lines["bring"]
    assert "112,800" in lines["emnist-balanced"]


def test_list_as_json(bare_machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(capsys, "list", "--json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert (code, err) == (0, "")
    assert list(rows) == NAMES
    assert rows["mnist"]["here"] is False
    assert rows["mnist"]["where"] is None
    assert rows["mnist"]["image_shape"] == [28, 28, 1]
    assert rows["mnist-5k"]["here"] is True
    assert rows["kmnist"]["licence"] == "CC BY-SA 4.0"


@pytest.mark.parametrize("as_json", [False, True])
def test_fetch(
    server: MirrorServer,
    bare_machine: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    as_json: bool,
) -> None:
    small = shrink("mnist", monkeypatch, (server.mirror("good"),))
    server.files.update(small.files)
    arguments = ("fetch", "mnist", "mnist-5k", *(["--json"] if as_json else []))
    code, out, _ = call(capsys, *arguments)
    folder = bare_machine / ".cache/edgemnist/datasets/mnist"
    assert code == 0
    if as_json:
        assert json.loads(out)[0] == {"name": "mnist", "where": str(folder), "downloaded": list(small.files)}
    else:
        assert out.startswith(f"mnist: downloaded 4 file(s) to {folder}\nmnist-5k: already in ")
        assert call(capsys, "fetch", "mnist")[1] == f"mnist: already in {folder}\n"


def test_fetch_without_network(small_mnist: SmallDataset, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(capsys, "fetch", "mnist", "--json")
    assert (code, json.loads(out)["error"]["kind"]) == (3, "download")
    assert "every mirror failed" in err


@pytest.mark.parametrize("split", ["train", "test"])
def test_show(small_mnist: SmallDataset, bare_machine: Path, capsys: pytest.CaptureFixture[str], split: str) -> None:
    small_mnist.write_to(bare_machine / ".cache/edgemnist/datasets/mnist")
    code, out, _ = call(capsys, "show", "mnist", "--split", split, "--count", "20")
    assert (code, out) == (0, f"mnist-{split}.png\n")
    with Image.open(bare_machine / f"mnist-{split}.png") as sheet:
        assert sheet.size == (5 * 94 + 10, 4 * 111 + 10)


def test_show_is_repeatable_and_depends_on_the_seed(
    small_mnist: SmallDataset, bare_machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small_mnist.write_to(bare_machine / ".cache/edgemnist/datasets/mnist")
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        call(capsys, "show", "mnist", "--count", "10", "--seed", seed, "--out", f"sub/{name}.png")
    sheets = {name: (bare_machine / f"sub/{name}.png").read_bytes() for name in "abc"}
    assert sheets["a"] == sheets["b"] != sheets["c"]


def test_show_of_a_path_as_json(bare_machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez("mine.npz", x=np.zeros((8, 4, 4), np.uint8), y=np.arange(8) % 2)
    code, out, err = call(capsys, "show", "mine.npz", "--count", "2", "--json")
    result = json.loads(out)
    assert (code, err) == (0, "")
    assert result["path"] == "mine-train.png"
    assert result["count"] == 2
    assert result["facts"]["division"] == {
        "how": "divided off: the dataset has no test split", "share": 0.2, "seed": 0,
    }  # fmt: skip
    assert result["facts"]["classes"] == [{"name": "0", "train": 3, "test": 1}, {"name": "1", "train": 3, "test": 1}]
    assert result["facts"]["image_shape"] == [4, 4, 1]
    assert "every pixel of its training images is 0" in result["checks"]["problem"]
    assert Image.open(io.BytesIO((bare_machine / "mine-train.png").read_bytes())).format == "PNG"


def test_show_says_what_was_understood_and_what_is_odd(bare_machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = np.arange(8 * 16, dtype=np.uint8).reshape(8, 4, 4) * 2
    np.savez("mine.npz", x_train=images, y_train=np.arange(8) % 2, x_test=images[:4], y_test=np.arange(4) % 2)
    code, out, err = call(capsys, "show", "mine.npz", "--count", "2")
    assert (code, out) == (0, "mine-train.png\n")
    said = " ".join(err.split())
    for words in (
        "mine.npz: 8 training and 4 test images of 2 classes",
        "classes 0 4+2, 1 4+2 (training+test)",
        "split given: x_train, x_test",
        "warning 4 of 4 test images are among the training images too",
    ):
        assert words in said
    assert max(map(len, err.splitlines())) <= 80


def test_show_passes_over_what_cannot_be_read_when_asked(
    bare_machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a/0", "a/1", "b/0", "b/1"):
        Path(name).parent.mkdir(exist_ok=True)
        Image.fromarray(np.full((9, 9), 90 + len(name), np.uint8)).save(f"{name}.png")
    Path("b/broken.png").write_bytes(b"x")
    code, _, err = call(capsys, "show", ".", "--count", "2")
    assert (code, "go on without with --skip-unreadable" in err) == (2, True)
    code, _, err = call(capsys, "show", ".", "--count", "2", "--out", "s.png", "--skip-unreadable")
    assert (code, "passed over  1 unreadable: b/broken.png" in err) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "nothing"], "unknown dataset 'nothing'"),
        (["show", "mnist", "--split", "validation"], "unknown split 'validation'; choose one of train, test"),
        (["show", "mnist", "--count", "41"], "cannot take 41 of 40 images"),
        (["show", "mnist", "--count", "0"], "'--count'"),
        (["fetch"], "Missing argument"),
        (["fetch", "nothing"], "unknown dataset"),
    ],
)
def test_bad_input(
    small_mnist: SmallDataset,
    bare_machine: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    small_mnist.write_to(bare_machine / ".cache/edgemnist/datasets/mnist")
    code, out, err = call(capsys, *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert not list(bare_machine.glob("*.png"))


def test_sheet_that_cannot_be_written(
    small_mnist: SmallDataset, bare_machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small_mnist.write_to(bare_machine / ".cache/edgemnist/datasets/mnist")
    (bare_machine / "file").write_text("keep me")
    code, out, err = call(capsys, "show", "mnist", "--count", "10", "--out", "file/sheet.png")
    assert (code, out) == (3, "")
    assert "cannot write 'file/sheet.png'" in err
    assert (bare_machine / "file").read_text() == "keep me"


def test_pictures_are_dark_where_the_command_or_the_project_says_so(
    small_mnist: SmallDataset, bare_machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small_mnist.write_to(bare_machine / ".cache/edgemnist/datasets/mnist")
    grounds = []
    for options, project in (([], ""), (["--dark"], ""), ([], "dark = true\n"), ([], "")):
        Path("edgemnist.toml").write_text(project)
        assert call(capsys, "show", "mnist", "--count", "10", "--out", "sheet.png", *options)[0] == 0
        with Image.open("sheet.png") as sheet:
            grounds.append(sheet.convert("RGB").getpixel((0, 0)))
    assert grounds == [tuple(bytes.fromhex(one.paper[1:])) for one in (LIGHT, DARK, DARK, LIGHT)]
