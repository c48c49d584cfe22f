"""What is in a bundle, and what happens when it is damaged or can't be made."""

from __future__ import annotations

import ast
import configparser
import json
import shutil
import sys
import tarfile
from pathlib import Path

import pytest

from edgemnist import cli
from edgemnist.pi.bundle_programs import program_files
from edgemnist.pi.targets import TARGETS, UNSUPPORTED, find_target
from edgemnist.support.errors import InputError
from tests.oracles import needs
from tests.pi.conftest import Classify

pytestmark = needs("tflite-runtime-reference", "litert-default")


def _make(model: Path, out: Path, *more: str) -> int:
    return cli.run(["deploy", "pi", str(model), "--out", str(out), "--images", "20", *more])


def test_the_same_model_gives_the_same_bytes(real_models: Path, real_data: Path, tmp_path: Path) -> None:
    model = real_models / "compact_int8.tflite"
    assert _make(model, tmp_path / "a.tar.gz") == 0
    assert _make(model, tmp_path / "b.tar.gz") == 0
    assert (tmp_path / "a.tar.gz").read_bytes() == (tmp_path / "b.tar.gz").read_bytes()
    with tarfile.open(tmp_path / "a.tar.gz") as archive:
        names = archive.getnames()
        assert {entry.mtime for entry in archive} == {0}
    for name in ("classify.py", "install.sh", "model.tflite", "README.md", "requirements/bookworm-armv7.txt"):
        assert f"edgemnist-pi/{name}" in names


def test_json_says_what_was_written(
    real_models: Path, real_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _make(real_models / "compact_float.tflite", tmp_path / "bundle", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["images"] == 20
    assert "tflite-runtime 2.14.0 (reference kernels): close" in report["expected"]
    assert report["bytes"] == sum(file.stat().st_size for file in (tmp_path / "bundle").rglob("*") if file.is_file())


def test_without_wheels_it_is_below_200_kb_beside_the_model(real_models: Path, real_data: Path, tmp_path: Path) -> None:
    model, out = real_models / "compact_int8.tflite", tmp_path / "b.tar.gz"
    assert cli.run(["deploy", "pi", str(model), "--out", str(out)]) == 0
    assert out.stat().st_size - model.stat().st_size < 200_000


def test_an_older_bundle_is_replaced_and_nothing_else(real_models: Path, real_data: Path, tmp_path: Path) -> None:
    model, out = real_models / "compact_int8.tflite", tmp_path / "bundle"
    assert _make(model, out) == 0
    (out / "labels.txt").write_text("changed")
    assert _make(model, out) == 0
    assert (out / "labels.txt").read_text().startswith("0\n")
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]

    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    assert _make(model, mine) == 2
    assert (mine / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("out", ["b.zip", "b.tgz"])
def test_other_archives_are_refused(
    real_models: Path, tmp_path: Path, out: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _make(real_models / "compact_int8.tflite", tmp_path / out) == 2
    assert ".tar.gz" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--wheels", "trixie-armv7"], "no interpreter has a wheel for 32-bit Arm and Python 3.13"),
        (["--wheels", "bookworm-riscv64"], "hoose one of bookworm-aarch64"),
        (["--wheels", "bookworm-armv7", "--interpreter", "ai-edge-litert"], "it can have: tflite-runtime"),
        (["--interpreter", "ai-edge-litert"], "name the target with --wheels, --emulate or --to"),
        (["--dataset", "fashion"], "fashion"),
    ],
)
def test_wrong_choices_are_refused(
    real_models: Path,
    real_data: Path,
    tmp_path: Path,
    options: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert _make(real_models / "compact_int8.tflite", tmp_path / "bundle", *options) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_model_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "model.tflite"
    model.write_bytes(b"no model at all")
    assert _make(model, tmp_path / "bundle") == 2
    assert "not a TFLite file" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name",
    ["model.tflite", "manifest.json", "edgemnist_pi/service.py", "edgemnist/http/guard.py", "labels.txt", "SHA256SUMS"],
)
@pytest.mark.parametrize("how", ["missing", "cut"])
def test_a_half_copied_bundle_is_noticed(bundle: Path, tmp_path: Path, classify: Classify, name: str, how: str) -> None:
    copy = Path(shutil.copytree(bundle, tmp_path / "copy"))
    if how == "missing":
        (copy / name).unlink()
    else:
        (copy / name).write_bytes((bundle / name).read_bytes()[: (bundle / name).stat().st_size // 2])
    done = classify(copy, "--check")
    assert done.returncode == 3
    assert "copy" in done.stderr and "Traceback" not in done.stderr


def test_the_programs_are_written_for_the_oldest_python_of_a_target() -> None:
    oldest = min(target.release.python for target in TARGETS.values())
    for name, program in program_files().items():
        if program is None:
            assert name.endswith("/__init__.py")
            continue
        tree = ast.parse(program.read_text(), feature_version=oldest)
        keywords = {node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword)}
        assert "kw_only" not in keywords
        assert "strict" not in keywords or name == "edgemnist/data/images.py"  # in what draws sheets, not called there


def test_the_programs_need_no_more_than_a_bundle_installs() -> None:
    roots = set()
    for program in program_files().values():
        for node in ast.walk(ast.parse(program.read_text() if program else "")):
            if isinstance(node, ast.Import):
                roots |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                roots.add((node.module or "").split(".")[0])
    optional = {"tflite_runtime", "ai_edge_litert", "pillow_heif"}
    ours = {"edgemnist", "numpy", "PIL", "starlette", "uvicorn", "h11", "anyio"}
    assert roots - set(sys.stdlib_module_names) - optional == ours
    shared = {name.split("/")[1] for name in program_files() if name.startswith("edgemnist/")}
    assert shared == {"__init__.py", "data", "http", "support", "tflite"}
    tflite = {name for name in program_files() if name.startswith("edgemnist/tflite/")}
    assert tflite == {"edgemnist/tflite/__init__.py", "edgemnist/tflite/integers.py"}


def test_every_target_has_its_reasons() -> None:
    for name, target in TARGETS.items():
        assert find_target(name).interpreter() is target.interpreters[0]
        assert all(one.reason and one.requirements for one in target.interpreters)
    for name in UNSUPPORTED:
        with pytest.raises(InputError, match="cannot run the bundle"):
            find_target(name)


def test_the_service_starts_what_the_bundle_holds(bundle: Path) -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(bundle / "edgemnist-classify.service")
    assert unit["Service"]["DynamicUser"] == "yes"
    python, program, *options = unit["Service"]["ExecStart"].split()
    assert Path(program).name == "classify.py"
    assert str(Path(program).parent) in (bundle / "install.sh").read_text()
    assert python.startswith(f"{Path(program).parent}/.venv/")
    assert options == ["--serve", "--host", "${CLASSIFY_HOST}", "--port", "${CLASSIFY_PORT}", "$CLASSIFY_OPTIONS"]
    text = (bundle / "edgemnist-classify.service").read_text()
    assert "CLASSIFY_HOST=127.0.0.1 CLASSIFY_PORT=8080" in text
    assert unit["Service"]["IPAddressDeny"] == "any"
    assert "192.168.0.0/16" in unit["Service"]["IPAddressAllow"]
    assert unit["Service"]["MemoryMax"] == "256M"
