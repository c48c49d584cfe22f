"""Tensors put together from what a device printed of them, piece by piece; what is not the model's is refused."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.mismatch.dump_text import Check, End, Header, Piece, Record, Same
from edgemnist.support.errors import InputError
from edgemnist.support.limits import MAX_DUMP_PARTS
from edgemnist.tflite.file import TensorInfo, TfliteModel
from edgemnist.tflite.kinds import operator_outputs

HOW = "see docs/dump-format.md"

_WIDTHS = {
    "bool": 1, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "float16": 2, "int32": 4, "uint32": 4, "float32": 4,
    "int64": 8, "uint64": 8, "float64": 8,
}  # fmt: skip
"""Bytes of an element, by the types that a dump may name."""


@dataclass(frozen=True, eq=False)
class Dumped:
    """``images``: their numbers, ascending. ``tensors``: by index, of shape (images, *tensor shape), in its dtype.

    ``notes``: what was passed over, a sentence each.
    """

    images: tuple[int, ...]
    tensors: Mapping[int, NDArray[Any]]
    notes: tuple[str, ...]


@dataclass
class _Growing:
    """A tensor's bytes as they come: ``content`` from the start on, ``later`` what came before those in front of it."""

    content: bytearray = field(default_factory=bytearray)
    later: dict[int, bytes] = field(default_factory=dict)
    crc: int = -1

    def add(self, offset: int, piece: bytes) -> bool:
        """Add bytes; False where others were there before."""
        if offset > len(self.content):
            return self.later.setdefault(offset, piece) == piece
        known = self.content[offset : offset + len(piece)]
        self.content += piece[len(known) :]
        return known == piece[: len(known)]

    def closed(self) -> bool:
        """Put in what came before its time; False where that contradicts what is there."""
        for offset in sorted(self.later):
            if offset <= len(self.content) and not self.add(offset, self.later.pop(offset)):
                return False
        return True


