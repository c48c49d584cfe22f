"""The reference is what the code says today, and nothing that it lists is without an explanation."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import distributions
import pytest
import reference_pages
from reference_pages.commands import commands
from reference_pages.operators import body_macros, kernels
from reference_pages.process import DEVELOPMENT
from reference_pages.text import first_sentence

from edgemnist.compiler.lowering import lower
from edgemnist.compiler.ops import OPERATORS
from edgemnist.compiler.ops.base import LoweringSettings
from edgemnist.compiler.passes import FUSIONS, optimise
from edgemnist.compiler.reader import read_graph
from edgemnist.compiler.targets import TARGETS
from edgemnist.onnx.registry import operators as onnx_operators
from edgemnist.runner.registry import runtimes
from edgemnist.support import environment
from edgemnist.support.environment import VARIABLES, Variable
from edgemnist.tflite.file import parse_tflite
from tests.compiler.test_operators_arithmetic import KINDS, table
from tests.compiler.test_operators_elements import TABLE as ELEMENTS
from tests.compiler.test_operators_mean import TABLE as MEANS
from tests.compiler.test_operators_movement import TABLE as MOVEMENTS

REPOSITORY = distributions.REPOSITORY
SCRIPT = REPOSITORY / "scripts" / "reference"
COMMANDS = commands()
PARAMETERS = [
    pytest.param(parameter, id=f"{command.path} {parameter.name}")
    for command in COMMANDS
    for kind in ("argument", "option")
    for parameter in command.parameters(kind)
]


def test_the_reference_is_up_to_date_and_has_no_other_file() -> None:
    assert reference_pages.stale_files(reference_pages.FOLDER) == [], "run scripts/reference"


def test_what_is_stale_is_named_and_mended(tmp_path: Path) -> None:
    folder = shutil.copytree(reference_pages.FOLDER, tmp_path / "reference")
    (folder / "boards.md").write_text("old")
    (folder / "runtimes.md").unlink()
    (folder / "left-over.md").write_text("x")
    stale = ["boards.md", "left-over.md", "runtimes.md"]
    assert reference_pages.stale_files(folder) == stale
    assert reference_pages.write(folder) == stale
    assert reference_pages.stale_files(folder) == []


def test_every_file_says_who_wrote_it() -> None:
    texts = reference_pages.pages()
    assert all(text.startswith(reference_pages.FIRST_LINE) for name, text in texts.items() if name.endswith(".md"))
    assert all(reference_pages.WRITTEN_BY in text for text in texts.values())
    assert "scripts/reference" in reference_pages.WRITTEN_BY


def test_neither_terminal_nor_extras_nor_hash_seed_matter() -> None:
    """The script finds nothing stale where no optional package can be imported, in a narrow terminal."""
    code = (
        "import runpy, sys\n"
        "absent = {'tensorflow', 'tf_keras', 'torch', 'onnx', 'onnxruntime', 'tflite_runtime', 'ai_edge_litert',\n"
        "          'tflite_micro', 'mlflow', 'mlxtend', 'matplotlib', 'jinja2', 'unicorn', 'capstone',\n"
        "          'elftools', 'serial', 'fastapi', 'starlette', 'uvicorn', 'prometheus_client'}\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in absent: raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Refuse())\n"
        f"sys.argv = [{str(SCRIPT)!r}, '--check']\n"
        "sys.path.insert(0, 'scripts')\n"
        f"runpy.run_path({str(SCRIPT)!r}, run_name='__main__')\n"
    )
    narrow = {**os.environ, "COLUMNS": "40", "TERMINAL_WIDTH": "40", "PYTHONHASHSEED": "7", "LC_ALL": "C"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, env=narrow, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.path)
def test_every_command_is_explained(command: Any) -> None:
    assert command.help


@pytest.mark.parametrize("parameter", PARAMETERS)
def test_every_argument_and_option_is_explained(parameter: Any) -> None:
    assert (parameter.help or "").strip()


@pytest.mark.parametrize("kind", sorted(OPERATORS))
def test_every_operator_is_explained(kind: str) -> None:
    assert first_sentence(type(OPERATORS[kind]))


def test_every_fusion_onnx_operator_and_runtime_is_explained() -> None:
    every = {**FUSIONS, **onnx_operators()}
    modules = {name: sys.modules[type(one).__module__] for name, one in runtimes().items()}
    assert [name for name, one in {**every, **modules}.items() if not first_sentence(one)] == []


def lowered_models() -> dict[str, bytes]:
    """Return models that between them have most operators, by name."""
    arithmetic = {f"{kind} {name}": content for kind in KINDS for name, content in table(kind).items()}
    return {"tiny": distributions.MODEL.read_bytes(), **arithmetic, **ELEMENTS, **MEANS, **MOVEMENTS}


def test_the_kernels_listed_are_those_that_are_called() -> None:
    called: dict[str, set[str]] = {}
    for content in lowered_models().values():
        for step in lower(optimise(read_graph(parse_tflite(content))), LoweringSettings()).steps:
            called.setdefault(step.node.kind, set()).add(step.header)
    listed = {kind: set(kernels(OPERATORS[kind])) for kind in called}
    assert len(called) > 15
    assert {kind: headers - listed[kind] for kind, headers in called.items() if headers - listed[kind]} == {}
    assert {kind for kind, one in OPERATORS.items() if not kernels(one)} == {
        "RESHAPE", "SQUEEZE", "EXPAND_DIMS", "FLOAT_ADD_N",
    }  # fmt: skip


def test_every_body_of_a_target_belongs_to_an_operator() -> None:
    wanted = {macro for target in TARGETS.values() for macro in target.bodies}
    assert wanted == {macro for one in OPERATORS.values() for macro in body_macros(kernels(one))}


def texts(*folders: str) -> dict[str, str]:
    """Return the text of every file in folders of the repository, by path."""
    names = [name for name in distributions.git_files(REPOSITORY) if name.startswith(folders)]
    return {name: (REPOSITORY / name).read_text(encoding="utf-8", errors="ignore") for name in names}


def variables_in(found: dict[str, str]) -> dict[str, str]:
    """Return edgemnist's variables that texts name, each with one of the files."""
    return {name: path for path, text in found.items() for name in re.findall(r"\bEDGEMNIST_[A-Z0-9_]*[A-Z0-9]", text)}


