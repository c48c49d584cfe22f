"""The Rust crate, built by Debian's cargo without a network: its tests pass, its example prints what is promised."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from edgemnist.compiler.generate import CodegenSettings, GeneratedModel, generate
from edgemnist.mcu.packages.build import package_firmware
from edgemnist.support.errors import InputError
from edgemnist.tflite.file import parse_tflite
from tests.compiler.test_operators_elements import byte_model, float_model
from tests.compiler.test_state import NETS
from tests.mcu.packaging import RUSTC, expected_output, generated, rust_linker, unpack, without_times
from tests.two_classes import two_class_net

CARGO = Path("/usr/bin/cargo")
CRATES = Path("/usr/share/cargo/registry")

needs_cargo = pytest.mark.skipif(
    not (CARGO.exists() and list(CRATES.glob("cc-*"))), reason="Debian's cargo or librust-cc-dev is not installed"
)
needs_rustc = pytest.mark.skipif(not RUSTC.exists(), reason="Debian's rustc is not installed")

SOURCE = f"""[source.crates-io]
replace-with = "system"
[source.system]
directory = "{CRATES}"
"""


def cargo(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run Debian's cargo, with crates from Debian's folder alone."""
    home = folder.parent / "home"
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text(SOURCE)
    environment = {**os.environ, "PATH": "/usr/bin:/bin", "CARGO_HOME": str(home), "RUSTFLAGS": "-D warnings"}
    environment = {key: value for key, value in environment.items() if key not in ("RUSTC", "RUSTUP_HOME")}
    return subprocess.run(
        [CARGO, *arguments, "--offline"], cwd=folder, env=environment, capture_output=True, check=False
    )


@pytest.fixture(scope="module")
def crate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The crate of C for any core."""
    return unpack("rust", tmp_path_factory.mktemp("rust"), model=generated(target="any"))


@needs_cargo
def test_cargo_test_and_the_example(crate: Path) -> None:
    """Golden vectors, every byte of the examples, the reset, the documentation's code; and a wrong byte is noticed."""
    done = cargo(crate, "test")
    said = done.stdout.decode()
    assert done.returncode == 0, said + done.stderr.decode()
    assert re.findall(r"(\d+) passed; 0 failed", said) == ["0", "4", "1"]

    ran = cargo(crate, "run", "--example", "classify")
    assert ran.returncode == 0, ran.stderr.decode()
    assert without_times(ran.stdout) == expected_output(crate)

    expected = crate / "tests" / "expected" / "mod.rs"
    right = expected.read_text()
    expected.write_text(re.sub(r"(OUTPUTS:.*?\[\n\[\n\s+)-?\d+", r"\g<1>99", right, flags=re.DOTALL))
    wrong = cargo(crate, "test", "--test", "network")
    expected.write_text(right)
    assert wrong.returncode != 0
    assert b"outputs_are_as_expected ... FAILED" in wrong.stdout


BYTES = (0.02, 128), (0.02, 0), (0.02, 100)


MODELS: dict[str, Callable[[], GeneratedModel]] = {
    "float": lambda: _of(float_model(0.05, 3, size=30)),
    "bytes": lambda: _of(byte_model(*BYTES)),
    "stream": lambda: _of(NETS["delay"].content),
    "two": lambda: generate(two_class_net(probability=True), CodegenSettings(name="shapes", labels=("no", "yes"))),
}


def _of(content: bytes) -> GeneratedModel:
    return generate(parse_tflite(content), CodegenSettings(name="shapes"))


@needs_rustc
@pytest.mark.parametrize("net", MODELS)
def test_every_kind_of_net_has_a_crate_without_warnings(net: str, tmp_path: Path) -> None:
    """`no_std`, a comment at every public item, glue that is clean C99, and tests that pass: a stream's state, too."""
    folder = unpack("rust", tmp_path, model=MODELS[net]())
    linker = rust_linker(folder)
    subprocess.run([*linker, "--test", "tests/network.rs"], cwd=folder, check=True)
    subprocess.run([*linker, "--emit", "metadata", "examples/classify.rs"], cwd=folder, check=True)

    subprocess.run([folder / "network"], check=True)
    text = (folder / "src" / "lib.rs").read_text()
    assert "#![no_std]" in text
    assert ("shapes_reset_in" in text) == (net == "stream")


@pytest.mark.parametrize("name", ["match", "core", "cc"])
def test_names_that_rust_has_already(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="rust has something of its own"):
        package_firmware("rust", generated(name), tmp_path / "crate.zip")