class Assembly:
    """Takes records one after the other; refuses what is not the model's."""

    def __init__(self, path: Path, model: TfliteModel) -> None:
        self._path, self._model = path, model
        self._wanted = {*operator_outputs(model), *model.inputs}
        self._names = {tensor.name: tensor.index for tensor in model.tensors if tensor.index in self._wanted}
        self._images: dict[int, dict[int, _Growing]] = {}
        self._same: dict[int, dict[int, int]] = {}
        self._ends: dict[int, int] = {}
        self._indices: dict[str, int] = {}
        self._parts = 0
        self._headed = False
        self._types: dict[int, str] = {}

    @property
    def is_empty(self) -> bool:
        """Whether no record has come."""
        return not (self._images or self._headed or self._same or self._ends)

    def add(self, record: Record) -> None:
        """Take a record.

        :raises InputError: it is not of the model, or contradicts one before it.
        """
        if isinstance(record, Piece):
            self._add_piece(record)
        elif isinstance(record, Check):
            self._growing(record.image, self._index(record)).crc = record.crc
        elif isinstance(record, Same):
            self._count(1)
            self._same.setdefault(record.image, {})[self._index(record)] = self._index(record, record.other)
        elif isinstance(record, End):
            self._ends[record.image] = max(record.tensors, self._ends.get(record.image, 0))
        else:
            self._add_header(record)

    def _add_header(self, record: Header) -> None:
        self._headed = True
        if not self._model.sha256.startswith(record.model):
            raise self._refusal(
                record,
                f"the dump is of the model whose SHA-256 starts with {record.model}, that of the one given with "
                f"{self._model.sha256[: len(record.model)]}; give the model that the device runs",
            )

    def _add_piece(self, piece: Piece) -> None:
        index = self._index(piece)
        tensor = self._model.tensors[index]
        self._check_type(piece, tensor)
        if piece.size != tensor.bytes:
            shape = "x".join(map(str, tensor.shape))
            raise self._refusal(
                piece,
                f"tensor {index} is said to have {piece.size:,} bytes, in the model it has {tensor.bytes:,} ({shape} "
                f"{tensor.dtype}); dump the tensor of that number, and all of it",
            )
        if piece.offset + len(piece.content) > piece.size:
            raise self._refusal(piece, f"tensor {index} goes on to {piece.offset + len(piece.content):,} bytes")
        growing = self._growing(piece.image, index)
        self._count(piece.offset > len(growing.content))
        if not growing.add(piece.offset, piece.content):
            raise self._refusal(piece, f"{_other_bytes(piece.image, index)}; give the lines of one run")

    def _check_type(self, piece: Piece, tensor: TensorInfo) -> None:
        """Refuse a type of another width; one with another sign or meaning is told, its bytes are taken as they are."""
        if piece.dtype in ("-", tensor.dtype):
            return
        if _WIDTHS.get(piece.dtype) != _WIDTHS.get(tensor.dtype, 0):
            raise self._refusal(
                piece, f"tensor {tensor.index} is said to be {piece.dtype}, in the model it is {tensor.dtype}; {HOW}"
            )
        self._types[tensor.index] = piece.dtype

    def _index(self, record: Piece | Check | Same, text: str | None = None) -> int:
        """Return the tensor that a record means."""
        text = record.tensor if text is None else text
        if text not in self._indices:
            self._indices[text] = self._found(record, text)
        return self._indices[text]

    def _found(self, record: Piece | Check | Same, text: str) -> int:
        ends = {"input": self._model.inputs, "output": self._model.outputs}.get(text)
        if ends is not None and len(ends) == 1:
            return ends[0]
        name = text.strip('"')
        index = int(text) if text.isascii() and text.isdigit() else self._names.get(name, -1)
        if index not in self._wanted:
            listed = ", ".join(map(str, sorted(self._wanted)[:40]))
            raise self._refusal(
                record, f"the model has no tensor {name!r} that is an input or an operator's output; those are {listed}"
            )
        return index

    def _growing(self, image: int, index: int) -> _Growing:
        tensors = self._images.setdefault(image, {})
        if index not in tensors:
            self._count(1)
            tensors[index] = _Growing()
        return tensors[index]

    def _count(self, more: int) -> None:
        self._parts += more
        if self._parts > MAX_DUMP_PARTS:
            raise InputError(
                f"{str(self._path)!r} has more than {MAX_DUMP_PARTS:,} tensors and pieces out of order; "
                "dump fewer images at a time"
            )

    def _refusal(self, record: Record, what: str) -> InputError:
        return InputError(f"{str(self._path)!r}, {record.place}: {what}")

    # --- what has come whole

    def result(self, notes: Sequence[str]) -> Dumped:
        """Return the tensors that every image has whole.

        :raises InputError: there are none, or a tensor contradicts itself.
        """
        said: list[str] = list(notes)
        if not self._headed:
            said.append("the dump does not say of which model it is")
        said += [
            f"tensor {index} was dumped as {dtype}; its bytes are taken for {self._model.tensors[index].dtype}"
            for index, dtype in sorted(self._types.items())
        ]
        whole = {image: self._whole(image, said) for image in sorted(self._images)}
        chosen = self._chosen(whole, said)
        if not chosen:
            raise InputError(f"{str(self._path)!r} has no tensor that came whole: {'; '.join(said)}; dump again")
        images = [image for image, tensors in whole.items() if chosen <= set(tensors)]
        tensors = {
            index: np.stack([self._array(index, whole[image][index]) for image in images]) for index in sorted(chosen)
        }
        return Dumped(tuple(images), tensors, tuple(said))

    def _whole(self, image: int, said: list[str]) -> dict[int, bytes]:
        """Return an image's tensors that are whole; say of the others what is wrong."""
        found: dict[int, bytes] = {}
        for index, growing in sorted(self._images[image].items()):
            problem = self._problem(image, index, growing)
            if problem:
                said.append(f"image {image}: tensor {index} was passed over, {problem}")
            else:
                found[index] = bytes(growing.content)
        for index, other in self._same.get(image, {}).items():
            if other in found and len(found[other]) == self._model.tensors[index].bytes:
                found.setdefault(index, found[other])
            else:
                said.append(f"image {image}: tensor {index} was passed over, it is said to be tensor {other}")
        if len(found) < self._ends.get(image, 0):
            said.append(f"image {image}: {len(found)} of {self._ends[image]} tensors came whole")
        return found

    def _problem(self, image: int, index: int, growing: _Growing) -> str:
        if not growing.closed():
            raise InputError(f"{str(self._path)!r}: {_other_bytes(image, index)}; give the lines of one run")
        size = self._model.tensors[index].bytes
        if len(growing.content) != size:
            return f"of its {size:,} bytes those from {len(growing.content):,} on are missing"
        if growing.crc == -1 and any(one.crc != -1 for one in self._images[image].values()):
            return "its checksum is missing"
        crc = zlib.crc32(growing.content)
        return "" if growing.crc in (-1, crc) else f"its checksum is {crc:08x} instead of {growing.crc:08x}"

    def _chosen(self, whole: Mapping[int, Mapping[int, bytes]], said: list[str]) -> set[int]:
        """Return the tensors of the image that has most; images that lack one of them are left out, and told."""
        most = max(whole.values(), key=len, default={})
        for image, tensors in whole.items():
            lacking = sorted(set(most) - set(tensors))
            if lacking:
                said.append(f"image {image} is left out: it lacks tensor {', '.join(map(str, lacking[:5]))}")
        more = sorted({index for tensors in whole.values() for index in tensors} - set(most))
        if more:
            said.append(f"not every image has tensor {', '.join(map(str, more[:5]))}: left out")
        return set(most)

    def _array(self, index: int, content: bytes) -> NDArray[Any]:
        tensor = self._model.tensors[index]
        return np.frombuffer(content, np.dtype(tensor.dtype).newbyteorder("<")).reshape(tensor.shape)


def _other_bytes(image: int, index: int) -> str:
    return f"tensor {index} of image {image} has other bytes than before"
