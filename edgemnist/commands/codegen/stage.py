"""From a ``.tflite`` file to a folder of C99: the stage behind ``edgemnist codegen``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.compiler.dump import DUMPS, Dump, check_dump
from edgemnist.compiler.generate import CodegenSettings, compile_model
from edgemnist.compiler.host_cpu import named_target
from edgemnist.compiler.passes import FUSIONS
from edgemnist.compiler.placement import parsed_memories
from edgemnist.compiler.written import WrittenCode, write_code
from edgemnist.harness.feeding import FeedingSettings
from edgemnist.harness.generating import with_preprocessing
from edgemnist.harness.models import COMPILED, Subject, find_subject
from edgemnist.mcu.build import BuildSettings
from edgemnist.mcu.counting import count_layers
from edgemnist.support.choices import unknown
from edgemnist.support.errors import InputError
from edgemnist.tflm.least_arena import measure_arena


@dataclass(frozen=True, kw_only=True)
class CodeSettings:
    """What ``edgemnist codegen`` takes. Without ``model`` it is the work folder's int8 one.

    ``out``: the folder to write to, by default ``c/`` in the work folder. ``code``: what to generate;
    ``feeding``: what the user says of how the model is fed, for the C that quantises pictures.
    ``count_layers``: whether what each layer costs is counted now, on the target's emulated core.
    """

    model: Path | None = None
    out: Path | None = None
    code: CodegenSettings = field(default_factory=CodegenSettings)
    feeding: FeedingSettings = field(default_factory=FeedingSettings)
    count_layers: bool = False


def run_codegen(settings: CodeSettings, work: WorkFolder) -> WrittenCode:
    """Generate the C of a ``.tflite`` and write it; labels and normalisation are what is recorded of its training.

    :raises EdgeMnistError: as for :func:`~edgemnist.compiler.written.write_code`; or there is no int8 model.
    """
    subject = find_subject(settings.model, work, COMPILED, output=settings.feeding.output, any_ends=True)
    code = with_preprocessing(_code(settings, subject), subject, settings.feeding)
    folder = settings.out or work.path("c")
    written = write_code(subject.tflite, code, folder, source_name=subject.path.name)
    return replace(written, tflm_arena_bytes=measure_arena(subject.tflite))


def dump_model(kind: str, settings: CodeSettings, work: WorkFolder) -> Dump:
    """Return one of ``dump.DUMPS`` of a model, compiled with the same settings; nothing is written.

    :raises InputError: there is no such dump, or a setting is unknown.
    :raises ModelError: the model can't be compiled; every reason is in the message.
    """
    dump = DUMPS[check_dump(kind)]
    subject = find_subject(settings.model, work, COMPILED, output=settings.feeding.output, any_ends=True)
    return Dump(kind, dump(*compile_model(subject.tflite, _code(settings, subject), any_net=True)))


def _code(settings: CodeSettings, subject: Subject) -> CodegenSettings:
    return count_layers(subject.tflite, settings.code, BuildSettings()) if settings.count_layers else settings.code


def settings_from(
    *,
    name: str,
    target: str,
    rounding: str,
    without: Sequence[str],
    labels: str | None,
    sparse: str = "auto",
    with_dump: bool = False,
    ram: int | None = None,
    input_apart: bool = False,
    single_file: bool = False,
    memory: str | None = None,
) -> CodegenSettings:
    """Return the settings that the flags ask for.

    ``target`` may be ``host``; ``labels`` is a comma-separated list or a JSON array.

    :raises InputError: a fusion's name is unknown, the labels are no JSON array, or the memories can't be read.
    """
    for fusion in without:
        if fusion not in FUSIONS:
            raise unknown("fusion", fusion, FUSIONS)
    fusions = tuple(fusion for fusion in FUSIONS if fusion not in without)
    named = _parse_labels(labels or "")
    target = named_target(target)
    return CodegenSettings(
        name=name, target=target, rounding=rounding, fusions=fusions, labels=named, sparse=sparse, with_dump=with_dump,
        ram=ram, input_apart=input_apart, single_file=single_file,
        memories=parsed_memories(memory),
    )  # fmt: skip


def _parse_labels(text: str) -> tuple[str, ...]:
    if text.lstrip().startswith("["):
        try:
            return tuple(str(label) for label in json.loads(text))
        except (ValueError, RecursionError) as error:
            raise InputError(f"labels {text!r} are no JSON array: {error}; give a,b,c") from error
    return tuple(label.strip() for label in text.split(",") if label.strip())
