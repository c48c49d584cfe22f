"""The package is built as ARCHITECTURE.md says; each failure names both ends of the import at fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture import FLOORS, PACKAGE, Arrow, arrows, circles, height, modules, upward

KNOWN = modules()
ARROWS = list(arrows(KNOWN))


def test_every_folder_has_a_floor() -> None:
    folders = {f"{name}.__init__".split(".")[1] for name in KNOWN}
    assert folders == {folder for floor in FLOORS for folder in floor}


def test_imports_only_go_down() -> None:
    assert not [str(arrow) for arrow in upward(ARROWS)]
    assert height(ARROWS) <= 10


def test_nothing_imports_in_circles() -> None:
    assert not circles(ARROWS)


def test_commands_stand_side_by_side() -> None:
    """A command imports no other one; the main job, the report and the search, which put several together, do."""

    def verb(name: str) -> str | None:
        parts = name.split(".")
        return parts[2] if parts[1:2] == ["commands"] and len(parts) > 3 else None

    sideways = [
        str(arrow) for arrow in ARROWS
        if verb(arrow.source) not in (None, "run", "report", "search")
        and verb(arrow.target) not in (None, verb(arrow.source))
    ]  # fmt: skip
    assert not sideways


def test_few_modules_lie_in_the_package_itself() -> None:
    assert len(list(PACKAGE.glob("*.py"))) <= 4


@pytest.mark.parametrize(
    ("sources", "up", "round"),
    [
        ({"support/a.py": "def f():\n    from edgemnist.commands import x"}, 1, 0),
        ({"mcu/a.py": "from edgemnist.pi import b", "pi/b.py": ""}, 1, 0),
        ({"data/a.py": "from edgemnist.data.b import x", "data/b.py": "import edgemnist.data.a"}, 0, 2),
        ({"data/a.py": "from edgemnist.data.in_.b import x", "data/in_/b.py": "from edgemnist.data import c",
          "data/c.py": "from edgemnist.data.in_ import d", "data/in_/d.py": ""}, 0, 1),
        ({"data/a.py": "def f():\n    from edgemnist.data import a"}, 0, 1),
        ({"commands/a.py": "from edgemnist.support import b", "support/b.py": ""}, 0, 0),
        ({"data/a.py": "from edgemnist import __version__"}, 1, 0),
    ],
)  # fmt: skip
def test_the_counter_sees_what_it_is_for(tmp_path: Path, sources: dict[str, str], up: int, round: int) -> None:
    package = tmp_path / "edgemnist"
    for name, text in sources.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        for folder in path.relative_to(package).parents:
            (package / folder / "__init__.py").write_text("")
    (package / "commands").mkdir(exist_ok=True)
    (package / "commands/__init__.py").write_text("")
    found = list(arrows(modules(package)))

    assert (len(upward(found)), len(circles(found))) == (up, round)


def test_an_arrow_names_both_ends() -> None:
    arrow = Arrow("edgemnist.support.a", "edgemnist.data.b", "a.py:7")

    assert str(arrow) == "edgemnist.support.a imports edgemnist.data.b (a.py:7)"
