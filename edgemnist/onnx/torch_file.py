"""``.pt2``, what ``torch.export.save`` writes: to ONNX by torch's own exporter, so that there is one way from there."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.support.errors import InputError, MissingDependencyError, ModelError, first_line
from edgemnist.support.limits import MAX_MODEL_BYTES
from edgemnist.support.reading import require_file

INSTALL = "install them with: pip install 'edgemnist[pt2]'"


def load_torch() -> Any:
    """Return the module ``torch``, after checking that its exporter to ONNX has what it needs.

    :raises MissingDependencyError: torch or onnxscript is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import onnxscript  # noqa: F401
            import torch
            import torch.export
    except ImportError as error:
        raise MissingDependencyError(
            f"a .pt2 file needs PyTorch and onnxscript ({error}); {INSTALL}, "
            "or export the model to .onnx where they are"
        ) from error
    return torch


def engine_name() -> str:
    """Return the name and version of who runs the original."""
    return f"torch {load_torch().__version__}"


def load_program(path: Path) -> Any:
    """Return the ``torch.export.ExportedProgram`` in a file.

    :raises ModelError: it is corrupt, or of another version of torch.
    :raises InputError: it is no regular file, or too large.
    :raises MissingDependencyError: torch is not installed.
    """
    torch = load_torch()
    try:
        require_file(path, MAX_MODEL_BYTES)
        with _quiet():
            return torch.export.load(path)
    except InputError:
        raise
    except Exception as error:
        # zipfile's, pickle's, json's and torch's own errors: no common class.
        raise ModelError(
            f"cannot read {str(path)!r} with torch {torch.__version__}: {first_line(error)}; the file is corrupt, was "
            "not written by torch.export.save, or by a newer torch"
        ) from error


def as_onnx(program: Any, path: Path) -> Any:
    """Return an exported program as ``onnx.ModelProto``.

    :raises ModelError: torch's exporter has no ONNX for something in it; in torch's words.
    """
    torch = load_torch()
    try:
        with _quiet():
            return torch.onnx.export(program, (), dynamo=True, verbose=False).model_proto
    except Exception as error:
        # The exporter's errors are of several classes, some of them private.
        raise ModelError(f"torch {torch.__version__} cannot bring {str(path)!r} to ONNX: {_cause(error)}") from error


def _cause(error: BaseException) -> str:
    """Return the first line of the innermost error, which names the operator."""
    while error.__cause__ is not None:
        error = error.__cause__
    return first_line(error)


def invoker(program: Any) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """Return the function from images to scores that torch itself computes."""
    torch = load_torch()
    module = program.module()

    def invoke(inputs: NDArray[Any]) -> NDArray[Any]:
        with torch.no_grad():
            result = module(torch.from_numpy(np.ascontiguousarray(inputs)))
        return np.asarray((result[0] if isinstance(result, (tuple, list)) else result).numpy())

    return invoke


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep torch's progress notes and deprecations from the user, who can do nothing about them."""
    logger = logging.getLogger("torch")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
