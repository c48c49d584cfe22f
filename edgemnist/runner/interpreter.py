"""The TFLite interpreter in its three Python packages (TensorFlow, tflite-runtime, LiteRT), with two sets of kernels.

One class serves all of them: the packages differ only in where the interpreter is imported from and in their version.
"""

from __future__ import annotations

import struct
import warnings
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from edgemnist.runner.base import Runtime, Session, model_bytes
from edgemnist.tflite.file import parse_tflite
from edgemnist.tflite.kinds import TFLITE_KINDS, operator_outputs

_OUTPUTS_FIELD = 8  # vtable offset of SubGraph.outputs in the TFLite schema


@dataclass(frozen=True)
class InterpreterPackage:
    """An imported package: its ``Interpreter`` class, ``OpResolverType`` enumeration and version."""

    interpreter: Any
    resolvers: Any
    version: str


class InterpreterSession(Session):
    """A model in a TFLite interpreter.

    To keep tensors, every operator's output is made an output of the model. The interpreter's own
    ``experimental_preserve_all_tensors`` would not do: tflite-runtime 2.14 turns the XNNPACK delegate off with it, so
    that other kernels run, and still lets ADD overwrite its input in place.
    """

    def __init__(self, package: InterpreterPackage, content: bytes, *, reference: bool, keep_tensors: bool) -> None:
        model = parse_tflite(content)
        if keep_tensors:
            content = with_outputs(content, [*model.outputs, *operator_outputs(model)])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # TensorFlow announces the move to LiteRT
            self._interpreter = package.interpreter(
                model_content=content,
                num_threads=1,
                experimental_op_resolver_type=package.resolvers.BUILTIN_REF if reference else package.resolvers.AUTO,
            )
        self._interpreter.allocate_tensors()
        self.version = package.version
        self.kernels = "reference" if reference else self._default_kernels()
        self._inputs, self._outputs = model.inputs, model.outputs

    def _default_kernels(self) -> str:
        names = [operator["op_name"] for operator in self._interpreter._get_ops_details()]
        return "XNNPACK delegate" if "DELEGATE" in names else "built-in, optimised"

    def invoke(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Run the model once (see :meth:`Session.invoke`)."""
        for index, value in zip(self._inputs, inputs, strict=True):
            self._interpreter.set_tensor(index, value)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._outputs]

    def tensor(self, index: int) -> NDArray[Any]:
        """Return a copy of an operator's output (see :meth:`Session.tensor`)."""
        return self._interpreter.get_tensor(index)  # type: ignore[no-any-return]


def with_outputs(content: bytes, tensors: Sequence[int]) -> bytes:
    """Return a copy of a TFLite file whose first subgraph has exactly the given tensors as outputs.

    A new vector is appended and the subgraph's table pointed to it: in a FlatBuffer a vector is a 32-bit count and its
    elements, and a table holds the forward distance to it.
    """
    import tflite

    changed = bytearray(content) + bytes(-len(content) % 4)
    table = tflite.Model.GetRootAs(changed, 0).Subgraphs(0)._tab
    field = table.Pos + table.Offset(_OUTPUTS_FIELD)
    struct.pack_into("<I", changed, field, len(changed) - field)
    return bytes(changed) + struct.pack(f"<I{len(tensors)}i", len(tensors), *tensors)


class InterpreterRuntime(Runtime):
    """A TFLite interpreter with reference kernels or with its default ones."""

    takes = TFLITE_KINDS

    def __init__(self, package: str, *, reference: bool) -> None:
        self.process = package
        self.name = f"{package}-{'reference' if reference else 'default'}"
        self._reference = reference

    @abstractmethod
    def load(self) -> InterpreterPackage:
        """Import the package."""

    def version(self) -> str:
        """Import the runtime and return its version."""
        return self.load().version

    def open(self, model: bytes | Path, *, keep_tensors: bool = False) -> InterpreterSession:
        """Open a ``.tflite`` model (see :meth:`Runtime.open`)."""
        return InterpreterSession(self.load(), model_bytes(model), reference=self._reference, keep_tensors=keep_tensors)
