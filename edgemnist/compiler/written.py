"""Generated C on disk: its files, the picture of its memory and the manifest that says how it was made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import util
from pathlib import Path
from typing import Any

from edgemnist.compiler import memory_map
from edgemnist.compiler.generate import CodegenSettings, GeneratedModel, generate
from edgemnist.support.files import atomic_path, write_json, write_text
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
    """Generate a model's C and write it to a folder. The PNG map needs matplotlib.

    ``source_name``: the file name of the model, for the code's head and its manifest.

    :raises EdgeMnistError: as for :func:`~edgemnist.compiler.generate.generate`; or the folder can't be written.
    """
    generated = generate(model, settings, source_name=source_name)
    for name, text in generated.files.items():
        write_text(folder / name, text)
    written = list(generated.files)
    if util.find_spec("matplotlib") is not None:
        picture = f"{settings.name}_memory.png"
        with atomic_path(folder / picture) as temporary:
            memory_map.draw(generated.program, generated.plan, settings.name, temporary)
        written.append(picture)
    manifest = f"{settings.name}_manifest.json"
    result = WrittenCode(generated, folder, sorted([*written, manifest]))
    content = {"command": settings.command(source_name), **generated.as_json(), "files": list(result.files)}
    write_json(folder / manifest, content)
    return result
