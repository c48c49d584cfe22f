"""A source model to ``.tflite`` bytes with TensorFlow's converter, in one mode; repeatable to the byte."""

from __future__ import annotations

import tempfile
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.commands.convert.settings import CALIBRATED
from edgemnist.keras_io.sources import SourceModel
from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.support.errors import ModelError, StorageError, first_line
from edgemnist.tflite.kinds import ModelKind

_STORAGE_SIGNS = ("No space left on device", "File too large", "Disk quota exceeded", "Permission denied")
"""What TensorFlow's errors say when its temporary SavedModel cannot be written."""

_LOOPS = ("While", "StatelessWhile")


def tflite_bytes(source: SourceModel, mode: ModelKind, *, io: str, calibration: NDArray[np.float32] | None) -> bytes:
    """Return the model as the bytes of a ``.tflite`` file.

    ``io``: type of input and output, for the calibrated modes. ``calibration``: normalised images, float32, shape
    (count, *``source.input_shape``); needed by the calibrated modes only.

    The converter prints whatever Python's settings say, and for some models it takes the process with it: it is called
    in ``edgemnist.commands.convert.worker``.

    :raises ModelError: TensorFlow cannot convert it. The error's cause has all of its words.
    :raises StorageError: there is no room for its temporary files.
    """
    tensorflow, _ = load_tensorflow()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            converter = tensorflow.lite.TFLiteConverter.from_concrete_functions([source.function], source.owner)
            _configure(tensorflow, converter, mode, io, calibration)
            return bytes(converter.convert())
        except Exception as error:
            # The converter raises ConverterError, ValueError, RuntimeError and others; most mean "not this model".
            if any(sign in str(error) for sign in _STORAGE_SIGNS):
                raise StorageError(
                    f"TensorFlow cannot write its temporary files to {tempfile.gettempdir()!r}: {first_line(error)}; "
                    "free some space there, or point TMPDIR to another folder"
                ) from error
            raise ModelError(
                f"TensorFlow cannot convert {str(source.path)!r} to {mode.value}: {first_line(error)}"
            ) from error


def loops_of(source: SourceModel) -> tuple[str, ...]:
    """Return the names of the model's loops, each without the word "while" that TensorFlow adds, in their order."""
    graph = source.function.graph.as_graph_def()
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    names = (node.name for node in nodes if node.op in _LOOPS)
    return tuple(dict.fromkeys(name.rpartition("/")[0] or name for name in names))


def _configure(tensorflow: Any, converter: Any, mode: ModelKind, io: str, calibration: Any) -> None:
    lite = tensorflow.lite
    if mode is ModelKind.FLOAT32:
        return
    converter.optimizations = [lite.Optimize.DEFAULT]
    if mode is ModelKind.FLOAT16:
        converter.target_spec.supported_types = [tensorflow.float16]
    elif mode is ModelKind.DYNAMIC:
        # One scale per channel would make FULLY_CONNECTED version 12, which tflite-runtime 2.14 cannot load.
        converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    elif mode in CALIBRATED:
        sets = lite.OpsSet
        converter.representative_dataset = lambda: ([image[np.newaxis]] for image in calibration)
        converter.target_spec.supported_ops = [
            sets.TFLITE_BUILTINS_INT8
            if mode is ModelKind.INT8
            else sets.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        ]
        converter.inference_input_type = converter.inference_output_type = getattr(tensorflow, io)
