"""The main job: data -> train -> prune -> convert -> C array and C code -> firmware -> parity, in one work folder."""

from __future__ import annotations

import gzip
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.codegen.stage import CodeSettings, run_codegen
from edgemnist.commands.convert.settings import ConversionResult, ConversionSettings
from edgemnist.commands.firmware.report import FirmwareReport
from edgemnist.commands.firmware.stage import run_on_default_board
from edgemnist.commands.parity.report import ParityReport, RunEntry
from edgemnist.commands.parity.stage import ParitySettings, parity
from edgemnist.commands.prune.stage import PruneResult, PruneSettings, run_pruning
from edgemnist.commands.run.choice import PruningChoice, convert_the_better
from edgemnist.commands.run.presets import PRESETS, Preset
from edgemnist.commands.train.stage import load_for_training, run_training
from edgemnist.compiler.written import WrittenCode
from edgemnist.data.base import Dataset
from edgemnist.data.loading import AUTO, load_for_run
from edgemnist.harness.images import ImageSettings
from edgemnist.mcu import DEFAULT_BOARD
from edgemnist.support import progress
from edgemnist.support.choices import unknown
from edgemnist.support.errors import MissingDependencyError
from edgemnist.tflite.kinds import ModelKind
from edgemnist.training.architectures import DEFAULT_ARCHITECTURE, find_architecture
from edgemnist.training.chance import require_learned
from edgemnist.training.mobilenet import image_for
from edgemnist.training.recipe import fine_tuning_epochs_for, given_or
from edgemnist.training.reference_nets import Cost, advice_on_cost
from edgemnist.training.sparsity import check_sparsity
from edgemnist.training.train import TrainResult, TrainSettings, usual_batch, usual_epochs

MODES = (ModelKind.FLOAT32, ModelKind.INT8)
STAGES = 7

RECORDED_STAGES = ("train", "prune", "convert", "parity")
"""The stages that have records of their own beside the main job's."""

WHOLE_TEST_SET_RUNTIMES = (
    "keras", "litert-default", "tflite-runtime-default", "tflite-runtime-reference", "tflm", "host-c",
)  # fmt: skip
"""What runs on the whole test set: TensorFlow's interpreter has LiteRT's kernels and would only take its time again.
`edgemnist parity --all` runs everything."""


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """What ``edgemnist run`` takes; ``dataset`` "auto" is full MNIST where it is to be had, else mnist-5k.

    ``image_size``: height and width in pixels, None for what suits.
    """

    dataset: str = "auto"
    arch: str = DEFAULT_ARCHITECTURE
    preset: str = "standard"
    seed: int = 0
    sparsity: float | None = None
    epochs: int | None = None
    skip_unreadable: bool = False
    image_size: int | None = None

    def chosen_preset(self) -> Preset:
        """Return the preset.

        :raises InputError: there is none of that name.
        """
        if self.preset not in PRESETS:
            raise unknown("preset", self.preset, PRESETS)
        return PRESETS[self.preset]


@dataclass(frozen=True)
class StageRow:
    """A line of the final table. ``accuracy`` in 0..1 and ``accuracy_of`` what it was measured with; sizes in bytes;
    ``latency_us`` is the median of one invoke and ``latency_of`` the runtime; None where a stage has none.
    """

    stage: str
    file: str
    accuracy: float | None
    accuracy_of: str
    size: int
    gzip_size: int
    latency_us: float | None
    latency_of: str


