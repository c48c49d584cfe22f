"""The functions behind ``edgemnist firmware`` and ``edgemnist boards``: they find the model and the folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from edgemnist.artifacts.context import context_beside
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.firmware.report import FirmwareReport
from edgemnist.commands.firmware.run import RunSettings, run_emulated_board, run_real_board
from edgemnist.compiler.generate import CodegenSettings, GeneratedModel, generate
from edgemnist.harness.models import find_model
from edgemnist.harness.subjects import ImageChoice, file_subjects
from edgemnist.mcu import DEFAULT_BOARD
from edgemnist.mcu.boards import find_board
from edgemnist.mcu.build import BuildSettings, FirmwareImage, build_firmware, for_core
from edgemnist.mcu.network import NetworkSettings, TflmPlace
from edgemnist.mcu.packages.base import Example
from edgemnist.mcu.packages.build import PackageResult, package_firmware
from edgemnist.mcu.packages.examples import image_examples
from edgemnist.mcu.packages.registry import find_platform
from edgemnist.support.errors import InputError
from edgemnist.tflite.file import read_tflite


def network_settings(engine: str = "c", include: Path | None = None, library: Path | None = None) -> NetworkSettings:
    """Return the engine that the flags ask for.

    :raises InputError: only one of TFLM's two places is given, or an engine that takes none.
    """
    if include is None and library is None:
        return NetworkSettings(engine)
    if include is None or library is None or engine != "tflm":
        raise InputError("--tflm-include and --tflm-lib go together, with --engine tflm")
    return NetworkSettings(engine, tflm=TflmPlace(include, library))


def build(model: Path | None, board_name: str, settings: BuildSettings, out: Path | None, work: Path) -> FirmwareImage:
    """Build a model's firmware into ``out``, by default into ``firmware/BOARD`` of the work folder.

    :raises EdgeMnistError: as :func:`build_firmware`; or there is no such board or model.
    """
    board = find_board(board_name)
    path = find_model(model, WorkFolder(work))
    return build_firmware(read_tflite(path), board, for_core(settings, board), out or work / "firmware" / board.name)


def run(
    model: Path | None, board_name: str, port: str | None, baud: int, settings: RunSettings, work: Path
) -> FirmwareReport:
    """Run a model on an emulated board, or on the real one at ``port``.

    :raises EdgeMnistError: as :func:`run_emulated_board` and :func:`run_real_board`.
    """
    path = find_model(model, WorkFolder(work))
    if port is not None:
        return run_real_board(path, port, settings, baud=baud)
    board = find_board(board_name)
    return run_emulated_board(path, board, replace(settings, build=for_core(settings.build, board)))


def run_on_default_board(work: WorkFolder) -> FirmwareReport:
    """Run the work folder's int8 model on an emulated Cortex-M4; the built files go to ``firmware/BOARD`` there.

    :raises EdgeMnistError: as :func:`run_emulated_board`.
    """
    board = find_board(DEFAULT_BOARD)
    settings = RunSettings(build=for_core(BuildSettings(), board))
    return run_emulated_board(find_model(None, work), board, settings, work.path(f"firmware/{board.name}"))


def package(platform: str, model: Path | None, out: Path | None, name: str, work: Path) -> PackageResult:
    """Pack a model for a platform, with one test image of each class as examples where its dataset is at hand.

    :raises EdgeMnistError: as :func:`package_firmware` and :func:`edgemnist.compiler.generate.generate`.
    """
    find_platform(platform)
    path = find_model(model, WorkFolder(work))
    context = context_beside(path)
    settings = CodegenSettings(name=name)
    if context is not None:
        settings = replace(settings, labels=context.class_names, normalisation=context.normalisation)
    generated = generate(read_tflite(path), settings, source_name=path.name)
    return package_firmware(platform, generated, out, examples=_examples(path, generated))


def _examples(path: Path, generated: GeneratedModel) -> list[Example]:
    """Return one test image of each class, none where the model's dataset is not to be had or does not fit."""
    try:
        subjects = file_subjects([path], ImageChoice(None))
    except InputError:
        return []
    return image_examples(generated, subjects.split, normalisation=subjects.normalisation)
