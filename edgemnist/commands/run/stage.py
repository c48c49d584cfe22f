"""The main job: data -> train -> prune -> convert -> C array and C code -> firmware -> parity, in one work folder."""

from __future__ import annotations

import gzip
import shlex
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.codegen.stage import CodeSettings, run_codegen
from edgemnist.commands.convert.settings import ConversionResult, ConversionSettings
from edgemnist.commands.firmware.report import FirmwareReport
from edgemnist.commands.firmware.stage import run_on_default_board
from edgemnist.commands.parity.report import ParityReport, RunEntry
from edgemnist.commands.parity.stage import ParitySettings, parity
from edgemnist.commands.presets import Preset
from edgemnist.commands.prune.stage import PRUNE, PruneResult, PruneSettings, run_pruning
from edgemnist.commands.run import resuming
from edgemnist.commands.run.choice import PruningChoice, convert_the_better
from edgemnist.commands.run.resuming import Unfinished
from edgemnist.commands.run.settings import RunSettings
from edgemnist.commands.run.watch import Stopwatch
from edgemnist.commands.train.stage import load_for_training, run_training
from edgemnist.compiler.written import WrittenCode
from edgemnist.data.base import Dataset
from edgemnist.data.loading import AUTO, load_for_run
from edgemnist.harness.images import ImageSettings
from edgemnist.mcu import DEFAULT_BOARD
from edgemnist.support import progress
from edgemnist.support.errors import MissingDependencyError
from edgemnist.tflite.kinds import ModelKind
from edgemnist.training.architectures import find_architecture
from edgemnist.training.chance import require_learned
from edgemnist.training.mobilenet import image_for
from edgemnist.training.recipe import fine_tuning_epochs_for, given_or
from edgemnist.training.reference_nets import Cost, advice_on_cost
from edgemnist.training.sparsity import check_sparsity
from edgemnist.training.train import TRAIN, TrainResult, TrainSettings, usual_batch, usual_epochs

MODES = (ModelKind.FLOAT32, ModelKind.INT8)
RECORDED_STAGES = ("train", "prune", "convert", "parity")
"""The stages that have records of their own beside the main job's."""

WHOLE_TEST_SET_RUNTIMES = (
    "keras", "litert-default", "tflite-runtime-default", "tflite-runtime-reference", "tflm", "host-c",
)  # fmt: skip
"""What runs on the whole test set: TensorFlow's interpreter has LiteRT's kernels and would only take its time again.
`edgemnist parity --all` runs everything."""


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

    ``data`` is the same in fewer words; ``folder`` is the work folder, ``files`` those in it that a person wants, the
    most wanted first. ``firmware`` is the run on an emulated microcontroller, or why there was none; ``advice`` says
    whether a dense net does better for less, "" where nobody knows; ``pruning`` is which net the files were made of.
    """

    first_line: str
    data: str
    folder: Path
    files: tuple[str, ...]
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


def run_main_job(settings: RunSettings, work: WorkFolder, *, resume: bool = False) -> RunReport:
    """Run every stage and leave their artifacts and records in the work folder.

    ``resume``: go on where an unfinished job stopped.

    :raises InputError: there is nothing to resume, or it began with other settings or other data.
    :raises FolderInUseError: another command makes a model here.
    :raises GateFailedError: the training ended at chance; nothing is made of its model.
    :raises EdgeMnistError: whatever a stage raises; what was complete before it stays.
    """
    with work.fitting("run"), resuming.tells_how_to_go_on(work):
        if resume:
            unfinished = resuming.read_unfinished(work)
            return _main_job(resuming.as_it_began(settings, unfinished, work), work, unfinished)
        return _main_job(settings.with_defaults(), work, None)


def _main_job(settings: RunSettings, work: WorkFolder, unfinished: Unfinished | None) -> RunReport:
    preset = settings.chosen_preset()
    if unfinished is None:
        find_architecture(settings.architecture)
    check_sparsity(given_or(settings.sparsity, preset.sparsity))
    with progress.progress_task("edgemnist run", total=100) as task:
        watch = Stopwatch(task)
        with watch.stage("data"):
            dataset = _begun(settings, work, unfinished)
        asked, settings = settings, resuming.with_kept_architecture(settings, work, begins=unfinished is None)
        training, pruning = _train_settings(settings, preset, dataset), _prune_settings(settings, preset, dataset)
        watch.expect(_kind(settings, dataset), units_of(settings, dataset))
        with watch.stage("train", whole=unfinished is None):
            trained = _trained(training, dataset, work, unfinished)
            require_learned(trained)
        with watch.stage("prune", whole=unfinished is None):
            pruned = _pruned(pruning, dataset, work, unfinished)
        with watch.stage("convert"):
            converted, choice = convert_the_better(
                pruned,
                ConversionSettings(modes=MODES, seed=settings.seed or 0),
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
        first_line=_first_line(dataset),
        data=f"{_title(dataset)}, {_counts(dataset)}",
        folder=work.root,
        files=_files(converted, generated, firmware),
        rows=rows,
        seconds=watch.seconds,
        parity=report,
        codegen=generated,
        firmware=firmware,
        advice=advice,
        pruning=choice,
        commands=_next_commands(work),
    )
    _record(work, asked, dataset, result)
    resuming.forget(work)
    return result


def _begun(settings: RunSettings, work: WorkFolder, unfinished: Unfinished | None) -> Dataset:
    """Return the dataset of a job that begins, or of one that goes on."""
    if unfinished is not None:
        dataset = _load(replace(settings, dataset=unfinished.dataset))
        unfinished.require_same(dataset, work)
        return dataset
    if resuming.forget(work):
        command = resuming.command_in(work)
        progress.say(f"an unfinished `{command}` was here and is dropped; `{command} --resume` would have gone on")
    dataset = _load(settings)
    resuming.begin(settings, dataset, work)
    return dataset


def _trained(settings: TrainSettings, dataset: Dataset, work: WorkFolder, unfinished: Unfinished | None) -> TrainResult:
    def fit(resume: bool) -> TrainResult:
        return run_training(settings, work, dataset=dataset, resume=resume)

    return resuming.fit_or_go_on(TRAIN, TrainResult, settings, dataset, work, fit) if unfinished else fit(False)


def _pruned(settings: PruneSettings, dataset: Dataset, work: WorkFolder, unfinished: Unfinished | None) -> PruneResult:
    def fit(resume: bool) -> PruneResult:
        return run_pruning(settings, work, dataset=dataset, resume=resume)

    return resuming.fit_or_go_on(PRUNE, PruneResult, settings, dataset, work, fit) if unfinished else fit(False)


def _load(settings: RunSettings) -> Dataset:
    if settings.dataset not in (None, AUTO):
        skip = settings.skip_unreadable
        return load_for_training(settings.dataset, settings.architecture, settings.image_size, skip_unreadable=skip)
    size, channels = image_for(settings.architecture, settings.image_size)
    return load_for_run(image_size=size, channels=channels)


def _title(dataset: Dataset) -> str:
    """Return a known dataset's name, of a folder or a file the last part of its path."""
    return Path(dataset.name).name


