"""What pyproject.toml cannot say: the C sources are installed as ``edgemnist/firmware``, and archives are reproducible.

Two builds of the same files give the same bytes, wherever, whenever and under whatever umask they are made. Their times
are ``SOURCE_DATE_EPOCH``, by default the first that a zip can hold.
"""

import gzip
import os
import tarfile
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

os.environ.setdefault("SOURCE_DATE_EPOCH", "315532800")
os.umask(0o022)  # the modes of files that are generated on the way go into the archives


def _mode(path: Path) -> int:
    """Return the mode that git would record."""
    return 0o755 if path.stat().st_mode & 0o100 else 0o644


class BuildWithModes(build_py):
    """Gives what is built the modes that git records, not those of a checkout."""

    def run(self) -> None:
        """Copy the files, then set their modes."""
        super().run()
        for path in map(Path, self.get_outputs(include_bytecode=False)):
            if path.is_file():  # an editable build copies nothing
                path.chmod(_mode(path))


class WheelWithModes(bdist_wheel):
    """Gives the wheel's own folder, with copies of the licence, the same modes."""

    def write_wheelfile(self, wheelfile_base: str, *arguments: str) -> None:
        """Write the last file of that folder, then set the modes of all."""
        super().write_wheelfile(wheelfile_base, *arguments)
        for path in Path(wheelfile_base).rglob("*"):
            if path.is_file():
                path.chmod(0o644)


class ReproducibleSource(sdist):
    """Writes the source archive sorted, undated, without owners."""

    def make_archive(
        self,
        base_name: str,
        format: str,
        root_dir: "str | os.PathLike[str] | None" = None,
        base_dir: "str | None" = None,
        owner: "str | None" = None,
        group: "str | None" = None,
    ) -> str:
        """Write ``base_dir`` as a ``.tar.gz``; other formats as setuptools does."""
        if format != "gztar" or base_dir is None:
            return str(super().make_archive(base_name, format, root_dir, base_dir, owner, group))
        target, time = f"{base_name}.tar.gz", int(os.environ["SOURCE_DATE_EPOCH"])
        with (
            open(target, "wb") as file,  # noqa: PTH123 - a name, as setuptools wants it
            gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=file, mtime=time) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            for path in sorted(one for one in Path(base_dir).rglob("*") if one.is_file()):
                entry = tarfile.TarInfo(path.as_posix())
                entry.size, entry.mode, entry.mtime = path.stat().st_size, _mode(path), time
                with path.open("rb") as content:
                    archive.addfile(entry, content)
        return target


setup(
    packages=[*find_packages(include=["edgemnist*"]), "edgemnist.firmware"],
    package_dir={"edgemnist.firmware": "firmware"},
    cmdclass={"build_py": BuildWithModes, "bdist_wheel": WheelWithModes, "sdist": ReproducibleSource},
)
