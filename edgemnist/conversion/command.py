"""From the flags of ``edgemnist convert`` to one call of the stage."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edgemnist import convert
from edgemnist.artifacts import WorkFolder
from edgemnist.codegen import CodegenResult, CodegenSettings, run_codegen
from edgemnist.conversion.settings import MODES, ConversionResult, ConversionSettings
from edgemnist.convert import CArrayResult
from edgemnist.errors import InputError
from edgemnist.pixels import normalisation_named
from edgemnist.runtimes.base import ModelKind

DEFAULT_MODES = (ModelKind.FLOAT32, ModelKind.INT8)
"""What is made when no mode is named: the two that the chain and its report compare."""


def settings_from(
    chosen: Mapping[str, bool],
    io: str,
    calibration: int | None,
    seed: int,
    *,
    c_array: bool | None,
    name: str,
    style: str,
    dataset: str | None,
    range_: str | None,
) -> ConversionSettings:
    """Return the settings that the flags ask for; ``chosen`` maps a mode's name to whether its flag was given.

    :raises InputError: a value is not one of the allowed.
    """
    modes = tuple(mode for mode in MODES if chosen.get(mode.value))
    return ConversionSettings(
        modes=modes or DEFAULT_MODES,
        io=io,
        calibration=calibration,
        seed=seed,
        c_array=c_array,
        name=name,
        style=style,
        dataset=dataset,
        normalisation=None if range_ is None else normalisation_named(range_),
    )


def run(
    settings: ConversionSettings, model: Path | None, work: Path, out: Path | None, *, modes_given: bool
) -> ConversionResult | CArrayResult:
    """Convert the work folder's model or another one, or write the C array of a ``.tflite``.

    :raises InputError: a mode, or no C array, was asked of a ``.tflite``, which is converted already.
    """
    folder = WorkFolder(work)
    if model is None or model.suffix != ".tflite":
        return convert.run_conversion(settings, folder, model=model, out=WorkFolder(out) if out else None)
    if modes_given or settings.c_array is False:
        raise InputError(
            f"{str(model)!r} is converted already; all that is left is `edgemnist convert {model} --c-array`. "
            "Other modes need the Keras model"
        )
    return convert.write_c_array(model, settings, folder, out or work)


def write_c(result: ConversionResult | CArrayResult) -> CodegenResult:
    """Generate the C code of the int8 model that was just made, in ``c/`` beside it.

    :raises InputError: no int8 model was made.
    """
    if isinstance(result, CArrayResult) or all(model.mode != ModelKind.INT8.value for model in result.models):
        raise InputError("--c needs an int8 model; add --int8, or use `edgemnist codegen MODEL.tflite`")
    return run_codegen(None, None, CodegenSettings(), WorkFolder(result.folder))
