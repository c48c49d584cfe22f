"""The table of known datasets holds together."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from edgemnist.data.published import KnownDataset
from edgemnist.data.registry import find_dataset, known_dataset, known_datasets
from edgemnist.support.errors import DatasetError

pytestmark = pytest.mark.unit

NAMES = [row.name for row in known_datasets()]
every_row = pytest.mark.parametrize("row", known_datasets(), ids=lambda row: row.name)


def test_names_are_told_apart() -> None:
    assert {"mnist", "mnist-5k"} < set(NAMES)  # what `edgemnist run` takes by default
    assert len(set(NAMES)) == len(NAMES)


@every_row
def test_row_is_complete(row: KnownDataset) -> None:
    assert row.description
    assert row.licence
    assert len(set(row.class_names)) == len(row.class_names) >= 10
    assert row.train_count > row.test_count > 0 or row.name == "qmnist"
    assert not (row.layout and row.binary)
    assert (
        bool(row.files)
        == bool(row.layout or row.binary)
        == bool(row.mirrors)
        == bool(row.folders)
        == (row.name != "mnist-5k")
    )


@every_row
def test_files_have_checksums_and_several_addresses(row: KnownDataset) -> None:
    for file in row.files:
        assert re.fullmatch(r"[0-9a-f]{32}", file.md5)
        assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
        assert re.fullmatch(r"([0-9a-f]{32})?", file.content_md5)
        assert len(row.mirrors) >= 2
    for mirror in row.mirrors:
        assert urlsplit(mirror).scheme in ("http", "https")
        assert mirror.endswith("/")
        assert "lecun" not in mirror


@every_row
def test_downloaded_files_are_those_that_the_layout_names(row: KnownDataset) -> None:
    names = {file.name for file in row.files}
    if row.layout is not None and names != {"gzip.zip"}:
        assert names == {f"{name}.gz" for name in row.layout.names}


@pytest.mark.parametrize(("name", "classes"), [("balanced", 47), ("letters", 26), ("digits", 10), ("byclass", 62)])
def test_emnist_classes(name: str, classes: int) -> None:
    """Class counts from Cohen et al., EMNIST: an extension of MNIST to handwritten letters, table II."""
    assert len(find_dataset(f"emnist-{name}").class_names) == classes


def test_find() -> None:
    assert known_dataset("nothing") is None
    assert find_dataset("qmnist").name == "qmnist"


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("fashion_mnist", "fashion-mnist"), ("MNIST", "mnist"), ("emnist-ballanced", "emnist-balanced")],
)
def test_unknown_name_suggests_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(
        DatasetError, match=f"unknown dataset '{name}'; did you mean '{nearest}'.*Choose one of mnist, .*path"
    ):
        find_dataset(name)


def test_unknown_name_lists_all() -> None:
    with pytest.raises(DatasetError) as raised:
        find_dataset("zzzzzz")
    assert all(name in str(raised.value) for name in NAMES)
    assert "did you mean" not in str(raised.value)
