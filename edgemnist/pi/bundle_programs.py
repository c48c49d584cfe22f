"""The programs of a bundle: its own, and those of edgemnist's modules that they import, as they are.

What the Pi runs is what edgemnist runs itself: there is no second version of anything that both need.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = "edgemnist_pi"
"""What the folder ``bundle`` is called in a bundle; modules of edgemnist keep their place there."""

OWN = Path(__file__).with_name("bundle")
_SOURCE = Path(__file__).parents[2]
_SHARED = "edgemnist"


def program_files() -> dict[str, Path | None]:
    """Return the file of each program by its name in the bundle; None is an empty one, which marks a package."""
    own = sorted(OWN.glob("*.py"))
    found: dict[str, Path | None] = {f"{PACKAGE}/{path.name}": path for path in own}
    waiting = [module for path in own for module in imported(path)]
    while waiting:
        path = waiting.pop()
        name = path.relative_to(_SOURCE).as_posix()
        if name not in found:
            found[name] = path
            waiting += imported(path)
    folders = {parent for name in found for parent in Path(name).parents[:-1]}
    for folder in folders:
        # What a package of edgemnist says when it is imported is for edgemnist alone.
        found.setdefault((folder / "__init__.py").as_posix(), None)
    return dict(sorted(found.items()))


def imported(path: Path) -> Iterator[Path]:
    """Yield the files of edgemnist's modules that a file imports, in its functions too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] == _SHARED:
            for alias in node.names:
                yield _file_of(f"{node.module}.{alias.name}") or _module(str(node.module))


def _module(name: str) -> Path:
    found = _file_of(name)
    assert found is not None, name  # a package's own names are not imported from it
    return found


def _file_of(module: str) -> Path | None:
    path = _SOURCE.joinpath(*module.split(".")).with_suffix(".py")
    return path if path.is_file() else None
