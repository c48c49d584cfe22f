"""A source model to ``.tflite`` bytes, in one mode and without the converter's chatter; repeatable to the byte."""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.commands.convert.settings import CALIBRATED
from edgemnist.keras_io.sources import SourceModel, first_line
from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.support.errors import ModelError, StorageError
from edgemnist.tflite.kinds import ModelKind

_STORAGE_SIGNS = ("No space left on device", "File too large", "Disk quota exceeded", "Permission denied")
"""What TensorFlow's errors say when its temporary SavedModel cannot be written."""


def tflite_bytes(source: SourceModel, mode: ModelKind, *, io: str, calibration: NDArray[np.float32] | None) -> bytes:
    """Return the model as the bytes of a ``.tflite`` file.

    ``io``: type of input and output, for the calibrated modes. ``calibration``: normalised images, float32, shape
    (count, *``source.input_shape``); needed by the calibrated modes only.

    :raises ModelError: TensorFlow cannot convert it; says why in TensorFlow's words.
    """
    tensorflow, _ = load_tensorflow()
    with _silenced() as output, warnings.catch_warnings():
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
                f"TensorFlow cannot convert {str(source.path)!r} to {mode.value}: {first_line(error)}{_tail(output)}"
            ) from error


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


@contextmanager
def _silenced() -> Iterator[IO[bytes]]:
    """Send file descriptors 1 and 2 to a temporary file: the converter's C++ prints whatever Python's settings say."""
    sys.stdout.flush()
    sys.stderr.flush()
    with tempfile.TemporaryFile() as output:
        kept = {descriptor: os.dup(descriptor) for descriptor in (1, 2) if _is_open(descriptor)}
        for descriptor in kept:
            os.dup2(output.fileno(), descriptor)
        try:
            yield output
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for descriptor, original in kept.items():
                os.dup2(original, descriptor)
                os.close(original)


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _tail(output: IO[bytes]) -> str:
    """Return the last error lines that the converter printed, for a message."""
    output.seek(0)
    lines = [line.strip() for line in output.read().decode(errors="replace").splitlines()]
    errors = [line for line in lines if "error:" in line.lower()][-3:]
    return "".join(f"\n  {line}" for line in errors)
