"""What a platform is, and what it makes a package from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from edgemnist.compiler.generate import GeneratedModel
from edgemnist.csource.columns import within_columns
from edgemnist.support.resources import firmware_folder

C_SUFFIXES = (".c", ".cpp", ".h", ".ino")
"""How templates of C, C++ and sketches end."""

_PLACEHOLDER = re.compile(r"@\{(\w+)\}")
_CONDITION = re.compile(r"@\{(if|else|end) ?(\w*)\}\n")


@dataclass(frozen=True, eq=False)
class Example:
    """An input that a package's main program classifies.

    ``values``: the input tensor's elements in its dtype, in any shape; ``label``: index of the true class.
    """

    values: NDArray[Any]
    label: int


Vector = Sequence[NDArray[Any]]
"""One array for each of a network's inputs, or outputs."""


@dataclass(frozen=True, eq=False)
class ExampleCode:
    """The two files, where the labels are from, what the main program prints, times left open, how many examples.

    ``reset``: the call that has to be made before the first of them, "" for a network that keeps nothing. ``inputs``
    and ``outputs`` have one array for each of the network's, an example at a time; ``labels`` are empty for a network
    of several inputs or outputs.
    """

    header: str
    source: str
    labels_are: str
    printed: str
    count: int
    inputs: Sequence[Vector]
    outputs: Sequence[Vector]
    labels: Sequence[int]
    reset: str = ""

    def values(self) -> dict[str, str]:
        """Return what the README says of the examples, by placeholder."""
        return {
            "labels": ", ".join(str(label) for label in self.labels),
            "count": str(self.count),
            "labels_are": self.labels_are,
            "printed_indented": self.printed.replace("\n", "\n    "),
            "reset": f"  {self.reset}\n" if self.reset else "",
            "reset_tabs": f"\t{self.reset}\n" if self.reset else "",
        }


@dataclass(frozen=True, eq=False)
class Package:
    """What is to be packaged: the model, its C by part, and what the templates may ask for.

    ``sources`` are compiled, ``headers`` are what a user includes, ``kernels`` are what only the sources include; each
    maps a file name to C text. ``examples`` are the inputs that the main program runs, with what has to come out.
    ``values`` maps a placeholder's name to its text.
    """

    generated: GeneratedModel
    sources: Mapping[str, str]
    headers: Mapping[str, str]
    kernels: Mapping[str, str]
    examples: ExampleCode
    values: Mapping[str, str]

    @property
    def name(self) -> str:
        """The prefix of files and C names."""
        return self.generated.name

    def text(self, template: str, **more: str) -> str:
        """Return a template of ``firmware/packages`` with each ``@{name}`` replaced by its value."""
        filled = fill(template_text(template), {**self.values, **more})
        return within_columns(filled) if template.endswith(C_SUFFIXES) else filled

    def c_files(self, *, sources: str, headers: str) -> dict[str, str]:
        """Return the C files by path: sources and their kernels in one folder, public headers in another."""
        found = {f"{sources}/{name}": text for name, text in {**self.kernels, **self.sources}.items()}
        return {**found, **{f"{headers}/{name}": text for name, text in self.headers.items()}}

    def documents(self) -> dict[str, str]:
        """Return what stands at the top of every package: README, licence and memory map."""
        memory_map = f"{self.name}_memory.txt"
        how_to_build = self.text(f"{self.values['platform'].replace('-', '_')}/build.md")
        return {
            "README.md": self.text("common/README.md", how_to_build=how_to_build.strip("\n")),
            "LICENSE": licence_text(),
            memory_map: self.generated.files[memory_map],
        }


@dataclass(frozen=True)
class Platform:
    """A build system that takes packages.

    ``files`` gives the package's files by their path in ``folder``, the one folder in the zip ("" for none).
    ``taken`` are names that mean something else to its tool, in lower case: a model may not have them.
    ``desktop``: what it builds may be for the machine it builds on. ``folder`` and ``file_name``, the archive's, may
    hold placeholders. ``firmware/packages/<name>/build.md``, with "_" for "-", is the README's part on building.
    """

    name: str
    description: str
    files: Callable[[Package], Mapping[str, str]]
    taken: frozenset[str] = frozenset()
    desktop: bool = False
    folder: str = "@{name}"
    file_name: str = "@{name}-@{version}-@{platform}.zip"


def words(text: str) -> frozenset[str]:
    """Return the words of a text: a set of names, written without quotes."""
    return frozenset(text.split())


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return ``text`` with each ``@{name}`` replaced by its value.

    Of the lines between ``@{if name}``, ``@{else}`` and ``@{end}`` the first part stays where that value has a text,
    else the second.
    """
    return _PLACEHOLDER.sub(lambda match: values[match[1]], "".join(_chosen(text, values)))


def _chosen(text: str, values: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of a template that stay; conditions may stand in each other."""
    open_: list[bool] = []
    for line in text.splitlines(keepends=True):
        word = _CONDITION.fullmatch(line)
        if word is None:
            if all(open_):
                yield line
        elif word[1] == "if":
            open_.append(bool(values[word[2]]))
        elif word[1] == "else":
            open_[-1] = not open_[-1]
        else:
            open_.pop()


def template_text(template: str) -> str:
    """Return a template's text by its path in ``firmware/packages``."""
    return (firmware_folder() / "packages" / template).read_text(encoding="utf-8")


def link_files() -> dict[str, str]:
    """Return the device's side of the link protocol, and the functions that it needs, by file name.

    The names get a prefix: the sketch's folder is on the include path of the whole build, and there are cores that have
    a ``board.h`` of their own.
    """
    found = {}
    for name in ("board.h", "link.h", "link.c"):
        text = (firmware_folder() / "app" / name).read_text(encoding="utf-8")
        text = re.sub(r'#include "(board|link)\.h"', r'#include "em_\1.h"', text)
        found[f"em_{name}"] = re.sub(r"\b(BOARD|LINK)_H\b", r"EM_\1_H", text)
    return found


def licence_text() -> str:
    """Return the licence of what edgemnist puts into a package."""
    return (firmware_folder() / "LICENSE").read_text(encoding="utf-8")
