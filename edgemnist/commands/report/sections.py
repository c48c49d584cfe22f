"""The sections of a report that may be missing, as values; the rest is in ``report.py``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CheckState = Literal["passed", "failed", "noted"]
"""``noted``: what the verdict does not hang on, such as a runtime that is not installed."""


@dataclass(frozen=True)
class Proportion:
    """``count`` of ``total``; ``share`` in 0..1 with its standard error, each of ``total`` an independent draw."""

    count: int
    total: int
    share: float
    standard_error: float


@dataclass(frozen=True)
class Estimate:
    """A mean over images and its standard error, as shares: 0.01 is one percentage point."""

    mean: float
    standard_error: float


@dataclass(frozen=True)
class Range:
    """An estimate in the unit of its field, and between which bounds the truth is expected."""

    expected: float
    low: float
    high: float


@dataclass(frozen=True)
class PairedDifference:
    """Accuracy of the float reference less that of the model, on the same images, image by image.

    ``only_reference`` and ``only_model``: images that only one of the two gets right.
    """

    reference: str
    model: str
    drop: Estimate
    only_reference: int
    only_model: int
    same_class: Proportion


@dataclass(frozen=True)
class ClassRow:
    """How well a class is recognised; shares in 0..1, ``support`` its images."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Confusion:
    """Counts with a row per label and a column per predicted class, by ``model`` (file and runtime)."""

    model: str
    counts: tuple[tuple[int, ...], ...]
    classes: tuple[ClassRow, ...]


@dataclass(frozen=True)
class ReliabilityBin:
    """Images whose confidence is in ``low`` (not included) to ``high``; the means are None where there are none."""

    low: float
    high: float
    images: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True)
class Calibration:
    """How far the confidence of a model's answers is their accuracy.

    ``expected_error``: the bins' gaps between the two, weighted by their images. ``confidence`` and ``accuracy`` are
    means over all images.
    """

    model: str
    expected_error: float
    confidence: float
    accuracy: float
    bins: tuple[ReliabilityBin, ...]


@dataclass(frozen=True)
class DifferenceCount:
    """How many elements differ from the oracle's by so many LSB, with sign: the runtime's less the oracle's."""

    difference: int
    elements: int


@dataclass(frozen=True)
class LogitDifference:
    """A runtime's int8 values against the oracle's, element by element.

    ``tensor``: "logits" (what the final softmax takes) or "outputs" where there are no logits to be had; ``bias``: the
    mean difference in LSB; ``class_changes``: images whose class is another one than the oracle's.
    """

    model: str
    runtime: str
    oracle: str
    tensor: str
    total: int
    different: int
    bias: float
    class_changes: int
    counts: tuple[DifferenceCount, ...]


@dataclass(frozen=True)
class Answer:
    """A model's most probable class for an image; ``probability`` in 0..1."""

    model: str
    label: str
    probability: float


@dataclass(frozen=True)
class Disagreement:
    """An image on which float and int8 disagree most.

    ``picture``: a PNG in Base64; ``distance``: half the sum of the absolute differences of all probabilities, 0..1.
    """

    name: str
    label: str
    picture: str
    width: int
    height: int
    answers: tuple[Answer, ...]
    distance: float


@dataclass(frozen=True)
class Disagreements:
    """The images on which two models differ most, first those with different classes; ``differing`` counts these."""

    first: str
    second: str
    images: int
    differing: int
    rows: tuple[Disagreement, ...]


@dataclass(frozen=True)
class OperatorCell:
    """An operator in a runtime, in shares of its elements, 0..1.

    ``own``: those that differ although it got the oracle's bytes; ``inherited``: those that differ in the whole model.
    ``note``: the rule that makes the difference, "" where nobody knows.
    """

    own: float
    inherited: float
    note: str


@dataclass(frozen=True)
class OperatorRow:
    """An operator and its cells, one per runtime of the section; None where it was not compared."""

    operator: str
    cells: tuple[OperatorCell | None, ...]