def test_every_variable_is_in_the_registry() -> None:
    product, all_of_it = {one.name for one in VARIABLES}, {one.name for one in (*VARIABLES, *DEVELOPMENT)}
    read = variables_in(texts("edgemnist/"))
    assert {name: path for name, path in read.items() if name not in product} == {}
    named = variables_in(texts("edgemnist/", "firmware/", "scripts/", "tests/", ".ci/", ".github/"))
    assert {name: path for name, path in named.items() if name not in all_of_it} == {}


def test_every_variable_in_the_registry_is_read() -> None:
    package = "\n".join(texts("edgemnist/").values())
    known = {name: one for name, one in vars(environment).items() if isinstance(one, Variable)}
    assert set(known.values()) == set(VARIABLES)
    assert [name for name in known if not re.search(rf"\b{name}\.(text|folder)\(", package)] == []
    elsewhere = variables_in(
        {path: text for path, text in texts("scripts/", "tests/").items() if "scripts/reference_pages/" not in path}
    )
    assert {one.name for one in DEVELOPMENT} <= set(elsewhere)


def test_only_the_registry_reads_the_environment() -> None:
    reads = re.compile(r"environ\.get\(|getenv\(|environ\[[^\]]+\](?!\s*=[^=])")
    readers = {path for path, text in texts("edgemnist/").items() if reads.search(text)}
    assert readers == {"edgemnist/support/environment.py"}
