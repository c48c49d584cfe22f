"""The reference in ``docs/reference``: one function a page, made from the registries that the code itself uses.

text        Markdown's tables and paragraphs
commands    commands.md, of the command line as click sees it
operators   operators.md and onnx-operators.md
devices     boards.md, raspberry-pi.md, package-formats.md
models      datasets.md, architectures.md, corruptions.md, runtimes.md, mismatch-rules.md
doctor      faults.md, operator-versions.md
process     environment.md, exit-codes.md
schemas     report.schema.json
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from reference_pages import commands, devices, doctor, models, operators, process, schemas
from reference_pages.text import Page, table

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "reference"
WRITTEN_BY = "Written by scripts/reference from the code; change that, not this file."
FIRST_LINE = f"<!-- {WRITTEN_BY} -->"


def pages() -> dict[str, str]:
    """Return the text of every page by its file name, the index included."""
    every = (
        commands.page(), operators.page(), operators.onnx_page(), devices.boards_page(), devices.raspberry_pi_page(),
        devices.package_formats_page(), models.datasets_page(), models.architectures_page(), models.corruptions_page(),
        models.runtimes_page(), models.rules_page(), doctor.faults_page(), doctor.operator_versions_page(),
        process.environment_page(), process.exit_codes_page(),
    )  # fmt: skip
    schema = schemas.page()
    texts = {page.name: f"{FIRST_LINE}\n\n{page.text()}" for page in (_index((*every, schema)), *every)}
    return {**texts, schema.name: schemas.text(WRITTEN_BY)}


def stale_files(folder: Path) -> list[str]:
    """Return the names of the files in a folder that are not what :func:`pages` gives: other, missing, not known."""
    return _stale(folder, pages())


def _stale(folder: Path, texts: Mapping[str, str]) -> list[str]:
    wanted = {name: text.encode() for name, text in texts.items()}
    found = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} if folder.is_dir() else {}
    return sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))


def write(folder: Path) -> list[str]:
    """Bring a folder up to date and return the names of the files that changed or went."""
    wanted = pages()
    stale = _stale(folder, wanted)
    folder.mkdir(parents=True, exist_ok=True)
    for name in stale:
        if name in wanted:
            (folder / name).write_bytes(wanted[name].encode())
        else:
            (folder / name).unlink()
    return stale


def _index(every: tuple[Page, ...]) -> Page:
    rows = [(f"[{page.title}]({page.name})", page.summary) for page in every]
    return Page(
        "README.md",
        "Reference",
        "What there is to choose from, as the code itself knows it.",
        table(("Page", "What"), rows),
    )