@dataclass(frozen=True, eq=False)
class RunReport:
    """What the main job made. ``first_line`` says which data it ran on; ``seconds`` is wall time by stage.

    ``firmware`` is the run on an emulated microcontroller, or why there was none; ``advice`` says whether a dense net
    does better for less, "" where nobody knows; ``pruning`` is which net the files were made of.
    """

    first_line: str
    rows: tuple[StageRow, ...]
    seconds: dict[str, float]
    parity: ParityReport
    codegen: WrittenCode
    firmware: FirmwareReport | str
    advice: str
    pruning: PruningChoice
    commands: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the JSON document of ``edgemnist run --json``."""
        return {
            "dataset": self.first_line,
            "stages": [asdict(row) for row in self.rows],
            "seconds": self.seconds,
            "codegen": self.codegen.as_json(),
            "firmware": self.firmware if isinstance(self.firmware, str) else self.firmware.as_json(),
            "advice": self.advice,
            "pruning": self.pruning.as_json(),
            "parity": self.parity.as_json(),
            "next_commands": list(self.commands),
        }


class _Stopwatch:
    """Wall time by stage, and the overall progress line."""

    def __init__(self, task: progress.Task) -> None:
        self.seconds: dict[str, float] = {}
        self._task = task

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self._task.update(description=f"stage {len(self.seconds) + 1} of {STAGES}: {name}")
        start = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - start, 1)
        self._task.update(advance=1)


def run_main_job(settings: RunSettings, work: WorkFolder) -> RunReport:
    """Run every stage and leave their artifacts and records in the work folder.

    :raises FolderInUseError: another command makes a model here.
    :raises GateFailedError: the training ended at chance; nothing is made of its model.
    :raises EdgeMnistError: whatever a stage raises; what was complete before it stays.
    """
    with work.fitting("run"):
        return _main_job(settings, work)


def _main_job(settings: RunSettings, work: WorkFolder) -> RunReport:
    preset = settings.chosen_preset()
    find_architecture(settings.arch)
    check_sparsity(given_or(settings.sparsity, preset.sparsity))
    with progress.progress_task("edgemnist run", total=STAGES) as task:
        watch = _Stopwatch(task)
        with watch.stage("data"):
            dataset = _load(settings)
            first_line = _first_line(dataset)
            if sys.stderr.isatty():  # otherwise the report's first line says it
                progress.say(first_line)
        with watch.stage("train"):
            trained = run_training(_train_settings(settings, preset, dataset), work, dataset=dataset)
            require_learned(trained)
        with watch.stage("prune"):
            pruned = run_pruning(_prune_settings(settings, preset, dataset), work, dataset=dataset)
        with watch.stage("convert"):
            converted, choice = convert_the_better(
                pruned,
                ConversionSettings(modes=MODES, seed=settings.seed),
                work,
                asked_for=settings.sparsity is not None,
            )
        with watch.stage("codegen"):
            generated = run_codegen(CodeSettings(), work)
        with watch.stage("firmware"):
            firmware = _firmware(work)
        with watch.stage("parity"):
            images = ImageSettings(count=preset.parity_images, dataset=dataset.name)
            runtimes = () if preset.parity_images else WHOLE_TEST_SET_RUNTIMES
            report = parity(ParitySettings(images=images, runtimes=runtimes), work)
    rows = _fit_rows(trained, pruned, choice, report) + _rows(converted, generated, report) + _firmware_rows(firmware)
    advice = _advice(pruned if choice.pruned else trained, firmware)
    result = RunReport(
        first_line, rows, watch.seconds, report, generated, firmware, advice, choice, _next_commands(work)
    )
    _record(work, settings, dataset, result)
    return result


def _load(settings: RunSettings) -> Dataset:
    if settings.dataset != AUTO:
        skip = settings.skip_unreadable
        return load_for_training(settings.dataset, settings.arch, settings.image_size, skip_unreadable=skip)
    size, channels = image_for(settings.arch, settings.image_size)
    return load_for_run(image_size=size, channels=channels)


def _first_line(dataset: Dataset) -> str:
    counts = f"{len(dataset.train):,} training and {len(dataset.test):,} test images"
    line = f"{dataset.name}: {counts} from {dataset.source}"
    return f"{line}. {dataset.note}" if dataset.note else line


def _train_settings(settings: RunSettings, preset: Preset, dataset: Dataset) -> TrainSettings:
    epochs = given_or(settings.epochs, usual_epochs(settings.arch, preset.train_epochs, len(dataset.train)))
    return TrainSettings(arch=settings.arch, epochs=epochs, seed=settings.seed)


def _prune_settings(settings: RunSettings, preset: Preset, dataset: Dataset) -> PruneSettings:
    images = len(dataset.train)
    epochs = fine_tuning_epochs_for(preset.prune_epochs, images, usual_batch(settings.arch, images))
    return PruneSettings(sparsity=given_or(settings.sparsity, preset.sparsity), epochs=epochs, seed=settings.seed)


def _fit_rows(
    trained: TrainResult, pruned: PruneResult, choice: PruningChoice, report: ParityReport
) -> tuple[StageRow, ...]:
    test = "Keras, whole test set"
    stage = f"prune to {pruned.sparsity:.0%} zeros" + ("" if choice.pruned else ", set aside")
    return tuple(
        _row(name, result.model_path, result.accuracy, test, _fastest(report, result.model_path.name))
        for name, result in (("train", trained), (stage, pruned))
    )


def _rows(converted: ConversionResult, generated: WrittenCode, report: ParityReport) -> tuple[StageRow, ...]:
    rows = []
    for model in converted.models:
        path = converted.folder / model.file
        shown = _oracle_or_fastest(report, model.file)
        accuracy = shown.accuracy.share if shown else None
        by = f"{shown.runtime}, {report.images:,} images" if shown else ""
        rows.append(_row(f"convert to {model.mode}", path, accuracy, by, _fastest(report, model.file)))
        sources = [converted.folder / name for name in model.c_array if name.endswith(".c")]
        rows += [_row("C array", source, None, "", None) for source in sources]
    source = generated.folder / f"{generated.generated.name}.c"
    int8 = next(model.file for model in converted.models if model.mode == ModelKind.INT8.value)
    host = next((run for run in report.runs if run.file == int8 and run.runtime == "host-c"), None)
    accuracy, by = (host.accuracy.share, f"host-c, {report.images:,} images") if host else (None, "")
    rows.append(_row("C code", source, accuracy, by, host))
    return tuple(rows)


def _firmware(work: WorkFolder) -> FirmwareReport | str:
    """Return the int8 model's run on an emulated board, or what this machine lacks for that; a crash is no lack."""
    try:
        return run_on_default_board(work)
    except MissingDependencyError as error:
        return f"none was run: {error}"


