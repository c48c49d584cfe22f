"""The functions behind ``edgemnist firmware``: they find the model and the folder."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.firmware.report import FirmwareReport
from edgemnist.commands.firmware.run import RunSettings, run_emulated_board, run_real_board
from edgemnist.compiler.generate import CodegenSettings, GeneratedModel, generate, require_integers
from edgemnist.compiler.placement import parsed_memories
from edgemnist.compiler.targets import ANY
from edgemnist.harness.feeding import FeedingSettings
from edgemnist.harness.generating import with_preprocessing
from edgemnist.harness.images import ImageSettings
from edgemnist.harness.models import COMPILED, Subject, find_subject
from edgemnist.harness.subjects import with_images
from edgemnist.mcu import DEFAULT_BOARD
from edgemnist.mcu.boards import Board, find_board
from edgemnist.mcu.build import BuildSettings, FirmwareImage, build_fitted, for_core
from edgemnist.mcu.counting import count_layers
from edgemnist.mcu.packages.base import Example
from edgemnist.mcu.packages.build import PackageResult, package_firmware
from edgemnist.mcu.packages.examples import image_examples
from edgemnist.mcu.packages.registry import find_platform
from edgemnist.support.errors import InputError


@dataclass(frozen=True, kw_only=True)
class FirmwareSettings:
    """What ``edgemnist firmware build`` takes. Without ``model`` it is the work folder's int8 one.

    ``out``: the folder to build in, by default ``firmware/BOARD`` in the work folder. ``count_layers``: whether what
    each layer costs is counted first.
    """

    model: Path | None = None
    board: str = DEFAULT_BOARD
    out: Path | None = None
    build: BuildSettings = field(default_factory=BuildSettings)
    count_layers: bool = False


@dataclass(frozen=True, kw_only=True)
class PackageSettings:
    """What ``edgemnist firmware package`` takes. Without ``model`` it is the work folder's int8 one.

    ``out``: the zip to write; None is for :func:`package_firmware` to say. ``name`` prefixes files and C names.
    ``target`` is the compiler's: "any" brings every core's bodies. ``count_layers`` as for ``FirmwareSettings``.
    ``ram``: the bytes that the arena may take, None for any. ``memory``: ``ram=BYTES,flash=BYTES,…``, the memories that
    arena and weights are placed in. ``with_dump``: the main program also prints every operator's output.
    """

    platform: str
    model: Path | None = None
    out: Path | None = None
    name: str = "model"
    target: str = ANY
    feeding: FeedingSettings = field(default_factory=FeedingSettings)
    count_layers: bool = False
    ram: int | None = None
    memory: str | None = None
    with_dump: bool = False


def build(settings: FirmwareSettings, work: WorkFolder) -> FirmwareImage:
    """Build a model's firmware.

    :raises EdgeMnistError: as :func:`build_fitted`; or there is no such board or model.
    """
    board = find_board(settings.board)
    subject = find_subject(settings.model, work, COMPILED, any_ends=True)
    folder = settings.out or work.path(f"firmware/{board.name}")
    build = _for_core(settings.build, board, subject, count=settings.count_layers)
    return build_fitted(subject.tflite, board, build, folder)


def run(settings: RunSettings, work: WorkFolder) -> FirmwareReport:
    """Run a model on an emulated board, or on the real one at the port.

    :raises InputError: built files are to be kept of a real board, for which nothing is built.
    :raises EdgeMnistError: as :func:`run_emulated_board` and :func:`run_real_board`.
    """
    if settings.port is not None and settings.out is not None:
        raise InputError(
            f"--out {str(settings.out)!r} is for the files of an emulated board, and nothing is built for the one at "
            f"{settings.port!r}; leave it out, or use `edgemnist firmware build --out`"
        )
    subject = find_subject(settings.model, work, COMPILED, output=settings.feeding.output, any_ends=True)
    if settings.port is not None:
        return run_real_board(subject, settings.port, settings)
    board = find_board(settings.board)
    build = _for_core(settings.build, board, subject, count=settings.count_layers)
    return run_emulated_board(subject, board, replace(settings, build=build))


def _for_core(settings: BuildSettings, board: Board, subject: Subject, *, count: bool) -> BuildSettings:
    """Return the settings for a board's core, with its layers counted where that was asked for."""
    settings = for_core(settings, board)
    if not count or settings.network.engine != "c":
        return settings
    codegen = count_layers(subject.tflite, settings.network.codegen, settings, board.core)
    return replace(settings, network=replace(settings.network, codegen=codegen))


def run_on_default_board(work: WorkFolder) -> FirmwareReport:
    """Run the work folder's int8 model on an emulated Cortex-M4; the built files go to ``firmware/BOARD`` there.

    :raises EdgeMnistError: as :func:`run_emulated_board`.
    """
    return run(RunSettings(out=work.path(f"firmware/{DEFAULT_BOARD}")), work)


def package(settings: PackageSettings, work: WorkFolder) -> PackageResult:
    """Pack a model for a platform, with one test image of each class as examples where its dataset is at hand.

    :raises EdgeMnistError: as :func:`package_firmware` and :func:`edgemnist.compiler.generate.generate`.
    """
    find_platform(settings.platform)
    subject = find_subject(settings.model, work, COMPILED, output=settings.feeding.output, any_ends=True)
    code = CodegenSettings(
        name=settings.name,
        target=settings.target,
        with_dump=settings.with_dump,
        ram=settings.ram,
        memories=parsed_memories(settings.memory),
    )
    code = with_preprocessing(code, subject, settings.feeding)
    if settings.count_layers:
        code = count_layers(subject.tflite, code, BuildSettings())
    generated = generate(subject.tflite, code, source_name=subject.path.name)
    require_integers(generated.program.graph)
    return package_firmware(
        settings.platform, generated, settings.out, examples=_examples(subject, generated, settings.feeding)
    )


def _examples(subject: Subject, generated: GeneratedModel, feeding: FeedingSettings) -> list[Example]:
    """Return one test image of each class.

    There is none where the dataset is not to be had or does not fit, or there are several inputs or outputs.
    """
    graph = generated.program.graph
    if (len(graph.inputs), len(graph.outputs)) != (1, 1):
        return []
    try:
        subjects = with_images([subject], ImageSettings(count=None), feeding)
    except InputError:
        return []
    return image_examples(generated, subjects.split, preprocessing=subjects.preprocessing)
