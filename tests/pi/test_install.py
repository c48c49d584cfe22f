"""Wheelhouses, and what install.sh refuses; that it installs is in ``test_remote``, which has a machine to do it on."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.deploy.pi import BundleSettings, make_bundle
from edgemnist.pi.targets import find_target
from edgemnist.pi.wheels import verify_wheelhouse, wheelhouse
from edgemnist.support.errors import InputError
from tests.oracles import needs

pytestmark = needs("tflite-runtime-reference", "litert-default")

HERE = "bookworm-x86_64"


@pytest.fixture(scope="module")
def with_wheels(real_models: Path, real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a bundle with the wheels for a computer like this one; not to be changed."""
    out = tmp_path_factory.mktemp("bundle") / "edgemnist-pi"
    bundle = make_bundle(
        BundleSettings(model=real_models / "compact_int8.tflite", out=out, wheels=HERE), WorkFolder(out.parent)
    )
    assert bundle.wheel_bytes > 5_000_000
    return out


def _install(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    offline = {"PATH": "/usr/bin:/bin", "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": "/dev/null"}
    command = ["sh", str(folder / "install.sh"), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False, env=offline)


def test_a_broken_wheelhouse_is_noticed(with_wheels: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(with_wheels, tmp_path / "copy"))
    wheel = next((copy / "wheels").glob("numpy*.whl"))
    wheel.write_bytes(wheel.read_bytes()[:1000])
    done = _install(copy, "--target", HERE, "--python", sys.executable)
    assert done.returncode == 3
    assert "damaged or half copied" in done.stderr and wheel.name in done.stderr
    assert not (copy / ".venv").exists()


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--target", "trixie-armv7"], 3, "no interpreter has a wheel for 32-bit Arm and Python 3.13"),
        (["--target", "buster-mips"], 3, "does not run on buster-mips"),
        (["--target", "bookworm-armv7", "--interpreter", "ai-edge-litert"], 3, "with ai-edge-litert"),
        (["--target", "trixie-aarch64", "--python", sys.executable], 3, "trixie-aarch64 has Python 3.13"),
        (["--target"], 2, "needs a value"),
        (["--fast"], 2, "unknown option --fast"),
    ],
)
def test_what_it_refuses(bundle: Path, options: list[str], code: int, message: str) -> None:
    done = _install(bundle, *options)
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr
    assert not (bundle / ".venv").exists()


def test_a_damaged_wheelhouse_in_the_cache_is_fetched_again(with_wheels: Path) -> None:
    target = find_target(HERE)
    folder = wheelhouse(target, target.interpreter())
    wheel = next(folder.glob("tflite_runtime*.whl"))
    whole = wheel.read_bytes()
    wheel.write_bytes(whole[:1000])
    with pytest.raises(InputError, match="is broken"):
        verify_wheelhouse(folder)
    assert wheelhouse(target, target.interpreter()) == folder
    assert wheel.read_bytes() == whole
