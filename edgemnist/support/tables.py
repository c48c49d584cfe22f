"""Tables for people: on a terminal no wider than it is, in a file or pipe as wide as they are.

A number is never cut: where room lacks, columns are left out, those of the highest rank first, and named below; where
even the columns of rank 0 don't fit, each row becomes lines of its own. Left out without a word is a column of a rank
above 0 in which nothing stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edgemnist.support.progress import stdout_console
from edgemnist.support.wrapping import wrapped

Rows = Sequence[Sequence[str]]
"""A cell for each column; one of several lines has line breaks."""

_GAPS = (2, 1)
"""Spaces between columns: the second where the first takes too many."""


@dataclass(frozen=True)
class Column:
    """A column: its heading, of one line or several, whether it is aligned right, and how soon it is left out.

    ``rank``: 0 stays; of the others the highest goes first.
    """

    heading: str
    right: bool = False
    rank: int = 0

    @property
    def title(self) -> str:
        """The heading in one line."""
        return self.heading.replace("\n", " ")


def numbers(*headings: str, rank: int = 0) -> list[Column]:
    """Return columns of numbers."""
    return [Column(heading, right=True, rank=rank) for heading in headings]


def terminal_width() -> int | None:
    """Return the columns of the terminal on stdout, None for a file or pipe."""
    console = stdout_console()
    return console.width if console.is_terminal else None


def print_table(columns: Sequence[Column], rows: Rows, title: str = "") -> None:
    """Print a table to stdout."""
    width = terminal_width()
    print_lines([*(wrapped(title, width) if title else []), *table_lines(columns, rows, width)])


def print_text(*texts: str) -> None:
    """Print texts to stdout, each on lines of its own, on a terminal broken between words."""
    width = terminal_width()
    print_lines(line for text in texts for line in wrapped(text, width))


def print_lines(lines: Iterable[str]) -> None:
    """Print lines to stdout as they are, such as a command to copy."""
    console = stdout_console()
    for line in lines:
        console.print(line, markup=False, no_wrap=True, overflow="ignore", crop=False)


def table_lines(columns: Sequence[Column], rows: Rows, width: int | None) -> list[str]:
    """Return a table in at most ``width`` columns of text; None: in as many as it has."""
    shown = [index for index, column in enumerate(columns) if not column.rank or any(row[index] for row in rows)]
    total, with_content = _widths(columns, rows), tuple(shown)
    gap = _GAPS[0] if width is None or _taken(total, shown, _GAPS[0]) <= width else _GAPS[1]
    while width is not None and _taken(total, shown, gap) > width:
        left_out = max(shown, key=lambda index: (columns[index].rank, index))
        if not columns[left_out].rank:
            return _stacked(columns, rows, width)
        shown.remove(left_out)
    lines = [
        line
        for row in ([column.heading for column in columns], *rows)
        for line in _row(columns, row, shown, total, gap)
    ]
    missing = [columns[index].title for index in with_content if index not in shown]
    note = f"(in a wider terminal, and with --json: {'; '.join(missing)})"
    return [*lines, *(wrapped(note, width) if missing else [])]


def fits(columns: Sequence[Column], rows: Rows, width: int | None) -> bool:
    """Return whether all columns of a table have room."""
    return width is None or _taken(_widths(columns, rows), range(len(columns)), _GAPS[1]) <= width


def _widths(columns: Sequence[Column], rows: Rows) -> list[int]:
    cells = ([column.heading, *(row[index] for row in rows)] for index, column in enumerate(columns))
    return [max(_cells(line) for cell in column for line in cell.split("\n")) for column in cells]


def _taken(widths: Sequence[int], shown: Sequence[int], gap: int) -> int:
    return sum(widths[index] for index in shown) + gap * (len(shown) - 1)


def _row(
    columns: Sequence[Column], row: Sequence[str], shown: Sequence[int], widths: Sequence[int], gap: int
) -> list[str]:
    """Return the lines of a row, as many as its tallest cell has."""
    parts = [row[index].split("\n") for index in shown]
    lines = []
    for number in range(max(map(len, parts), default=0)):
        cells = [part[number] if number < len(part) else "" for part in parts]
        padded = [_padded(cell, columns[i].right, widths[i]) for cell, i in zip(cells, shown, strict=True)]
        lines.append((" " * gap).join(padded).rstrip())
    return lines


def _padded(cell: str, right: bool, width: int) -> str:
    space = " " * (width - _cells(cell))
    return space + cell if right else cell + space


def _stacked(columns: Sequence[Column], rows: Rows, width: int) -> list[str]:
    """Return for each row its first cell, and below it what else it has, a line each, of several words broken."""
    lines = []
    for row in rows:
        lines += row[0].split("\n")
        named = zip(columns[1:], row[1:], strict=True)
        for column, cell in named:
            line = f"  {column.title}: {cell.strip()}".replace("\n", ", ")
            lines += wrapped(line, width) if len(cell.split()) > 1 else [line] if cell.strip() else []
    return lines


def _cells(text: str) -> int:
    """Return the columns that a terminal takes for one line of text."""
    from rich.cells import cell_len

    return cell_len(text)