@dataclass(frozen=True)
class Operators:
    """Where runtimes part, operator by operator; ``source`` says what found it."""

    source: str
    runtimes: tuple[str, ...]
    rows: tuple[OperatorRow, ...]


@dataclass(frozen=True)
class LayerRow:
    """A layer in the firmware, per inference. ``arena_bytes``: bytes of the arena in use while it runs."""

    operator: str
    macs: int
    instructions: float | None
    cycles: Range | None
    code_bytes: int
    constant_bytes: int
    arena_bytes: int | None


@dataclass(frozen=True)
class Firmware:
    """The model on an emulated board. Bytes of the image; instructions and cycles are per inference.

    ``cycles`` are estimates (None: ``cycles_from`` says why there are none); ``milliseconds`` at ``clock_hz``.
    """

    device: str
    board: str
    compiler: str
    images: str
    accuracy: Proportion | None
    oracle: str
    exact: bool
    differing: int
    flash_bytes: int
    flash_of_board: int
    model_code_bytes: int
    model_constant_bytes: int
    ram_bytes: int
    ram_of_board: int
    arena_bytes: int
    stack_reserved: int
    stack_used: int
    static_bytes: int
    instructions: Range | None
    instructions_from: str
    cycles: Range | None
    milliseconds: Range | None
    clock_hz: int
    cycles_from: str
    layers: tuple[LayerRow, ...]


@dataclass(frozen=True)
class MemoryBlock:
    """A tensor, or a layer's scratch, in the arena: where it lies and from which step to which (inclusive).

    ``label``: its name for people, "" in reports that have none.
    """

    name: str
    scratch: bool
    offset: int
    bytes: int
    first: int
    last: int
    label: str = ""

    @property
    def shown(self) -> str:
        """What people call it."""
        return self.label or self.name


@dataclass(frozen=True)
class MemoryMap:
    """The arena over time. ``largest_live_set``: the most bytes of tensors that are needed at once without overlap.

    ``layers``: what each step writes, as people call it; empty in reports that have none.
    """

    target: str
    arena_bytes: int
    largest_tensor: int
    largest_live_set: int
    steps: tuple[str, ...]
    blocks: tuple[MemoryBlock, ...]
    layers: tuple[str, ...] = ()


@dataclass(frozen=True)
class CorruptionRow:
    """Accuracy under a corruption, the mean over its severities, and the drop against the float reference by model."""

    name: str
    conditions: int
    accuracy: tuple[Estimate, ...]
    drop: tuple[Estimate | None, ...]


@dataclass(frozen=True)
class Robustness:
    """Accuracy off-distribution, from the work folder's record; ``clean`` is on the images as they are."""

    source: str
    models: tuple[str, ...]
    reference: int | None
    clean: tuple[Proportion, ...]
    corruptions: tuple[CorruptionRow, ...]
    summaries: tuple[CorruptionRow, ...]
    verdicts: tuple[str, ...]


@dataclass(frozen=True)
class Layer:
    """An operator of the model's file, at position ``index``.

    ``tensor`` is the name of its first output and ``type`` that output's; ``inputs`` and ``outputs`` are shapes, those
    of weights included. ``file_bytes``: what it takes of the file. ``step``: the firmware's layer that computes
    it, fused operators sharing one; None where there is none.
    """

    index: int
    kind: str
    tensor: str
    type: str
    inputs: tuple[tuple[int, ...], ...]
    outputs: tuple[tuple[int, ...], ...]
    file_bytes: int
    step: int | None


@dataclass(frozen=True)
class ImageAnswers:
    """What ``model`` made of each image, so that a later report can be compared with it image by image.

    ``labels`` and ``predictions`` are classes from 0, decimal numbers with a blank between them, in one order.
    ``images_sha256`` is of the pixels as they were, at the height, width and channels of ``image_shape``.
    """

    model: str
    images_sha256: str
    image_shape: tuple[int, ...]
    labels: str
    predictions: str
