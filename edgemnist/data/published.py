"""What is known of a published dataset: its files with their checksums, their layout, its classes and counts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RemoteFile:
    """A file to download. ``md5`` and ``sha256`` are of the file as stored (gzipped), ``size`` is in bytes.

    ``content_md5`` is of the decompressed content: it tells a file that was rebuilt from one that was only compressed
    anew. A checksum is empty and the size 0 where nobody publishes it.
    """

    name: str
    size: int
    md5: str
    sha256: str
    content_md5: str = ""


@dataclass(frozen=True)
class IdxLayout:
    """Names of a dataset's four IDX files (without ``.gz``) and how their content has to be read.

    ``transposed``: images are stored column by column. ``first_label``: the files' label of the first class.
    """

    train_images: str = "train-images-idx3-ubyte"
    train_labels: str = "train-labels-idx1-ubyte"
    test_images: str = "t10k-images-idx3-ubyte"
    test_labels: str = "t10k-labels-idx1-ubyte"
    transposed: bool = False
    first_label: int = 0

    @property
    def names(self) -> tuple[str, str, str, str]:
        """Train images, train labels, test images, test labels."""
        return self.train_images, self.train_labels, self.test_images, self.test_labels


@dataclass(frozen=True)
class BinaryLayout:
    """How the files of CIFAR's binary version are read.

    ``folder`` is what comes out of the archive; ``train`` and ``test`` name the files. A record begins with
    ``label_bytes`` bytes of labels, of which the one at ``label_at`` counts. ``pickled`` are the names of the Python
    version, which is not read.
    """

    folder: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    label_bytes: int = 1
    label_at: int = 0
    pickled: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every file, training first."""
        return *self.train, *self.test


@dataclass(frozen=True)
class KnownDataset:
    """One row of the table.

    ``image_shape`` is (height, width, channels). ``folders`` are the names under which its files are looked for in
    EDGEMNIST_DATA and in the download cache (downloads go to the last one); ``torchvision_folder`` and ``keras_name``
    are what those two call it, empty where they don't keep it. ``mirrors`` are address prefixes in the order in which
    they are tried. ``layout`` is that of IDX files, ``binary`` that of CIFAR's; both are None and ``files`` empty where
    the data comes in a Python package. ``augmentation`` is the name of what suits its images in training.
    """

    name: str
    description: str
    licence: str
    class_names: tuple[str, ...]
    train_count: int
    test_count: int
    layout: IdxLayout | None = None
    mirrors: tuple[str, ...] = ()
    files: tuple[RemoteFile, ...] = ()
    folders: tuple[str, ...] = ()
    torchvision_folder: str = ""
    keras_name: str = ""
    image_shape: tuple[int, int, int] = (28, 28, 1)
    augmentation: str = "handwriting"
    binary: BinaryLayout | None = None

    @property
    def download_size(self) -> int:
        """Bytes to download, as far as they are known."""
        return sum(file.size for file in self.files)
