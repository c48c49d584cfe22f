"""From a generated model to a package: checks, texts, and an archive that comes out the same each time."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemnist.compiler.ends import Ends, ends_of
from edgemnist.compiler.generate import GeneratedModel
from edgemnist.compiler.self_test import no_self_test
from edgemnist.mcu.packages.base import Example, Package, Platform, fill, words
from edgemnist.mcu.packages.dump import dump_values
from edgemnist.mcu.packages.end_texts import end_values, shape_text
from edgemnist.mcu.packages.examples import example_code
from edgemnist.mcu.packages.registry import find_platform
from edgemnist.support.errors import InputError
from edgemnist.support.files import write_bytes
from edgemnist.tflite.preprocessing import class_count

DEFAULT_VERSION = "1.0.0"
DEFAULT_VENDOR = "edgemnist"

ORACLES = {"tflm": "TensorFlow Lite for Microcontrollers", "tflite": "TensorFlow 2.21's reference kernels"}
"""Whose bytes the generated C gives, by rounding."""

EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip can name (PKWARE APPNOTE 4.4.6); every entry has it."""

_WINDOWS_DEVICES = words("aux con nul prn") | {f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10)}
"""Names of devices on Windows, whatever the suffix."""


@dataclass(frozen=True)
class PackageResult:
    """A written package: ``files`` are the paths in the archive, sorted; ``bytes`` its size."""

    platform: str
    path: Path
    files: tuple[str, ...]
    bytes: int
    sha256: str

    def as_json(self) -> dict[str, Any]:
        """Return the package as JSON values."""
        return {
            "platform": self.platform,
            "path": str(self.path),
            "files": list(self.files),
            "bytes": self.bytes,
            "sha256": self.sha256,
        }


def package_firmware(
    platform: str,
    generated: GeneratedModel,
    out: Path | None = None,
    *,
    version: str = DEFAULT_VERSION,
    vendor: str = DEFAULT_VENDOR,
    url: str = "",
    examples: Sequence[Example] = (),
) -> PackageResult:
    """Write the package of a model for a platform to ``out``, by default under its usual name in the current folder.

    ``version`` is three numbers; ``vendor`` and ``url``, the package's home, go into manifests that have such fields.
    ``examples`` are what the main program classifies; without them it gets the self-test's kind of noise. The same
    arguments give the same bytes.

    :raises InputError: an argument that the platform can't take, or ``out`` is a folder.
    :raises StorageError: ``out`` can't be written.
    """
    target = find_platform(platform)
    package = make_package(target, generated, version=version, vendor=vendor, url=url, examples=examples)
    path = _checked_out(target, out, fill(target.file_name, package.values))
    folder = fill(target.folder, package.values)
    prefix = f"{folder}/" if folder else ""
    files = {prefix + name: text for name, text in sorted(target.files(package).items())}
    content = zip_bytes(files)
    write_bytes(path, content)
    return PackageResult(target.name, path, tuple(files), len(content), hashlib.sha256(content).hexdigest())