def _advice(net: PruneResult | TrainResult, report: FirmwareReport | str) -> str:
    if (
        isinstance(report, str)
        or report.image is None
        or report.counts is None
        or report.image.board.name != DEFAULT_BOARD
    ):
        return net.advice if isinstance(net, PruneResult) else ""
    sizes = report.image.sizes
    cost = Cost(sizes.model_code + sizes.model_constants, report.counts.mean)
    return advice_on_cost(net.dataset, net.accuracy, cost)


def _firmware_rows(report: FirmwareReport | str) -> tuple[StageRow, ...]:
    if isinstance(report, str) or report.image is None or report.accuracy is None:
        return ()
    by = f"emulated {report.image.board.core.title}, {report.accuracy.total:,} images"
    return (_row("firmware", report.image.path.with_suffix(".bin"), report.accuracy.share, by, None),)


def _row(stage: str, path: Path, accuracy: float | None, by: str, timed: RunEntry | None) -> StageRow:
    content = path.read_bytes()
    latency, runtime = (timed.latency.median_us, timed.runtime) if timed else (None, "")
    packed = len(gzip.compress(content, mtime=0))
    return StageRow(stage, path.name, accuracy, by, len(content), packed, latency, runtime)


def _fastest(report: ParityReport, file: str) -> RunEntry | None:
    runs = [run for run in report.runs if run.file == file and run.runtime != "host-c"]
    return min(runs, key=lambda run: run.latency.median_us, default=None)


def _oracle_or_fastest(report: ParityReport, file: str) -> RunEntry | None:
    oracle = next((run for run in report.runs if run.file == file and run.is_oracle), None)
    return oracle or _fastest(report, file)


def _next_commands(work: WorkFolder) -> tuple[str, ...]:
    root = shlex.quote(str(work.root))
    return (
        f"edgemnist report --work {root}",
        f"edgemnist predict digit.png --work {root}",
        f"edgemnist firmware run --board microbit --work {root}",
        f"edgemnist inspect --work {root}",
        f"edgemnist parity --all --require-exact tflm,host-c --work {root}",
        f"edgemnist codegen --target cortex-m4 --name digits --out digits-c --work {root}",
    )


def _record(work: WorkFolder, settings: RunSettings, dataset: Dataset, report: RunReport) -> None:
    work.record(
        "run",
        settings={**asdict(settings), "dataset": dataset.name, "dataset_asked_for": settings.dataset},
        results={
            "first_line": report.first_line,
            "note": dataset.note,
            "pruning": report.pruning.as_json(),
            "seconds": report.seconds,
            "stages": [asdict(row) for row in report.rows],
        },
    )
