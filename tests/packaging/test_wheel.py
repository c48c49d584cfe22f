"""The wheel, the source archive, an editable install and a checkout without links: each is a whole edgemnist."""

from __future__ import annotations

import os
import subprocess
import tarfile
import zipfile
from pathlib import Path

import distributions
import pytest
from distributions import REPOSITORY, Distributions

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for PYTHONPATH with what a build needs."""
    return distributions.install_builder(tmp_path_factory.mktemp("builder"))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, builder: Path) -> Distributions:
    """Return the wheel and the source archive of this checkout."""
    folder = tmp_path_factory.mktemp("built")
    return distributions.build(distributions.copy_tree(REPOSITORY, folder / "tree"), builder, folder / "out")


def install(wheel: Path, folder: Path) -> Path:
    """Install a wheel in a fresh environment that borrows the dependencies, and return its Python."""
    python = distributions.make_environment(folder / "environment", borrow=True)
    distributions.pip(str(python), "install", "--no-deps", str(wheel))
    return python


def try_out(python: Path, folder: Path) -> None:
    """Run the installed edgemnist in a folder of its own."""
    folder.mkdir()
    distributions.smoke_test(python, folder)


def test_both_archives_have_every_file_of_the_package(built: Distributions) -> None:
    assert distributions.missing_files(REPOSITORY, built) == []


def test_a_missing_file_is_noticed(built: Distributions, tmp_path: Path) -> None:
    lame = tmp_path / built.wheel.name
    kernel = "edgemnist/firmware/kernels/em_softmax.h"
    with zipfile.ZipFile(built.wheel) as whole, zipfile.ZipFile(lame, "w") as archive:
        for name in whole.namelist():
            archive.writestr(name.replace(kernel, "edgemnist/left_over.txt"), whole.read(name))
    lines = distributions.missing_files(REPOSITORY, Distributions(lame, built.source))
    assert lines == [
        "not in the wheel: firmware/kernels/em_softmax.h", "in the wheel, not in git: edgemnist/left_over.txt",
    ]  # fmt: skip


def test_the_source_archive_builds_the_same_wheel_byte_for_byte(
    built: Distributions, builder: Path, tmp_path: Path
) -> None:
    again = distributions.build(
        distributions.unpack_source(built.source, tmp_path / "unpacked"), builder, tmp_path / "out"
    )
    assert again.wheel.read_bytes() == built.wheel.read_bytes()


def test_another_folder_umask_and_time_give_the_same_bytes(built: Distributions, builder: Path, tmp_path: Path) -> None:
    tree = distributions.copy_tree(REPOSITORY, tmp_path / "elsewhere")
    for path in tree.rglob("*"):
        os.utime(path, (2_000_000_000, 2_000_000_000))
        path.chmod(path.stat().st_mode & 0o700)
    before = os.umask(0o077)
    try:
        again = distributions.build(tree, builder, tmp_path / "out")
    finally:
        os.umask(before)
    assert again.wheel.read_bytes() == built.wheel.read_bytes()
    assert again.source.read_bytes() == built.source.read_bytes()


def test_the_time_in_the_archives_is_the_one_that_is_asked_for(
    builder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    dated = distributions.build(distributions.copy_tree(REPOSITORY, tmp_path / "tree"), builder, tmp_path / "out")
    with zipfile.ZipFile(dated.wheel) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(2023, 11, 14, 22, 13, 20)}
    with tarfile.open(dated.source) as archive:
        assert {entry.mtime for entry in archive} == {1_700_000_000}


def test_the_wheel_works_outside_the_checkout(built: Distributions, tmp_path: Path) -> None:
    try_out(install(built.wheel, tmp_path), tmp_path / "work")


def test_an_editable_checkout_without_links_works(builder: Path, tmp_path: Path) -> None:
    """Where git makes no links, as on Windows, a link becomes a text file."""
    tree = distributions.copy_tree(REPOSITORY, tmp_path / "tree")
    who = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    for command in (["init", "--quiet"], ["add", "--all", "--force"], [*who, "commit", "--quiet", "-m", "all"]):
        subprocess.run(["git", *command], cwd=tree, check=True)
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", "-c", "core.symlinks=false", str(tree), str(clone)], check=True)
    wheel = distributions.build_editable(clone, builder, tmp_path / "out")
    try_out(install(wheel, tmp_path), tmp_path / "work")


def test_the_licence_beside_the_c_sources_is_the_licence() -> None:
    assert (REPOSITORY / "firmware" / "LICENSE").read_bytes() == (REPOSITORY / "LICENSE").read_bytes()
