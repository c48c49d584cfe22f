"""Generated C on disk: its files, the picture of its memory and the manifest that says how it was made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import util
from pathlib import Path
from typing import Any

from edgemnist.compiler import memory_picture
from edgemnist.compiler.generate import CodegenSettings, GeneratedModel, generate
from edgemnist.support.files import json_text, write_together
from edgemnist.support.locking import alone_in
from edgemnist.tflite.file import TfliteModel


@dataclass(frozen=True, eq=False)
class WrittenCode:
    """A generated model in ``folder``.

    ``tflm_arena_bytes``: what TFLM's interpreter uses for the same model, measured; None where nobody measured it.
    """

    generated: GeneratedModel
    folder: Path
    files: Sequence[str]
    tflm_arena_bytes: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the JSON document of ``edgemnist codegen --json``."""
        return {
            **self.generated.as_json(),
            "tflm_arena_bytes": self.tflm_arena_bytes,
            "folder": str(self.folder),
            "files": list(self.files),
        }


def write_code(model: TfliteModel, settings: CodegenSettings, folder: Path, *, source_name: str) -> WrittenCode:
    """Generate a model's C and write it to a folder. The PNG map needs matplotlib, and a net that is not
    too long for a picture.

    ``source_name``: the file name of the model, for the code's head and its manifest.

    :raises EdgeMnistError: as for :func:`~edgemnist.compiler.generate.generate`; or the folder can't be written.
    """
    generated = generate(model, settings, source_name=source_name)
    with alone_in(folder, "another command that generates code"):
        return _write(generated, settings, folder, source_name)


def _write(generated: GeneratedModel, settings: CodegenSettings, folder: Path, source_name: str) -> WrittenCode:
    contents = {name: text.encode() for name, text in generated.files.items()}
    drawn = len(generated.program.steps) <= memory_picture.MOST_DRAWN
    if drawn and util.find_spec("matplotlib") is not None:
        drawing = memory_picture.picture(generated.program, generated.plan, settings.name)
        contents[f"{settings.name}_memory.png"] = drawing
    manifest = f"{settings.name}_manifest.json"
    result = WrittenCode(generated, folder, sorted([*contents, manifest]))
    record = {"command": settings.command(source_name), **generated.as_json(), "files": list(result.files)}
    contents[manifest] = json_text(record).encode()
    write_together({folder / name: content for name, content in contents.items()})
    return result
