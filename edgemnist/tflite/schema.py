"""The schema of model files with tables as objects that can be changed and written, from whichever package has it."""

from __future__ import annotations

import importlib
from typing import Any

from edgemnist.support.errors import MissingDependencyError
from edgemnist.tflite.file import FILE_IDENTIFIER

INSTALL = "pip install 'edgemnist[litert]'"

_MODULES = ("ai_edge_litert.schema_py_generated", "tflite_micro.tensorflow.lite.micro.python.schema_py_generated")


def schema_module() -> Any:
    """Return the module, with classes ``ModelT``, ``SubGraphT``, ``TensorT`` and so on.

    :raises MissingDependencyError: no package that has it is installed.
    """
    for name in _MODULES:
        try:
            return importlib.import_module(name)
        except ImportError as error:
            reason = error
    raise MissingDependencyError(f"ai-edge-litert is not installed ({reason}); install it with: {INSTALL}")


def read_objects(content: bytes) -> Any:
    """Return a file's ``ModelT``."""
    schema = schema_module()
    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))


def write_objects(model: Any) -> bytes:
    """Return the file of a ``ModelT``; the same objects give the same bytes."""
    import flatbuffers

    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=FILE_IDENTIFIER)
    return bytes(builder.Output())
