"""What is installed is written down file by file, and that is up to date with pyproject.toml."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import re
from types import ModuleType

import distributions
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from edgemnist.pi.targets import TARGETS, Interpreter, Target
from edgemnist.pi.wheels import locked_requirements

pytestmark = pytest.mark.unit

LOCKED = distributions.REPOSITORY / "scripts" / "locked"
SETS = sorted(path.stem for path in LOCKED.glob("*.txt"))
PLACES = [(target, interpreter) for target in TARGETS.values() for interpreter in target.interpreters]


def load_lock() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("lock", str(distributions.REPOSITORY / "scripts" / "lock"))
    spec = importlib.util.spec_from_loader("lock", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


LOCK = load_lock()


def entries(text: str) -> list[tuple[Requirement, int]]:
    """Return every requirement of a locked file and how many hashes it has."""
    lines = re.sub(r"\s*\\\n\s*", " ", text).splitlines()
    found = [line.split(" --hash=sha256:") for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for entry in found for digest in entry[1:])
    return [(Requirement(entry[0]), len(entry) - 1) for entry in found]


@pytest.mark.parametrize("name", SETS)
def test_every_version_is_pinned_and_has_hashes(name: str) -> None:
    locked = entries((LOCKED / f"{name}.txt").read_text())
    assert len(locked) > 10
    assert all(re.fullmatch(r"==[\w.!+]+", str(one.specifier)) and hashes for one, hashes in locked)


@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13"])
@pytest.mark.parametrize("name", LOCK.SETS)
def test_what_pyproject_asks_for_is_locked(name: str, python: str) -> None:
    """On Linux, for each Python: exactly one version, and one that is allowed."""
    here = {
        "python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux",
        "platform_machine": "x86_64", "platform_python_implementation": "CPython", "implementation_name": "cpython",
    }  # fmt: skip
    versions: dict[str, list[str]] = {}
    for one, _ in entries((LOCKED / f"{name}.txt").read_text()):
        if one.marker is None or one.marker.evaluate(here):
            versions.setdefault(canonicalize_name(one.name), []).append(str(one.specifier)[2:])
    assert not {package: several for package, several in versions.items() if len(several) > 1}
    for wanted in asked_for(LOCK.SETS[name]):
        if wanted.marker is None or wanted.marker.evaluate(here):
            (version,) = versions.get(canonicalize_name(wanted.name), ["nothing"])
            assert wanted.specifier.contains(version, prereleases=True), f"{wanted}: run scripts/lock"


def asked_for(extras: tuple[str, ...]) -> list[Requirement]:
    project = distributions.project_file(distributions.REPOSITORY)["project"]
    lines, waiting = list(project["dependencies"]), list(extras)
    while waiting:
        for line in project["optional-dependencies"][waiting.pop()]:
            one = Requirement(line)
            if one.name == "edgemnist":
                waiting += one.extras
            else:
                lines.append(line)
    return [*map(Requirement, lines), *map(Requirement, distributions.build_requirements(distributions.REPOSITORY))]


def test_the_constraints_are_the_same_versions() -> None:
    assert LOCK.CONSTRAINTS.read_text() == LOCK.constraints((LOCKED / "test.txt").read_text())


def test_no_other_set_has_another_version() -> None:
    known = {line.split(" ;")[0] for line in LOCK.CONSTRAINTS.read_text().splitlines()}
    for name in ("base", "check"):
        others = {f"{one.name}{one.specifier}" for one, _ in entries((LOCKED / f"{name}.txt").read_text())} - known
        assert not others, f"{name}: run scripts/lock"


@pytest.mark.parametrize(("target", "interpreter"), PLACES, ids=[f"{a.name}-{b.package}" for a, b in PLACES])
def test_a_pi_gets_the_one_wheel_that_fits(target: Target, interpreter: Interpreter) -> None:
    locked = entries(locked_requirements(target, interpreter))
    assert all(hashes == 1 for _, hashes in locked)
    versions = {canonicalize_name(one.name): str(one.specifier)[2:] for one, _ in locked}
    for line in interpreter.requirements:
        wanted = Requirement(line)
        assert wanted.specifier.contains(versions[canonicalize_name(wanted.name)]), f"{line}: run scripts/lock"
    assert ("numpy" in versions) != ("python3-numpy" in target.debian_packages)


def test_scripts_install_nothing_else() -> None:
    """Whatever a script of the shell installs, its hash is asked for, or it is edgemnist itself."""
    for path in (distributions.REPOSITORY / "scripts").iterdir():
        text = path.read_text() if path.is_file() else ""
        if not text.startswith("#!/usr/bin/env bash") and path.name != "environment":
            continue
        for command in re.findall(r"pip\b[^\n]* install (?:[^\n]*\\\n)*[^\n]*", text):
            assert "--require-hashes" in command or "--no-deps" in command, f"{path.name}: {command}"
