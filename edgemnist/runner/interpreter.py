"""The TFLite interpreter in its three Python packages (TensorFlow, tflite-runtime, LiteRT), with two sets of kernels.

One class serves all of them: the packages differ only in where the interpreter is imported from and in their version.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from edgemnist.runner.base import Runtime, Session, model_bytes
from edgemnist.support.errors import UnsafeModelError
from edgemnist.tflite.file import parse_tflite
from edgemnist.tflite.kinds import TFLITE_KINDS, operator_outputs
from edgemnist.tflite.lists import with_tensors


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
            content = with_tensors(content, outputs=[*model.outputs, *operator_outputs(model)])
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
        self._model, self._inputs, self._outputs = model, model.inputs, model.outputs

    def _default_kernels(self) -> str:
        names = [operator["op_name"] for operator in self._interpreter._get_ops_details()]
        return "XNNPACK delegate" if "DELEGATE" in names else "built-in, optimised"

    def invoke(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Run the model once (see :meth:`Session.invoke`)."""
        for index, value in zip(self._inputs, inputs, strict=True):
            self._interpreter.set_tensor(index, value)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._outputs]

    def confirm(self, inputs: Sequence[NDArray[Any]], outputs: Sequence[NDArray[Any]]) -> None:
        """Compare the shapes that the operators gave their outputs with the file's (see :meth:`Session.confirm`).

        A delegate hides what it computes, so that only reference kernels are asked.
        """
        if self.kernels != "reference":
            return
        details = self._interpreter.get_tensor_details()
        found = {one["index"]: tuple(int(size) for size in one["shape"]) for one in details}
        for index in operator_outputs(self._model):
            declared = self._model.tensors[index]
            fixed = declared.shape and -1 not in declared.shape_signature
            if fixed and found.get(index, declared.shape) != declared.shape:
                raise UnsafeModelError(
                    f"operators make the tensor {declared.name!r} {list(found[index])}, the file says "
                    f"{list(declared.shape)}; the file is corrupt, convert it again"
                )

    def delegated_operators(self) -> frozenset[int]:
        """Return the operators that lie between a delegate's inputs and outputs (:meth:`Session.delegated_operators`).

        A delegate stands behind the file's operators in the interpreter's list, which keeps those that it replaces.
        """
        writers = {index: operator for operator in self._model.operators for index in operator.outputs}
        found: set[int] = set()
        for delegate in self._interpreter._get_ops_details()[len(self._model.operators) :]:
            edge, pending = {int(index) for index in delegate["inputs"]}, [int(index) for index in delegate["outputs"]]
            while pending:
                operator = writers.get(pending.pop())
                if operator is not None and operator.index not in found:
                    found.add(operator.index)
                    pending += [index for index in operator.inputs if index not in edge]
        return frozenset(found)

    def tensor(self, index: int) -> NDArray[Any]:
        """Return a copy of an operator's output (see :meth:`Session.tensor`)."""
        return self._interpreter.get_tensor(index)  # type: ignore[no-any-return]


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
