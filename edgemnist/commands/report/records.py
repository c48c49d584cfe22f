"""The work folder's part of a report: its stages, what was measured under corruptions, versions and digests."""

from __future__ import annotations

import gzip
import platform
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from edgemnist.artifacts.folder import MAX_MANIFEST_BYTES, SET_ASIDE, StageRecord, WorkFolder
from edgemnist.commands.report.measuring import Measured, title_of
from edgemnist.commands.report.repeating import UNRECORDED
from edgemnist.commands.report.report import FileDigest, LeftOut, Provenance, Stage, Stages
from edgemnist.commands.report.sections import CorruptionRow, Estimate, Firmware, Proportion, Robustness
from edgemnist.commands.robustness.report import REPORT_FORMAT as ROBUSTNESS_FORMAT
from edgemnist.commands.robustness.report import REPORT_NAME as ROBUSTNESS_NAME
from edgemnist.harness.models import Subject, digest_of, size_of
from edgemnist.keras_io.formats import KERAS_SUFFIXES
from edgemnist.support.environment import SOURCE_DATE
from edgemnist.support.files import package_versions, sha256_of
from edgemnist.support.reading import read_json
from edgemnist.support.version import VERSION

ROBUSTNESS = "robustness"
_FITS = ("train", "prune", "qat")
_PACKAGES = (
    "numpy", "tflite-runtime", "ai-edge-litert", "tflite-micro", "tensorflow", "tf-keras",
    "tensorflow-model-optimization", "ai-edge-quantizer", "onnx", "ziglang", "unicorn", "capstone", "jinja2",
)  # fmt: skip


# --- stages ----------------------------------------------------------------------------------------------------------


def stages(measured: Measured, work: WorkFolder | None, firmware: Firmware | None) -> Stages:
    """Return the files from the training to the device; ``work`` is None for models that were named."""
    rows = [*(_fits(work) if work else ()), *_converted(measured, work), *_firmware(firmware)]
    source = "the work folder's records, and the files themselves" if work else "the files that were named"
    return Stages(source, tuple(rows))


def _fits(work: WorkFolder) -> Iterator[Stage]:
    for name, record in work.stages().items():
        if name not in _FITS:
            continue
        for file in record.outputs:
            path = work.path(file)
            if path.suffix in KERAS_SUFFIXES and path.is_file() and sha256_of(path) == record.outputs[file]:
                yield _stage(name, path, record.results.get("accuracy"), "Keras, whole test set", _note(name, record))


def _note(name: str, record: StageRecord) -> str:
    """Return what else there is to say of a Keras model."""
    notes = []
    if name == "train":
        notes.append(f"{record.settings.get('arch', '')}, seed {record.settings.get('seed', '')}")
    if name == "prune" and "sparsity" in record.results:
        notes.append(f"{record.results['sparsity']:.0%} of the weights are zero")
    if SET_ASIDE in record.results:
        notes.append(f"set aside: {record.results[SET_ASIDE]}")
    return "; ".join(notes)


def _converted(measured: Measured, work: WorkFolder | None) -> Iterator[Stage]:
    """Yield the ``.tflite`` files, the int8 one's C array and its C code."""
    images = f"{measured.parity['images']:,} images"
    for model in measured.parity["models"]:
        path = _path_of(measured, model["file"], work)
        if work is not None and path.suffix in KERAS_SUFFIXES:
            continue  # it is among what was trained
        runs = [run for run in measured.parity["runs"] if run["file"] == model["file"]]
        fast = min(runs, key=lambda run: float(run["latency"]["median_us"]), default=None)
        shown = next((run for run in runs if run["is_oracle"]), fast)
        accuracy, by = (shown["accuracy"]["share"], f"{shown['runtime']}, {images}") if shown else (None, "")
        yield _stage(f"convert to {model['kind']}" if work else model["kind"], path, accuracy, by, latency=fast)
    for name in ("model_int8.c", "c/model.c"):
        if work is not None and work.path(name).is_file():
            yield _code(measured, work.path(name), images, compiled=name.startswith("c/"))


def _path_of(measured: Measured, file: str, work: WorkFolder | None) -> Path:
    if work is not None:
        return work.path(file)
    return next(model.path for model in measured.subjects.models if model.name == file)


def _code(measured: Measured, path: Path, images: str, *, compiled: bool) -> Stage:
    name = measured.subject.model.name
    run = next((one for one in measured.parity["runs"] if (one["file"], one["runtime"]) == (name, "host-c")), None)
    if not compiled or run is None:
        return _stage("C code" if compiled else "C array", path, None, "")
    return _stage("C code", path, run["accuracy"]["share"], f"host-c, {images}", latency=run)


