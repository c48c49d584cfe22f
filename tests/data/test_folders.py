"""Folders as people download them: splits under many names, wrappers, litter, nested classes; or a clear refusal."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgemnist.data.folders import find_pictures
from edgemnist.support.errors import DatasetError

pytestmark = pytest.mark.unit


def make(root: Path, *paths: str) -> Path:
    """Make empty files; ``a/3`` makes three pictures in ``a``. Nothing reads them."""
    for path in paths:
        folder, _, count = path.rpartition("/")
        files = [f"{number}.png" for number in range(int(count))] if count.isdigit() else [count]
        (root / folder).mkdir(parents=True, exist_ok=True)
        for name in files:
            if name:
                (root / folder / name).touch()
    return root


def counts(root: Path) -> tuple[int, int]:
    """Return how many pictures are for training and for testing; (n, 0) where a test split is to be divided off."""
    found = find_pictures(root)
    return len(found.train), len(found.test)


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [
        ("train", "val", "test"), ("Training", "Validation", "Testing"), ("TRAIN", "valid", "TEST"),
        ("training_set", "dev", "test_set"), ("seg_train", "seg_val", "seg_test"),
        ("train data", "val data", "test-data"), ("trainingSet", "ValSet", "testSet"),
    ],
)  # fmt: skip
def test_splits_by_every_name(tmp_path: Path, train: str, validation: str, test: str) -> None:
    make(tmp_path / "two", f"{train}/a/3", f"{train}/b/3", f"{test}/a/1", f"{test}/b/1")
    assert counts(tmp_path / "two") == (6, 2)
    make(tmp_path / "val", f"{train}/a/3", f"{train}/b/3", f"{validation}/a/1", f"{validation}/b/1")
    assert counts(tmp_path / "val") == (6, 2)
    assert f"{validation}/ is the test split, as there is no other" in find_pictures(tmp_path / "val").how
    make(tmp_path / "all", *(f"{part}/{name}/2" for part in (train, validation, test) for name in "ab"))
    found = find_pictures(tmp_path / "all")
    assert (len(found.train), len(found.test)) == (8, 4), "no picture is lost"
    assert f"{validation}/ is trained on" in found.remarks[0]
    assert found.class_names == ("a", "b")


@pytest.mark.parametrize("wrapper", ["data", "data/inner", "dataset/images/all", "train"])
def test_single_folders_around_everything_are_entered(tmp_path: Path, wrapper: str) -> None:
    make(tmp_path, f"{wrapper}/a/2", f"{wrapper}/b/2", "__MACOSX/data/a/2", "README.md")
    found = find_pictures(tmp_path)
    assert (len(found.train), found.class_names) == (4, ("a", "b"))
    assert repr(wrapper) in found.remarks[0]


def test_a_split_may_be_wrapped_again(tmp_path: Path) -> None:
    make(tmp_path, *(f"{part}/{part}/{name}/2" for part in ("training_set", "test_set") for name in ("cats", "dogs")))
    assert counts(tmp_path) == (4, 4)


def test_sub_folders_of_classes_belong_to_the_class(tmp_path: Path) -> None:
    make(tmp_path, "disc/a/3", "disc/b/2", "box/1", "box/deep/er/4")
    found = find_pictures(tmp_path)
    assert [found.class_names[label] for _, label in found.train] == ["box"] * 5 + ["disc"] * 5
    assert found.remarks == (
        "4 pictures in sub-folders of box/ (er) were taken as its own",
        "5 pictures in sub-folders of disc/ (a, b) were taken as its own",
    )


def test_splits_inside_the_classes(tmp_path: Path) -> None:
    make(tmp_path, *(f"{name}/{part}/{count}" for name in "ab" for part, count in (("train", 3), ("test", 2))))
    found = find_pictures(tmp_path)
    assert (len(found.train), len(found.test), found.class_names) == (6, 4, ("a", "b"))
    assert found.how == "given: */train/, */test/"


@pytest.mark.parametrize("names", [("train", "bus", "car"), ("valid", "invalid"), ("test", "a")])
def test_classes_may_be_called_like_splits(tmp_path: Path, names: tuple[str, ...]) -> None:
    make(tmp_path, *(f"{name}/2" for name in names))
    assert find_pictures(tmp_path).class_names == tuple(sorted(names))


def test_what_is_passed_over_is_counted_with_the_reason(tmp_path: Path) -> None:
    make(tmp_path, "train/a/2", "train/b/2", "test/a/1", "test/b/1", "train/a/._0.png", "train/.DS_Store", "other/9",
         "train/a/clip.mp4", "train/loose.png", "train/b/shot.avif", "cover.jpg", "train/b/Thumbs.db")  # fmt: skip
    found = find_pictures(tmp_path)
    assert (len(found.train), len(found.test)) == (4, 2)
    assert {one.reason: one.count for one in found.passed_over} == {
        "hidden, or left by a system": 3,
        "no pictures by their names": 1,
        "beside the class folders": 1,
        ".avif pictures, which are not read: save them as .png or .jpg": 1,
        "beside the folders of the splits": 1,
        "a folder beside those of the splits": 1,
    }


def test_test_pictures_without_classes_are_passed_over(tmp_path: Path) -> None:
    make(tmp_path, "train/a/5", "train/b/5", "test/7")
    found = find_pictures(tmp_path)
    assert (len(found.train), found.test, found.how) == (10, [], "")
    assert [(one.count, one.reason) for one in found.passed_over] == [
        (7, "without a class: test/ has no folders of classes")
    ]


def test_a_validation_split_that_is_trained_on_need_not_have_every_class(tmp_path: Path) -> None:
    make(tmp_path, *(f"{part}/{name}/2" for part in ("train", "test") for name in "abc"), "val/a/1", "val/b/")
    assert counts(tmp_path) == (7, 6)


def test_an_empty_split_is_none(tmp_path: Path) -> None:
    make(tmp_path, "train/a/5", "train/b/5", "test/")
    found = find_pictures(tmp_path)
    assert (found.test, found.how, found.remarks) == ([], "", ("test/ is empty",))


def test_a_link_to_the_folder_around_it_ends(tmp_path: Path) -> None:
    make(tmp_path, "a/2", "b/2")
    (tmp_path / "a/again").symlink_to(tmp_path / "a")
    found = find_pictures(tmp_path)
    assert (len(found.train), found.passed_over[0].reason) == (4, "a link to a folder around it")


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (["4"], "has 4 pictures and no sub-folders, .*make one sub-folder per class"),
        (["train/4", "test/2"], "train' has 4 pictures and no sub-folders"),
        (["only/4"], r"has 1 sub-folder\(s\); needed is one sub-folder of images per class, at least two"),
        (["train/a/1", "train/b/1", "test/a/1", "test/c/1"],
         "train/ and test/ must have the same class folders, but only train/ has b; only test/ has c"),
        (["train/a/1", "train/b/1", "val/a/1"], "only train/ has b"),
        (["train/a/1", "train/b/1", "train_set/a/1", "test/a/1"], "'train' and 'train_set' could both be the train"),
        (["test/a/1", "val/a/1"], "has test, val, but no training pictures; rename the folder"),
        (["a/1", "b/", "c/notes.txt"], "class folders 'b', 'c' have no images .* add some or remove the folder"),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_refused_with_what_to_do(tmp_path: Path, paths: list[str], message: str) -> None:
    make(tmp_path, *(path if "/" in path else f"/{path}" for path in paths))
    with pytest.raises(DatasetError, match=message):
        find_pictures(tmp_path)


def test_photos_without_their_decoder_are_counted_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgemnist.data.folders.reads_heif", lambda: False)
    make(tmp_path, "a/2", "b/2", "a/IMG_1.HEIC", "b/IMG_2.heif")
    (passed,) = find_pictures(tmp_path).passed_over
    assert (passed.count, passed.examples) == (2, ("a/IMG_1.HEIC", "b/IMG_2.heif"))
    assert "pip install 'edgemnist[heic]'" in passed.reason
    make(tmp_path, "c/IMG_3.HEIC")
    with pytest.raises(DatasetError, match=r"'c' has no images .*, but 3 HEIC without its decoder: pip install"):
        find_pictures(tmp_path)