def make_package(
    platform: Platform, generated: GeneratedModel, *, version: str, vendor: str, url: str, examples: Sequence[Example]
) -> Package:
    """Check the arguments and return what the platform makes its files from.

    :raises InputError: as for :func:`package_firmware`.
    """
    _check_name(platform, generated)
    _check_target(platform, generated)
    _check("version", version, r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", "three numbers, such as 1.0.0")
    _check("vendor", vendor, r"[A-Za-z0-9_-]{1,63}", "letters, digits, '_' and '-'")
    _check("URL", url, r"|https?://[!-;=?-~]+", "an http or https address, or nothing")
    name, files = generated.name, generated.files
    if not generated.self_test:
        raise InputError(
            f"a package brings a self-test, and the network has none: {no_self_test(generated.program.graph)}; "
            "take the C of `edgemnist codegen`"
        )
    code, ends = example_code(generated, examples), end_values(generated)
    compiled = {file: files[file] for file in (f"{name}.c", f"{name}_test.c")}
    return Package(
        generated,
        sources={**compiled, f"{name}_examples.c": code.source},
        headers={f"{name}.h": files[f"{name}.h"], f"{name}_examples.h": code.header},
        kernels={file: text for file, text in files.items() if file.startswith("em_") or file.endswith(".inc")},
        examples=code,
        values={
            **_model_values(generated),
            **_package_values(platform, version, vendor, url),
            **ends,
            **code.values(),
            **dump_values(generated, code.count, ends),
        },
    )


def _package_values(platform: Platform, version: str, vendor: str, url: str) -> dict[str, str]:
    return {
        "platform": platform.name,
        "platform_title": platform.description,
        "version": version,
        "vendor": vendor,
        "url": url,
    }


def _model_values(generated: GeneratedModel) -> dict[str, str]:
    graph, program = generated.program.graph, generated.program
    return {
        "name": generated.name,
        "NAME": generated.name.upper(),
        "about": f"{_ends_in_words(ends_of(graph))}, {_bytes_of_ram(generated)} of RAM, "
        f"{program.constant_bytes} bytes of constants, {program.macs} multiply-accumulates",
        "oracle": ORACLES[program.settings.rounding],
        "model_start": ", ".join(f"0x{byte:02x}" for byte in bytes.fromhex(graph.source_sha256)[:8]),
    }


def _ends_in_words(ends: Ends) -> str:
    entries, results = ([end.tensor for end in some] for some in (ends.inputs, ends.outputs))
    kind, taken = f"{entries[0].dtype} network", f"input {shape_text(entries[0])}"
    if ends.several:
        several, given = (", ".join(map(shape_text, some)) for some in (entries, results))
        taken = taken if len(entries) == 1 else f"{len(entries)} inputs ({several})"
        return f"{kind}, {taken}, {f'output {given}' if len(results) == 1 else f'{len(results)} outputs ({given})'}"
    return f"{kind}, {taken}, {class_count(results[0].elements)} classes"


def _bytes_of_ram(generated: GeneratedModel) -> str:
    least, most = generated.arena_range
    return f"{least} bytes" if least == most else f"{least} to {most} bytes, by core,"


def zip_bytes(files: Mapping[str, str]) -> bytes:
    """Return a zip of ``files``, sorted, undated, stored: compressed, its bytes would depend on the zlib at hand."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, EARLIEST)
            entry.create_system = 3  # Unix, wherever it is made
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, files[name].encode())
    return buffer.getvalue()


def _check_name(platform: Platform, generated: GeneratedModel) -> None:
    name = generated.name
    if name.lower() in _WINDOWS_DEVICES:
        raise InputError(f"Windows can't have a file {name}.c; give the model another name: --name digits")
    if name.lower() in platform.taken:
        raise InputError(
            f"{platform.name} has something of its own called {name!r}; give the model another name: --name digits"
        )


def _check_target(platform: Platform, generated: GeneratedModel) -> None:
    target = generated.target
    if target.startswith(("x86-64", "cortex-a")) and not platform.desktop:
        raise InputError(
            f"this C is for target {target!r} and {platform.name} builds for microcontrollers; "
            "generate it again with --target portable"
        )


def _check(what: str, value: str, pattern: str, allowed: str) -> None:
    if not re.fullmatch(pattern, value, re.ASCII):
        raise InputError(f"the package's {what} is {value!r}; it has to be {allowed}")


def _checked_out(platform: Platform, out: Path | None, usual: str) -> Path:
    path = out or Path(usual)
    if path.is_dir():
        raise InputError(f"{str(path)!r} is a folder; give the package's file name: --out {path / usual}")
    if "@{vendor}" in platform.file_name and path.name != usual:
        raise InputError(f"{platform.name} tools know a package by its file name, so {path.name!r} has to be {usual!r}")
    return path
