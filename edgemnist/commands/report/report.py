"""A report as values; its JSON is the truth, every other format is a view of it.

The JSON Schema (``schema.py``) is made from these classes: a field more or less is another ``REPORT_FORMAT``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from edgemnist.commands.report.comparison import Comparison
from edgemnist.commands.report.sections import (
    Calibration,
    CheckState,
    Confusion,
    Disagreements,
    Firmware,
    ImageAnswers,
    Layer,
    LogitDifference,
    MemoryMap,
    Operators,
    PairedDifference,
    Proportion,
    Robustness,
)

REPORT_FORMAT = 2

VerdictState = Literal["passed", "failed", "undecided"]
"""``undecided``: nothing failed, and nothing was there to pass."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at for the verdict, and what was found."""

    name: str
    state: CheckState
    detail: str


@dataclass(frozen=True)
class Verdict:
    """Whether every check that has to hold does; ``sentence`` says it for people."""

    state: VerdictState
    sentence: str
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class ModelFile:
    """A model that took part; ``oracle``: what its integers are compared with, "" for a model without."""

    file: str
    kind: str
    bytes: int
    sha256: str
    oracle: str
    no_oracle: str


@dataclass(frozen=True)
class Images:
    """The labelled images that every model was put through, and in words how they were fed."""

    dataset: str
    count: int
    sampling: str
    preprocessing: str
    assumed: tuple[str, ...]
    class_names: tuple[str, ...]


@dataclass(frozen=True)
class Stage:
    """A file on the way from the data to the device. Sizes in bytes; ``note`` says what else there is to know."""

    stage: str
    file: str
    accuracy: float | None
    measured_with: str
    bytes: int | None
    gzip_bytes: int | None
    latency_us: float | None
    latency_of: str
    note: str


@dataclass(frozen=True)
class Stages:
    """The files in the order in which they are made; ``source`` says where the figures come from."""

    source: str
    rows: tuple[Stage, ...]


@dataclass(frozen=True)
class Deviation:
    """How far values are from the oracle's: how many of all, in how many images, and by how much at most."""

    count: int
    total: int
    share: float
    images: int
    max_difference: float


@dataclass(frozen=True)
class RuntimeRow:
    """A model in a runtime; times in microseconds, one invoke, batch 1, one thread.

    ``agreement``: images with the float reference's class. ``outputs`` and ``logits`` against the oracle, None without
    one; ``exact``: both are equal, None where there is nothing to compare. ``lowest_us`` and ``highest_us``: medians of
    the fastest and the slowest window, None in a report of format 1.
    """

    file: str
    kind: str
    runtime: str
    version: str
    kernels: str
    accuracy: Proportion
    agreement: Proportion | None
    ties: int
    is_oracle: bool
    exact: bool | None
    outputs: Deviation | None
    logits: Deviation | None
    first_us: float
    median_us: float
    p95_us: float
    lowest_us: float | None
    highest_us: float | None
    resident_bytes: int


@dataclass(frozen=True)
class NotRun:
    """A runtime that did not run, on one model or (``file`` None) at all; ``how`` as parity has it."""

    runtime: str
    file: str | None
    how: str
    reason: str


@dataclass(frozen=True)
class Runtimes:
    """Every model in every runtime. ``source`` says whether it was measured now or stands in the work folder.

    ``conditions``: what the machine did meanwhile, "" in a report of format 1.
    """

    source: str
    machine: str
    conditions: str
    timing: str
    float_reference: str
    rows: tuple[RuntimeRow, ...]
    not_run: tuple[NotRun, ...]


@dataclass(frozen=True)
class FileDigest:
    """A file and its SHA-256; ``stage`` is the one whose record in the work folder has it, "" for a file named."""

    file: str
    stage: str
    sha256: str


@dataclass(frozen=True)
class Provenance:
    """What it was made with and of, and how to make it again.

    ``created``: UTC, ISO 8601. ``commands`` run in a shell; ``unrecorded`` says what they can't repeat.
    """

    created: str
    edgemnist: str
    python: str
    system: str
    packages: Mapping[str, str]
    digests: tuple[FileDigest, ...]
    commands: tuple[str, ...]
    unrecorded: str


@dataclass(frozen=True)
class LeftOut:
    """A section that is not in the report, why, and how to get it."""

    section: str
    reason: str


@dataclass(frozen=True)
class Report:
    """Everything that is known of ``subject``, the model that the report is about."""

    title: str
    verdict: Verdict
    subject: ModelFile
    models: tuple[ModelFile, ...]
    images: Images
    stages: Stages
    runtimes: Runtimes
    paired: PairedDifference | None
    operators: Operators | None
    confusion: Confusion | None
    calibration: tuple[Calibration, ...]
    differences: tuple[LogitDifference, ...]
    disagreements: Disagreements | None
    firmware: Firmware | None
    memory: MemoryMap | None
    robustness: Robustness | None
    layers: tuple[Layer, ...]
    answers: ImageAnswers | None
    comparison: Comparison | None
    provenance: Provenance
    left_out: tuple[LeftOut, ...]
    remark: str

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON values, as the JSON Schema has them."""
        return {"format": REPORT_FORMAT, **asdict(self)}