def _counts(dataset: Dataset) -> str:
    return f"{len(dataset.train):,} training and {len(dataset.test):,} test images"


def _first_line(dataset: Dataset) -> str:
    line = f"{dataset.name}: {_counts(dataset)} from {dataset.source}"
    return f"{line}. {dataset.note}" if dataset.note else line


def _train_settings(settings: RunSettings, preset: Preset, dataset: Dataset) -> TrainSettings:
    epochs = given_or(settings.epochs, usual_epochs(settings.architecture, preset.train_epochs, len(dataset.train)))
    return TrainSettings(arch=settings.architecture, epochs=epochs, seed=settings.seed)


def _prune_settings(settings: RunSettings, preset: Preset, dataset: Dataset) -> PruneSettings:
    images = len(dataset.train)
    epochs = fine_tuning_epochs_for(preset.prune_epochs, images, usual_batch(settings.architecture, images))
    return PruneSettings(sparsity=given_or(settings.sparsity, preset.sparsity), epochs=epochs, seed=settings.seed)


def _kind(settings: RunSettings, dataset: Dataset) -> str:
    """Return what decides a stage's time beside how much of it there is."""
    return f"{settings.architecture} {'x'.join(map(str, dataset.image_shape))}"


def units_of(settings: RunSettings, dataset: Dataset) -> dict[str, float]:
    """Return how much there is to do in the stages whose time depends on it, see ``estimate.USUAL``."""
    preset, images = settings.chosen_preset(), len(dataset.train)
    training, pruning = _train_settings(settings, preset, dataset), _prune_settings(settings, preset, dataset)
    epochs = {"train": training.epochs, "prune": pruning.epochs}
    parity_images = min(preset.parity_images or len(dataset.test), len(dataset.test))
    return {**{stage: images * (count or 0) for stage, count in epochs.items()}, "parity": parity_images}


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


def _files(converted: ConversionResult, generated: WrittenCode, firmware: FirmwareReport | str) -> tuple[str, ...]:
    """Return what a person takes from the work folder, by its path there, the most wanted first."""
    int8 = next(model.file for model in converted.models if model.mode == ModelKind.INT8.value)
    code = generated.folder / f"{generated.generated.name}.c"
    image = None if isinstance(firmware, str) or firmware.image is None else firmware.image.path.with_suffix(".bin")
    made = [path.relative_to(converted.folder).as_posix() for path in (code, image) if path is not None]
    return (int8, *made)


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
            "first_line": report.data,
            "note": dataset.note,
            "pruning": report.pruning.as_json(),
            "seconds": report.seconds,
            "stages": [asdict(row) for row in report.rows],
        },
    )
