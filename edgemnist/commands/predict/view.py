"""How predictions are shown: text, JSON, and what the net saw as characters or as a PNG."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemnist.commands.predict.stage import Prediction, Predictions, ascii_view, png_view
from edgemnist.support.errors import InputError
from edgemnist.support.files import write_bytes
from edgemnist.support.tables import print_lines, print_text

ASCII = "ascii"
_SHOWN_PROBABILITY = 0.0005


def check_view(view: str | None) -> None:
    """Refuse a ``--view`` that is neither ``ascii`` nor a PNG file.

    :raises InputError: says what is allowed.
    """
    if view is not None and view != ASCII and Path(view).suffix.lower() != ".png":
        raise InputError(f"cannot show the images as {view!r}; give --view ascii, or a file that ends in .png")


@dataclass(frozen=True, eq=False)
class ShownPredictions:
    """Predictions, and whether what the net saw stands beside them as characters."""

    found: Predictions
    as_characters: bool

    def as_json(self) -> dict[str, Any]:
        """Return the JSON document of ``edgemnist predict --json``."""
        content = self.found.as_json()
        if self.as_characters:
            for entry, one in zip(content["predictions"], self.found.predictions, strict=True):
                entry["view"] = ascii_view(one.seen.pixels)
        return content


def shown(found: Predictions, view: str | None) -> ShownPredictions:
    """Return predictions to be shown, after writing the PNG if one is asked for.

    :raises StorageError: the PNG cannot be written.
    """
    if view is not None and view != ASCII and found.predictions:
        write_bytes(Path(view), png_view(found))
    return ShownPredictions(found, view == ASCII)


def show(predictions: ShownPredictions) -> None:
    """Print predictions to stdout."""
    found = predictions.found
    for one in found.predictions:
        if predictions.as_characters:
            print_lines(ascii_view(one.seen.pixels))
        print_text(_line(one))
    if found.predictions:
        print_text(f"{found.model} in {found.runtime}")


def _line(one: Prediction) -> str:
    likely = [other for other in one.candidates if other is one.best or other.probability >= _SHOWN_PROBABILITY]
    chances = ", ".join(f"{other.label} {100 * other.probability:.1f} %" for other in likely)
    how = f"inverted, {one.seen.framing}" if one.seen.inverted else one.seen.framing
    truth = f", is {one.truth}" if one.truth and one.truth != one.best.label else ""
    return f"{one.file}: {one.best.label}{truth}  ({chances}; {how})" + (
        f"; note: {one.seen.note}" if one.seen.note else ""
    )