def _firmware(found: Firmware | None) -> Iterator[Stage]:
    if found is None:
        return
    accuracy = found.accuracy
    by = f"{found.device}, {accuracy.total:,} images" if accuracy else ""
    note = (
        f"{found.flash_bytes:,} B of flash, {found.ram_bytes:,} B of RAM with the application and the stack's reserve"
    )
    yield Stage(
        stage="firmware",
        file=f"firmware.bin for {found.board}",
        accuracy=accuracy.share if accuracy else None,
        measured_with=by,
        bytes=found.flash_bytes,
        gzip_bytes=None,
        latency_us=1000 * found.milliseconds.expected if found.milliseconds else None,
        latency_of=f"{found.board}, estimated" if found.milliseconds else "",
        note=note,
    )


def _stage(
    stage: str,
    path: Path,
    accuracy: float | None,
    measured_with: str,
    note: str = "",
    latency: Mapping[str, Any] | None = None,
) -> Stage:
    content = path.read_bytes() if path.is_file() else None
    return Stage(
        stage=stage,
        file=path.name,
        accuracy=accuracy,
        measured_with=measured_with if accuracy is not None else "",
        bytes=size_of(path) if path.exists() else None,
        gzip_bytes=None if content is None else len(gzip.compress(content, mtime=0)),
        latency_us=latency["latency"]["median_us"] if latency else None,
        latency_of=latency["runtime"] if latency else "",
        note=note,
    )


# --- robustness ------------------------------------------------------------------------------------------------------


def robustness(measured: Measured, work: WorkFolder | None) -> tuple[Robustness | None, tuple[LeftOut, ...]]:
    """Return what ``edgemnist robustness`` left in the work folder of the model that the report is about."""
    command = "run `edgemnist robustness` with the same --work, then the report again"
    if work is None:
        return None, (LeftOut(ROBUSTNESS, "it is taken from a work folder, and the models were named"),)
    record, path = work.find("robustness"), work.path(ROBUSTNESS_NAME)
    if record is None or not path.is_file() or record.outputs.get(ROBUSTNESS_NAME) != sha256_of(path):
        return None, (LeftOut(ROBUSTNESS, f"nobody has measured it in this work folder: {command}"),)
    document = read_json(path, MAX_MANIFEST_BYTES)
    digests = {model["sha256"] for model in document["models"]}
    if document["format"] != ROBUSTNESS_FORMAT or digest_of(measured.subject.path) not in digests:
        return None, (LeftOut(ROBUSTNESS, f"what was measured is of other models: {command}"),)
    return _robustness(document), ()


def _robustness(document: Mapping[str, Any]) -> Robustness:
    names = list(dict.fromkeys(result["condition"]["corruption"] for result in document["results"]))
    rows = [_corruption(one) for one in document["summaries"]]
    return Robustness(
        source=f"{ROBUSTNESS_NAME} of the work folder: {document['sampling']}, seed {document['seed']}",
        models=tuple(f"{model['file']} in {model['runtime']}" for model in document["models"]),
        reference=document["reference"],
        clean=tuple(Proportion(**share) for share in document["clean"]["accuracy"]),
        corruptions=tuple(row for row in rows if row.name in names),
        summaries=tuple(row for row in rows if row.name not in names),
        verdicts=tuple(one["sentence"] for one in document["verdicts"]),
    )


def _corruption(summary: Mapping[str, Any]) -> CorruptionRow:
    return CorruptionRow(
        name=summary["name"],
        conditions=summary["conditions"],
        accuracy=tuple(Estimate(**one) for one in summary["accuracy"]),
        drop=tuple(None if one is None else Estimate(**one) for one in summary["drop"]),
    )


# --- versions and digests --------------------------------------------------------------------------------------------


def provenance(found: Sequence[Subject], work: WorkFolder | None, commands: tuple[str, ...]) -> Provenance:
    """Return what the report was made with and of."""
    recorded = {} if work is None else work.stages()
    digests = [
        FileDigest(file, name, digest) for name, record in recorded.items() for file, digest in record.outputs.items()
    ]
    if work is None:
        digests = [FileDigest(one.model.name, "", digest_of(one.path)) for one in found if one.path.is_file()]
    data = [
        FileDigest(title_of(record.settings["dataset"]), "data", record.settings["dataset_sha256"])
        for record in recorded.values()
        if "dataset_sha256" in record.settings
    ]
    return Provenance(
        created=_now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        edgemnist=VERSION,
        python=platform.python_version(),
        system=platform.platform(),
        packages=package_versions(*_PACKAGES),
        digests=(*data[:1], *digests),
        commands=commands,
        unrecorded=UNRECORDED if work else "",
    )


def _now() -> datetime:
    """Return the time, or the one by which builds that can be repeated are dated."""
    given = SOURCE_DATE.text() or ""
    return datetime.fromtimestamp(int(given), timezone.utc) if given.isdigit() else datetime.now(timezone.utc)
