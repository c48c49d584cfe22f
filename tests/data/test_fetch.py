"""``edgemnist data fetch`` and the download that loading starts, against a server on this host."""

from __future__ import annotations

import gzip
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from edgemnist.data import mnist5k
from edgemnist.data.download import Patience
from edgemnist.data.fetch import fetch_datasets
from edgemnist.data.loading import load_dataset, load_for_run
from edgemnist.support.errors import DatasetError, MissingDependencyError, StorageError
from tests.data.conftest import ARRIVED, TELL_OF_ARRIVALS, SmallDataset, install_rows, shrink
from tests.data.server import MirrorServer
from tests.halting import halted

pytestmark = pytest.mark.unit

IMPATIENT = Patience(connect_seconds=0.5, silence_seconds=0.3)
CACHE = ".cache/edgemnist/datasets"


@pytest.fixture
def served_mnist(server: MirrorServer, bare_machine: Path, monkeypatch: pytest.MonkeyPatch) -> SmallDataset:
    """Return a small MNIST that is on a broken mirror, a good one and one that never answers."""
    mirrors = tuple(server.mirror(behaviour) for behaviour in ("fails", "good", "silent"))
    small = shrink("mnist", monkeypatch, mirrors)
    server.files.update(small.files)
    return small


def test_fetch_downloads_into_the_cache(served_mnist: SmallDataset, server: MirrorServer, bare_machine: Path) -> None:
    (fetched,) = fetch_datasets(["mnist"], IMPATIENT)
    assert fetched.where == bare_machine / CACHE / "mnist"
    assert fetched.downloaded == tuple(served_mnist.files)
    assert {path.name: path.read_bytes() for path in fetched.where.iterdir()} == served_mnist.files
    assert load_dataset("mnist", fetch=False).source == str(fetched.where)
    assert fetched.as_json()["downloaded"] == list(served_mnist.files)


def test_working_mirror_comes_first_from_then_on(served_mnist: SmallDataset, server: MirrorServer) -> None:
    fetch_datasets(["mnist"], IMPATIENT)
    assert [behaviour for behaviour, _ in server.requests] == ["fails", "good", "good", "good", "good"]


def test_second_fetch_downloads_nothing(served_mnist: SmallDataset, server: MirrorServer) -> None:
    fetch_datasets(["mnist"], IMPATIENT)
    server.requests.clear()
    (again,) = fetch_datasets(["mnist"], IMPATIENT)
    assert again.downloaded == ()
    assert server.requests == []


def test_fetch_replaces_what_was_damaged_in_the_cache(served_mnist: SmallDataset, bare_machine: Path) -> None:
    folder = served_mnist.write_to(bare_machine / CACHE / "mnist")
    (folder / "t10k-images-idx3-ubyte.gz").write_bytes(b"damaged")
    (fetched,) = fetch_datasets(["mnist"], IMPATIENT)
    assert fetched.downloaded == ("t10k-images-idx3-ubyte.gz",)
    assert load_dataset("mnist").note == ""


def test_fetch_leaves_other_places_alone(
    served_mnist: SmallDataset, server: MirrorServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = served_mnist.write_to(tmp_path / "sets/mnist")
    monkeypatch.setenv("EDGEMNIST_DATA", str(tmp_path / "sets"))
    (fetched,) = fetch_datasets(["mnist"], IMPATIENT)
    assert (fetched.where, fetched.downloaded) == (folder, ())
    assert server.requests == []


def test_loading_downloads_what_is_not_here(served_mnist: SmallDataset, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = load_dataset("mnist")
    assert len(dataset.train) == 40
    assert "downloading mnist into" in capsys.readouterr().err
    assert load_for_run().name == "mnist"


def test_auto_downloads_mnist(served_mnist: SmallDataset) -> None:
    assert load_for_run().name == "mnist"


def test_failed_download_names_mirrors_and_remedies(
    served_mnist: SmallDataset, server: MirrorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_rows(monkeypatch, replace(served_mnist.row, mirrors=(server.mirror("fails"), server.mirror("portal"))))
    with pytest.raises(DatasetError) as raised:
        load_dataset("mnist")
    for part in (server.mirror("fails"), server.mirror("portal"), "HTTP 500", "edgemnist data fetch mnist", "mnist-5k"):
        assert part in str(raised.value)


def test_unknown_name_is_refused_before_anything_is_downloaded(
    served_mnist: SmallDataset, server: MirrorServer
) -> None:
    with pytest.raises(DatasetError, match="unknown dataset 'mnits'"):
        fetch_datasets(["mnist", "mnits"], IMPATIENT)
    assert server.requests == []


def test_mnist_5k_is_installed_not_fetched(bare_machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (fetched,) = fetch_datasets(["mnist-5k"])
    assert fetched.where.name == "mnist_5k.csv.gz"
    monkeypatch.setattr(mnist5k, "_PACKAGE", "no-such-package-here")
    with pytest.raises(MissingDependencyError, match="pip install"):
        fetch_datasets(["mnist-5k"])


def test_cache_that_cannot_be_written(
    served_mnist: SmallDataset, bare_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bare_machine / "file").write_text("x")
    monkeypatch.setenv("EDGEMNIST_CACHE", str(bare_machine / "file"))
    with pytest.raises(StorageError, match="choose another folder"):
        fetch_datasets(["mnist"], IMPATIENT)
    assert load_for_run().name == "mnist-5k"


def test_ctrl_c_leaves_no_half_dataset(
    served_mnist: SmallDataset, server: MirrorServer, bare_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = replace(served_mnist.row, mirrors=(server.mirror("falls_silent"),))
    known = (
        "from edgemnist.data import registry; from edgemnist.data.registry import *; "
        f"registry.KNOWN_DATASETS = ({row!r},)"
    )
    with halted(["data", "fetch", "mnist"], ARRIVED, f"{TELL_OF_ARRIVALS}\n{known}") as process:
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate()
    assert process.returncode == 130
    assert output == ""
    assert "Traceback" not in errors
    assert "interrupted" in errors
    assert [path.name for path in (bare_machine / CACHE / "mnist").iterdir()] == ["train-images-idx3-ubyte.gz.part"]
    install_rows(monkeypatch, replace(row, mirrors=(server.mirror("good"),)))
    fetch_datasets(["mnist"], IMPATIENT)
    assert server.ranges("good")[0] == "bytes=10-"
    assert gzip.decompress((bare_machine / CACHE / "mnist/train-images-idx3-ubyte.gz").read_bytes())
