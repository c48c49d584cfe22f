"""The Python interface: what the commands do, as functions.

A function takes paths and plain values and returns the stage's result, a frozen dataclass with ``as_json()``. ``work``
is the work folder in which the stages leave their files and records, as with ``--work``. Errors are
:class:`~edgemnist.support.errors.EdgeMnistError`; where a command would exit, they are raised. The examples are run by
a test, in this order, in one folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgemnist.commands.convert.c_array import CArrayResult
    from edgemnist.commands.convert.exports import Exports
    from edgemnist.commands.convert.settings import ConversionResult
    from edgemnist.commands.evaluate.report import EvaluationReport
    from edgemnist.commands.firmware.report import FirmwareReport
    from edgemnist.commands.parity.report import ParityReport
    from edgemnist.commands.predict.stage import Predictions
    from edgemnist.commands.prune.stage import PruneResult
    from edgemnist.commands.qat.stage import QatResult
    from edgemnist.compiler.generate import GeneratedModel
    from edgemnist.data.base import Dataset
    from edgemnist.mcu.build import FirmwareImage
    from edgemnist.tflite.inspection import Inspection
    from edgemnist.training.train import TrainResult

WORK = "artifacts"
"""The work folder where none is named, as on the command line."""


def load_dataset(name: str, *, fetch: bool = True, **settings: Any) -> Dataset:
    """Load a dataset: two splits of uint8 images, shape (count, height, width, channels), 0..255, and int64 labels.

    :param name: a name of ``edgemnist data list``, or the path of an image folder, a .npz, a .csv or IDX files.
    :param fetch: download a known dataset that is not on this machine.
    :param settings: ``image_size`` (height, width), ``channels``, ``fit`` and ``skip_unreadable``, as for
        :func:`~edgemnist.data.loading.load_dataset`.
    :raises DatasetError: unknown, damaged or not to be had.

    >>> dataset = edgemnist.load_dataset("mnist-5k")
    >>> dataset.image_shape, dataset.classes, len(dataset.train), len(dataset.test)
    ((28, 28, 1), 10, 4000, 1000)
    """
    from edgemnist.data.loading import load_dataset as load

    return load(name, fetch=fetch, **settings)


def train(dataset: str, work: str | Path = WORK, *, arch: str | None = None, **settings: Any) -> TrainResult:
    """Train an architecture on a dataset; leaves ``trained.keras`` in the work folder.

    :param dataset: as for :func:`load_dataset`.
    :param arch: a name of ``edgemnist train --help``; None is the default.
    :param settings: fields of :class:`~edgemnist.training.train.TrainSettings`, such as ``epochs`` and ``seed``.
    :returns: accuracies in 0..1; the one on the test split was measured once.
    :raises EdgeMnistError: the dataset or a setting is wrong, or the training diverged or ended at chance.

    >>> trained = edgemnist.train("mnist-5k", "work", arch="nano", epochs=2, seed=0)
    >>> trained.parameters, trained.model_path.name
    (2066, 'trained.keras')
    """
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.commands.train.stage import run_training
    from edgemnist.training.chance import require_learned
    from edgemnist.training.train import TrainSettings

    result = run_training(TrainSettings(dataset=dataset, arch=arch, **settings), WorkFolder(Path(work)))
    require_learned(result)
    return result


def prune(work: str | Path = WORK, *, sparsity: float | None = None, **settings: Any) -> PruneResult:
    """Set weights of the work folder's trained model to zero while fine-tuning it; leaves ``pruned.keras``.

    :param sparsity: share of zeros in [0, 1); None is one half.
    :param settings: fields of :class:`~edgemnist.commands.prune.stage.PruneSettings`, such as ``epochs``.
    :raises EdgeMnistError: nothing has been trained there, or a setting is wrong.

    >>> pruned = edgemnist.prune("work", sparsity=0.5, epochs=1)
    >>> pruned.sparsity > 0.2, pruned.model_path.name
    (True, 'pruned.keras')
    """
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.commands.prune.stage import PruneSettings, run_pruning

    return run_pruning(PruneSettings(sparsity=sparsity, **settings), WorkFolder(Path(work)))


def qat(work: str | Path = WORK, **settings: Any) -> QatResult:
    """Train the work folder's newest model on with int8's rounding; zeros stay zeros; leaves ``qat.keras``.

    :param settings: fields of :class:`~edgemnist.commands.qat.stage.QatSettings`, such as ``epochs``.
    :raises EdgeMnistError: nothing has been trained there, or a setting is wrong.

    >>> edgemnist.qat("work", epochs=1).model_path.name
    'qat.keras'
    """
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.commands.qat.stage import QatSettings, run_qat

    return run_qat(QatSettings(**settings), WorkFolder(Path(work)))


def convert(work: str | Path = WORK, **settings: Any) -> ConversionResult | CArrayResult | Exports:
    """Convert the work folder's newest model, or ``model``, to ``.tflite`` and C arrays; each is run beside its source.

    :param settings: fields of :class:`~edgemnist.commands.convert.settings.ConversionSettings`; ``modes`` may be names.
    :raises EdgeMnistError: there is no model, or its conversion does not classify any more.

    >>> converted = edgemnist.convert("work", modes=["float32", "int8"], calibration=100)
    >>> [model.file for model in converted.models]
    ['model_float32.tflite', 'model_int8.tflite']
    """
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.commands.convert.settings import ConversionSettings, mode_named
    from edgemnist.commands.convert.stage import convert as run

    if settings.get("modes") is not None:
        settings["modes"] = tuple(mode_named(mode) for mode in settings["modes"])
    return run(ConversionSettings(**settings), WorkFolder(Path(work)))


def inspect(model: str | Path) -> Inspection:
    """Return what is in a ``.tflite``: operators, shapes, multiply-accumulates, bytes, peak activation memory.

    :raises ModelError: it is no TFLite file, or damaged.

    >>> found = edgemnist.inspect("work/model_int8.tflite")
    >>> found.macs, [operator.kind for operator in found.operators][-1]
    (225404, 'SOFTMAX')
    """
    from edgemnist.tflite.file import read_tflite
    from edgemnist.tflite.inspection import inspect as run

    return run(read_tflite(Path(model)))


def compile_model(
    model: str | Path, *, name: str = "model", target: str = "portable", **settings: Any
) -> GeneratedModel:
    """Compile an int8 ``.tflite`` to C99; nothing is written.

    :param name: prefix of files and C names.
    :param target: the core to write for, a name of ``edgemnist.compiler.targets.TARGETS``.
    :param settings: further fields of :class:`~edgemnist.compiler.generate.CodegenSettings`, such as ``labels``.
    :returns: the files' texts by name, the arena's size in bytes, the steps.
    :raises UnsupportedModelError: the model can't be compiled; every reason is in the message.

    >>> code = edgemnist.compile_model("work/model_int8.tflite", name="digits", target="cortex-m4")
    >>> "digits.c" in code.files, code.plan.size
    (True, 3280)
    """
    from edgemnist.compiler.generate import CodegenSettings, generate
    from edgemnist.tflite.file import read_tflite

    path = Path(model)
    return generate(
        read_tflite(path), CodegenSettings(name=name, target=target, **settings), source_name=path.name
    )  # fmt: skip


def run_parity(
    work: str | Path = WORK,
    *,
    models: Sequence[str | Path] = (),
    images: int | None = 1000,
    runtimes: Sequence[str] = (),
) -> ParityReport:
    """Run the same test images through every runtime and compare accuracy, agreement and bytes.

    :param models: model files; none takes the work folder's, and leaves ``parity.json`` there.
    :param images: test images, equally many per class; None takes the whole test split.
    :param runtimes: names of ``edgemnist doctor``; none takes all that are installed and not emulated.
    :raises EdgeMnistError: there are no models, or no runtime ran anything.

    >>> report = edgemnist.run_parity("work", images=50, runtimes=["tflite-runtime-reference", "host-c"])
    >>> [(run.runtime, run.exact) for run in report.runs if run.file == "model_int8.tflite" and not run.is_oracle]
    [('host-c', True)]
    """
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.commands.parity.stage import ParitySettings, parity
    from edgemnist.harness.images import ImageSettings

    named = tuple(Path(model) for model in models)
    settings = ParitySettings(models=named, images=ImageSettings(count=images), runtimes=tuple(runtimes))
    return parity(settings, WorkFolder(Path(work)))


def evaluate(
    work: str | Path = WORK, *, model: str | Path | None = None, images: int | None = None
) -> EvaluationReport:
    """Classify the test split with one model: precision, recall and F1 by class, confusion, mistakes.

    :param model: a model file; None takes the work folder's.
    :param images: test images, equally many per class; None takes all.
    :raises EdgeMnistError: there is no model, or no runtime for it.

    >>> edgemnist.evaluate("work", images=100).accuracy.total
    100
    """
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.commands.evaluate.stage import EvaluateSettings
    from edgemnist.commands.evaluate.stage import evaluate as run
    from edgemnist.harness.images import ImageSettings

    settings = EvaluateSettings(model=None if model is None else Path(model), images=ImageSettings(count=images))
    return run(settings, WorkFolder(Path(work))).report


def predict(pictures: Sequence[str | Path], work: str | Path = WORK, *, model: str | Path | None = None) -> Predictions:
    """Classify image files of any size with a model, by default the work folder's.

    :raises EdgeMnistError: there is no model. A picture that cannot be read is in the result's ``problems``.

    >>> from PIL import Image
    >>> Image.fromarray(dataset.test.images[0, :, :, 0]).save("digit.png")
    >>> edgemnist.predict(["digit.png"], "work").predictions[0].best.label in dataset.class_names
    True
    """
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.commands.predict.stage import PredictSettings
    from edgemnist.commands.predict.stage import predict as run

    files = tuple(Path(picture) for picture in pictures)
    settings = PredictSettings(files=files, model=None if model is None else Path(model))
    return run(settings, WorkFolder(Path(work)))


def build_firmware(model: str | Path, folder: str | Path, *, board: str, **settings: Any) -> FirmwareImage:
    """Build a model's firmware for a board: ELF, bin, Intel HEX and map in ``folder``.

    :param board: a name of ``edgemnist boards``, or a folder with a board.toml.
    :param settings: fields of :class:`~edgemnist.mcu.build.BuildSettings`, such as ``optimise="size"``.
    :raises EdgeMnistError: no such board, no toolchain, or the model can't be compiled.

    >>> image = edgemnist.build_firmware("work/model_int8.tflite", "firmware", board="microbit", optimise="size")
    >>> image.sizes.arena, image.excess()
    (3232, {})
    """
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.commands.firmware.stage import FirmwareSettings, build
    from edgemnist.mcu.build import BuildSettings

    wanted = FirmwareSettings(model=Path(model), board=board, out=Path(folder), build=BuildSettings(**settings))
    return build(wanted, WorkFolder(Path(WORK)))


def run_firmware(model: str | Path, *, board: str, images: int = 100, dataset: str | None = None) -> FirmwareReport:
    """Build a model's firmware and run test images on the board's emulated core: exactness, instructions, stack.

    :param board: a name of ``edgemnist boards``, or a folder with a board.toml.
    :param images: how many inputs; ``dataset`` is where they come from, "random", or None to have it worked out.
    :raises EdgeMnistError: it does not fit the board, crashes, or a tool is missing.

    >>> report = edgemnist.run_firmware("work/model_int8.tflite", board="microbit", images=2)
    >>> report.exact
    True
    """
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.commands.firmware.run import RunSettings
    from edgemnist.commands.firmware.stage import run

    settings = RunSettings(model=Path(model), board=board, dataset=dataset, images=images)
    return run(settings, WorkFolder(Path(WORK)))
