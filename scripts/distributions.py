"""Builds edgemnist's wheel and source archive, and says what is missing in them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

REPOSITORY = Path(__file__).resolve().parents[1]
MODEL = REPOSITORY / "tests" / "golden" / "convert" / "tiny_int8.tflite"

# What a checkout's folders become where edgemnist is installed.
_INSTALLED = {"edgemnist": "edgemnist", "firmware": "edgemnist/firmware"}


@dataclass(frozen=True)
class Distributions:
    """A wheel and a source archive of the same tree."""

    wheel: Path
    source: Path

    def wheel_files(self) -> frozenset[str]:
        """Return the wheel's files without its metadata."""
        with zipfile.ZipFile(self.wheel) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
        return frozenset(name for name in names if not PurePosixPath(name).parts[0].endswith(".dist-info"))

    def source_files(self) -> frozenset[str]:
        """Return the source archive's files, by their path in its one folder."""
        with tarfile.open(self.source) as archive:
            names = [PurePosixPath(member.name) for member in archive.getmembers() if member.isfile()]
        return frozenset(str(PurePosixPath(*name.parts[1:])) for name in names)


def git_files(repository: Path) -> list[str]:
    """Return the files of a checkout that git has or would take, by their path with ``/``, sorted."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=repository, capture_output=True, check=True).stdout.decode().split("\0")
    return sorted({name for name in listed if name and os.path.lexists(repository / name)})


def copy_tree(repository: Path, folder: Path) -> Path:
    """Copy what git has of a checkout into a folder, so that a build finds and leaves nothing else; return it.

    Links stay links.
    """
    for name in git_files(repository):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(repository / name, target, follow_symlinks=False)
    return folder


def build_requirements(repository: Path) -> list[str]:
    """Return what pyproject.toml needs for a build, as pip takes it."""
    return list(project_file(repository)["build-system"]["requires"])


def project_file(repository: Path) -> dict[str, Any]:
    """Return the content of pyproject.toml."""
    return tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))


def install_builder(folder: Path) -> Path:
    """Install what a build needs into a folder for PYTHONPATH, from pip's own index; return it."""
    pip(sys.executable, "install", "--target", str(folder), *build_requirements(REPOSITORY))
    return folder


def build(tree: Path, builder: Path, out: Path) -> Distributions:
    """Build both archives of a copied tree with what :func:`install_builder` installed."""
    return Distributions(*(out / _call_backend(tree, builder, out, f"build_{kind}") for kind in ("wheel", "sdist")))


def build_editable(tree: Path, builder: Path, out: Path) -> Path:
    """Build the wheel that ``pip install --editable`` installs."""
    return out / _call_backend(tree, builder, out, "build_editable")


def unpack_source(source: Path, folder: Path) -> Path:
    """Unpack a source archive into a new folder and return the folder in it."""
    with tarfile.open(source) as archive:
        archive.extractall(folder, filter="data")
    (tree,) = folder.iterdir()
    return tree


def _call_backend(tree: Path, builder: Path, out: Path, hook: str) -> str:
    out.mkdir(parents=True, exist_ok=True)
    code = f"import setuptools.build_meta as backend; print(); print(backend.{hook}({str(out)!r}))"
    environment = {**os.environ, "PYTHONPATH": str(builder)}
    return run([sys.executable, "-c", code], cwd=tree, environment=environment).splitlines()[-1]


def missing_files(repository: Path, built: Distributions) -> list[str]:
    """Return a line for each file of the package that is not in an archive, or is in the wheel and not in git."""
    ours = [name for name in git_files(repository) if not PurePosixPath(name).name.startswith(".")]
    wanted = {name: _installed_name(name) for name in ours if name.split("/")[0] in _INSTALLED}
    in_wheel, in_source = built.wheel_files(), built.source_files()
    lines = [f"not in the wheel: {name}" for name, installed in wanted.items() if installed not in in_wheel]
    lines += [f"not in the source archive: {name}" for name in wanted if name not in in_source]
    return lines + [f"in the wheel, not in git: {name}" for name in sorted(in_wheel - set(wanted.values()))]


def _installed_name(name: str) -> str:
    top, _, rest = name.partition("/")
    return f"{_INSTALLED[top]}/{rest}"


def make_environment(folder: Path, *, borrow: bool) -> Path:
    """Make a virtual environment and return its Python.

    With ``borrow`` it finds the packages of the Python that runs this: quick, but no proof that the wheel's
    requirements are enough. What is installed in the environment itself comes first.
    """
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if borrow:
        site = run([str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).strip()
        found = [path for path in sys.path if path.rstrip("/\\").endswith(("site-packages", "dist-packages"))]
        (Path(site) / "borrowed.pth").write_text("\n".join(found) + "\n", encoding="utf-8")
    return python


def smoke_test(python: Path, folder: Path) -> None:
    """Run an installed edgemnist in a folder outside the checkout: version, help, boards, inspect, codegen.

    :raises RuntimeError: a command fails, or does not do its work.
    """
    edgemnist = [str(python), "-I", "-m", "edgemnist"]
    model = shutil.copy(MODEL, folder / "model.tflite")
    answers = {
        arguments[0]: run([*edgemnist, *arguments], cwd=folder)
        for arguments in (
            ["--version"], ["--help"], ["boards"], ["inspect", model], ["codegen", model, "--out", "c"],
        )
    }  # fmt: skip
    for command, word in (("--help", "codegen"), ("boards", "microbit"), ("inspect", "CONV_2D")):
        if word not in answers[command]:
            raise RuntimeError(f"edgemnist {command} does not name {word}:\n{answers[command]}")
    if not list((folder / "c").glob("em_*.h")):
        raise RuntimeError("edgemnist codegen wrote no kernels")


def pip(python: str, *arguments: str) -> None:
    """Run this Python's pip for a Python."""
    run([sys.executable, "-m", "pip", "--python", python, *arguments, "--quiet", "--disable-pip-version-check"])


def run(command: list[str], cwd: Path | None = None, environment: dict[str, str] | None = None) -> str:
    """Run a command and return its output.

    :raises RuntimeError: its exit code is not 0; with all that it wrote.
    """
    if environment is None:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout
