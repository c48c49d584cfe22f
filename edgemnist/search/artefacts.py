"""What is kept of a search, by its content's name: results and models, in a folder or wherever fsspec reaches.

A training or a count is named by all that decides it, so that no worker does it again, and none has to ask another.
"""

from __future__ import annotations

import importlib
import json
import uuid
from pathlib import Path
from typing import Any

from edgemnist.support.errors import EnvironmentFailure, MissingDependencyError, first_line


class Artefacts:
    """A place for artefacts: a path, or a URL of fsspec such as ``s3://bucket/folder``."""

    def __init__(self, url: str) -> None:
        """Open the place.

        :raises MissingDependencyError: fsspec, or what it needs for such a place, is not installed.
        :raises EnvironmentFailure: it cannot be reached.
        """
        try:
            fsspec: Any = importlib.import_module("fsspec")
            self._system, self._root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise MissingDependencyError(
                f"{url!r} cannot be opened: {first_line(error)}; run `pip install 'edgemnist[search]'`, and what "
                "fsspec needs for such a place"
            ) from error
        self.url = url
        self._local = "file" in (
            (self._system.protocol,) if isinstance(self._system.protocol, str) else self._system.protocol
        )

    def read_json(self, name: str) -> Any:
        """Return what is kept under a name, None where nothing is, or nothing whole."""
        try:
            return json.loads(self._system.cat_file(self._path(name)))
        except (FileNotFoundError, ValueError):
            return None
        except OSError as error:
            raise self._failure(error) from error

    def write_json(self, name: str, content: Any) -> None:
        """Keep JSON values; whoever reads meanwhile finds all of them or none."""
        self._put(name, (json.dumps(content, sort_keys=True) + "\n").encode())

    def write_file(self, name: str, path: Path) -> None:
        """Keep a file."""
        self._put(name, path.read_bytes())

    def read_file(self, name: str, path: Path) -> bool:
        """Write what is kept to a path; return whether there is any."""
        try:
            path.write_bytes(self._system.cat_file(self._path(name)))
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self._failure(error) from error
        return True

    def _put(self, name: str, content: bytes) -> None:
        path = self._path(name)
        try:
            if not self._local:  # objects appear whole
                self._system.pipe_file(path, content)
                return
            self._system.makedirs(path.rpartition("/")[0], exist_ok=True)
            partial = f"{path}.partial-{uuid.uuid4().hex}"
            self._system.pipe_file(partial, content)
            Path(partial).replace(path)
        except OSError as error:
            raise self._failure(error) from error

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _failure(self, error: OSError) -> EnvironmentFailure:
        return EnvironmentFailure(f"the artefacts at {self.url!r} cannot be reached: {error.strerror or error}")
