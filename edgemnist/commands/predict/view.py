"""How predictions are shown: text, JSON, and what the net saw as characters or as a PNG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgemnist.commands.predict.stage import Prediction, Predictions, ascii_view, png_view
from edgemnist.support.errors import InputError
from edgemnist.support.files import write_bytes
from edgemnist.support.progress import print_json, stdout_console

ASCII = "ascii"
_SHOWN_PROBABILITY = 0.0005


def check_view(view: str | None) -> None:
    """Refuse a ``--view`` that is neither ``ascii`` nor a PNG file.

    :raises InputError: says what is allowed.
    """
    if view is not None and view != ASCII and Path(view).suffix.lower() != ".png":
        raise InputError(f"cannot show the images as {view!r}; give --view ascii, or a file that ends in .png")


def show(found: Predictions, view: str | None, *, as_json: bool) -> None:
    """Print predictions to stdout and write the PNG if one is asked for.

    :raises StorageError: the PNG cannot be written.
    """
    if view is not None and view != ASCII and found.predictions:
        write_bytes(Path(view), png_view(found))
    if as_json:
        print_json(_as_json(found, view))
        return
    console = stdout_console()
    for one in found.predictions:
        if view == ASCII:
            console.print("\n".join(ascii_view(one.seen.pixels)), markup=False)
        console.print(_line(one), markup=False, soft_wrap=True)
    if found.predictions:
        console.print(f"{found.model} in {found.runtime}", markup=False, soft_wrap=True)


def _line(one: Prediction) -> str:
    likely = [other for other in one.candidates if other is one.best or other.probability >= _SHOWN_PROBABILITY]
    chances = ", ".join(f"{other.label} {100 * other.probability:.1f} %" for other in likely)
    how = f"inverted, {one.seen.framing}" if one.seen.inverted else one.seen.framing
    return f"{one.file}: {one.best.label}  ({chances}; {how})" + (f"; note: {one.seen.note}" if one.seen.note else "")


def _as_json(found: Predictions, view: str | None) -> dict[str, Any]:
    content = found.as_json()
    if view == ASCII:
        for entry, one in zip(content["predictions"], found.predictions, strict=True):
            entry["view"] = ascii_view(one.seen.pixels)
    return content
