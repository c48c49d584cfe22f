"""A bundle as a folder or as a ``.tar.gz``; the same content gives the same bytes."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from edgemnist.pi.bundle_files import EXECUTABLES, MANIFEST, MANIFEST_KIND
from edgemnist.support.errors import InputError, storage_errors
from edgemnist.support.files import partial_folder, write_bytes
from edgemnist.support.locking import alone_in

ARCHIVE_SUFFIX = ".tar.gz"
FOLDER = "edgemnist-pi"
"""Name of the folder inside the archive."""


def check_target_path(out: Path) -> None:
    """Check that a bundle may be written to a path, before anything is computed.

    :raises InputError: it is a folder with something else in it, or neither a folder's nor an archive's name.
    """
    if out.name.endswith(ARCHIVE_SUFFIX):
        if out.is_dir():
            raise InputError(f"{str(out)!r} is a folder; name a file that ends in {ARCHIVE_SUFFIX}")
        return
    if out.suffix in (".gz", ".zip", ".tar", ".tgz", ".whl"):
        raise InputError(f"{str(out)!r} is no kind of archive that is written; name a folder or a {ARCHIVE_SUFFIX}")
    if out.exists() and not (out.is_dir() and (not any(out.iterdir()) or _is_bundle(out))):
        raise InputError(f"{str(out)!r} holds something else than a bundle; name another --out")


def write_archive(out: Path, files: Mapping[str, bytes]) -> Path:
    """Write a ``.tar.gz`` atomically: names sorted, no times, no owners."""
    return write_bytes(out, _archive(files))


def write_folder(out: Path, files: Mapping[str, bytes]) -> Path:
    """Write a bundle's folder; an older bundle there is replaced only when the new one is complete."""
    with storage_errors(out), partial_folder(out.parent) as temporary:
        fresh, old = temporary / "fresh", temporary / "old"
        for file, content in files.items():
            path = fresh / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            path.chmod(_mode(file))
        with alone_in(out.parent, "another bundle", f".{out.name}.lock"):
            if out.exists():
                out.rename(old)
            fresh.rename(out)
    return out


@contextmanager
def archived(bundle: Path) -> Iterator[Path]:
    """Yield a bundle as a ``.tar.gz``, in a temporary place if it is a folder."""
    if not bundle.is_dir():
        yield bundle
        return
    files = {str(path.relative_to(bundle)): path.read_bytes() for path in bundle.rglob("*") if path.is_file()}
    with tempfile.TemporaryDirectory() as name:
        yield write_archive(Path(name) / f"bundle{ARCHIVE_SUFFIX}", files)


@contextmanager
def unpacked(bundle: Path) -> Iterator[Path]:
    """Yield a bundle as a folder, in a temporary place if it is an archive."""
    if bundle.is_dir():
        yield bundle
        return
    with tempfile.TemporaryDirectory() as name:
        with tarfile.open(bundle) as archive:
            archive.extractall(name, filter="data")
        yield Path(name) / FOLDER


def _archive(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    # No name and no time in gzip's header; the level is written down because the default may change.
    with (
        gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=buffer, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(f"{FOLDER}/{name}")
            entry.size, entry.mode = len(content), _mode(name)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _mode(name: str) -> int:
    return 0o755 if name in EXECUTABLES else 0o644


def _is_bundle(folder: Path) -> bool:
    try:
        return json.loads((folder / MANIFEST).read_text(encoding="utf-8")).get("kind") == MANIFEST_KIND  # type: ignore[no-any-return]
    except (OSError, ValueError, AttributeError):
        return False
