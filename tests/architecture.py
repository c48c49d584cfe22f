"""Counts what ARCHITECTURE.md promises: imports only go down, floor by floor, and nothing imports in circles."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "edgemnist"

FLOORS = (
    ("support",),
    ("tflite", "keras_io"),
    ("runner", "artifacts", "csource", "onnx"),
    ("compiler", "data"),
    ("tflm", "harness", "training", "http"),
    ("mcu", "pi", "mismatch", "page", "serving", "search"),
    ("quantisation_error",),
    ("runtimes", "commands"),
    ("cli", "api"),
    ("__main__", "__init__"),
)
"""The folders and modules directly in the package, from the ground up; ``__init__``, its face, stands above them."""

FACE = "edgemnist"


@dataclass(frozen=True)
class Arrow:
    """An import: the modules at both ends, dotted, and the place in the source."""

    source: str
    target: str
    place: str

    def __str__(self) -> str:
        """Return both ends and where the import stands."""
        return f"{self.source} imports {self.target} ({self.place})"


def modules(package: Path = PACKAGE) -> dict[str, Path]:
    """Return every module of the package by its dotted name; the C sources' folder has none."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        if parts[1] != "firmware":
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def arrows(known: Mapping[str, Path]) -> Iterator[Arrow]:
    """Yield every import of one module by another, those inside functions and under TYPE_CHECKING too."""
    for source, path in known.items():
        for node in ast.walk(ast.parse(path.read_text())):
            for name in _imported(node):
                while name and name not in known:
                    name = name.rpartition(".")[0]
                if name:
                    yield Arrow(source, name, f"{path.name}:{node.lineno}")  # type: ignore[attr-defined]


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names if alias.name.partition(".")[0] == FACE]
    if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == FACE:
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def upward(found: list[Arrow]) -> list[Arrow]:
    """Return the imports that do not go down: to a higher floor, or to a neighbour on the same one."""
    floor = {name: number for number, names in enumerate(FLOORS) for name in names}
    ends = ((arrow, _folder(arrow.source), _folder(arrow.target)) for arrow in found)
    return [arrow for arrow, source, target in ends if source != target and floor[source] <= floor[target]]


def _folder(module: str) -> str:
    return f"{module}.__init__".split(".")[1]


def circles(found: list[Arrow]) -> list[tuple[str, ...]]:
    """Return every circle: of modules, and in each folder of its modules and sub-folders."""
    graphs: dict[str, dict[str, set[str]]] = {}
    for arrow in found:
        graphs.setdefault("modules", {}).setdefault(arrow.source, set()).add(arrow.target)
        source, target = arrow.source.split("."), arrow.target.split(".")
        shared = next((i for i, (a, b) in enumerate(zip(source, target, strict=False)) if a != b), None)
        if shared is not None:
            folder = ".".join(source[:shared])
            graphs.setdefault(folder, {}).setdefault(source[shared], set()).add(target[shared])
    return [circle for graph in graphs.values() for circle in _circles(graph)]


def _circles(graph: Mapping[str, set[str]]) -> Iterator[tuple[str, ...]]:
    """Yield groups of which each member reaches every other, a module that imports itself included."""
    reach = {node: _reachable(graph, node) for node in graph}
    seen: set[str] = set()
    for node in graph:
        if node in reach[node] and node not in seen:
            group = tuple(sorted(other for other in reach[node] if node in reach.get(other, ())))
            seen.update(group)
            yield group


def _reachable(graph: Mapping[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    pending = list(graph.get(start, ()))
    while pending:
        node = pending.pop()
        if node not in found:
            found.add(node)
            pending += graph.get(node, ())
    return found


def height(found: list[Arrow]) -> int:
    """Return how many floors the imports make: the longest way down through the package's folders."""
    below: dict[str, set[str]] = {}
    for arrow in found:
        source, target = _folder(arrow.source), _folder(arrow.target)
        if source != target:
            below.setdefault(source, set()).add(target)

    def floors(folder: str) -> int:
        return 1 + max((floors(under) for under in below.get(folder, ())), default=0)

    return max(floors(folder) for folder in below)
