"""``edgemnist convert``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgemnist.commands.building import Ram
from edgemnist.commands.examples import Example
from edgemnist.commands.feeding import Feeding
from edgemnist.commands.options import DEFAULT_WORK, Seed, Work, add_command
from edgemnist.commands.outcome import Outcome
from edgemnist.commands.sections import Section

Source = Annotated[
    Path | None,
    typer.Argument(
        metavar="MODEL",
        help="A .keras or .h5 file, a SavedModel folder, or a .tflite. Default: the work folder's model.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    add_command(
        app,
        convert,
        draws=True,
        section=Section.CONVERT,
        short="Make .tflite files, C arrays and C of a model.",
        examples=(
            Example("edgemnist convert", "What was trained last: as float32, and as int8 with a C array."),
            Example(
                "edgemnist convert net.keras --int8 --dataset photos --out net",
                "A Keras model from elsewhere; what it was trained on calibrates it.",
            ),
            Example("edgemnist convert float.tflite --int8 --dataset photos --out net", "A float .tflite, quantised."),
        ),
    )


def convert(
    *,
    model: Source = None,
    int8: Annotated[bool, typer.Option("--int8", help="Full int8, for microcontrollers.")] = False,
    float32: Annotated[bool, typer.Option("--float32", help="Float, as trained.")] = False,
    float16: Annotated[bool, typer.Option("--float16", help="Weights stored as float16.")] = False,
    dynamic: Annotated[bool, typer.Option("--dynamic", help="int8 weights, float activations.")] = False,
    int16x8: Annotated[bool, typer.Option("--int16x8", help="int16 activations, int8 weights.")] = False,
    saved_model: Annotated[
        bool, typer.Option("--saved-model", help="The float model as a SavedModel for TensorFlow Serving.")
    ] = False,
    onnx: Annotated[bool, typer.Option("--onnx", help="The float model as ONNX, for any number of images.")] = False,
    io: Annotated[str, typer.Option(help="Input and output of the int8 model: int8, uint8 or float32.")] = "int8",
    calibration: Annotated[
        int | None,
        typer.Option(min=1, help="Training images to calibrate with. Default: 500, or all if there are fewer."),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(metavar="NAME|PATH", help="For a MODEL from elsewhere: what it was trained on.")
    ] = None,
    feeding: Feeding,
    even_so: Annotated[
        bool, typer.Option("--even-so", help="Convert a model that classifies nothing as it is fed.")
    ] = False,
    c_array: Annotated[
        bool | None, typer.Option("--c-array/--no-c-array", help="Write .h and .c. Default: of the int8 model.")
    ] = None,
    c: Annotated[
        bool, typer.Option("--c", help="Also write the int8 or int16x8 model as C code, as codegen does.")
    ] = False,
    ram: Ram = None,
    name: Annotated[str, typer.Option(help="Name of the C array.")] = "g_model",
    style: Annotated[str, typer.Option(help="C names and files: default, or tflm as its examples do.")] = "default",
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Folder for the results. Default: the work folder.")
    ] = None,
    seed: Seed = 0,
    work: Work = DEFAULT_WORK,
) -> Outcome:
    """Convert a Keras model to .tflite and a C array; without a mode, to float32 and int8."""
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.commands.convert import exports, stage, view
    from edgemnist.commands.convert.settings import MODES, ConversionSettings

    chosen = {"int8": int8, "float32": float32, "float16": float16, "dynamic": dynamic, "int16x8": int16x8}
    settings = ConversionSettings(
        model=model,
        out=out,
        modes=tuple(mode for mode in MODES if chosen[mode.value]) or None,
        io=io,
        calibration=calibration,
        seed=seed,
        c_array=c_array,
        c_code=c,
        ram=ram,
        name=name,
        style=style,
        dataset=dataset,
        feeding=feeding.settings(),
        even_so=even_so,
        exports=tuple(form for form, asked in ((exports.SAVED_MODEL, saved_model), (exports.ONNX, onnx)) if asked),
    )
    result = stage.convert(settings, WorkFolder(work))
    return Outcome(result, lambda: view.show(result))
