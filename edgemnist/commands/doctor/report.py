"""What `edgemnist doctor MODEL` found, as values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from edgemnist.commands.doctor.faults.base import Fault, Place
from edgemnist.support.errors import GateFailedError


class Answer(Enum):
    """Whether a target loads a model and runs it."""

    LOADS = "loads"
    REFUSES = "refuses"
    UNKNOWN = "unknown"


class Evidence(Enum):
    """What an answer rests on."""

    INVOKED = "loaded and invoked here"
    GENERATED = "generated here"
    MEASURED = "measured, operator by operator"
    DOCUMENTED = "documented"
    NONE = "unknown"


@dataclass(frozen=True)
class Delegation:
    """How many of a model's operators XNNPACK computes, and the positions and kinds of the others.

    ``of_this_model`` is False where each operator was measured alone: in a model others may keep it from that.
    """

    operators: int
    delegated: int
    others: tuple[str, ...]
    of_this_model: bool


@dataclass(frozen=True)
class Verdict:
    """What a target makes of a model.

    ``details`` say what was done and with which versions; ``reasons`` why it is refused, or what is not known;
    ``remedies`` what helps. ``install`` is how the target gets its interpreter, empty where there is none to get.
    """

    target: str
    answer: Answer
    evidence: Evidence
    details: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()
    install: str = ""
    delegation: Delegation | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the verdict as JSON values."""
        return {**asdict(self), "answer": self.answer.value, "evidence": self.evidence.name.lower()}


@dataclass(frozen=True)
class Finding:
    """A fault and every place where it is."""

    fault: Fault
    places: tuple[Place, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the finding as JSON values."""
        return {
            "fault": self.fault.name,
            "severity": self.fault.severity.value,
            "what": self.fault.what,
            "remedy": self.fault.remedy,
            "places": [asdict(place) for place in self.places],
        }


@dataclass(frozen=True)
class ModelDiagnosis:
    """A model, what each target makes of it, and what is wrong with it.

    ``images`` says which were run through it, empty for none; ``required``: the targets that have to load it.
    """

    file: Path
    sha256: str
    kind: str
    operators: int
    verdicts: tuple[Verdict, ...]
    findings: tuple[Finding, ...]
    images: str = ""
    required: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the diagnosis as JSON values."""
        return {
            "file": str(self.file),
            "sha256": self.sha256,
            "kind": self.kind,
            "operators": self.operators,
            "targets": [verdict.as_json() for verdict in self.verdicts],
            "findings": [finding.as_json() for finding in self.findings],
            "images": self.images,
        }

    def raise_refused(self) -> None:
        """Raise if a target that was named does not load the model.

        :raises GateFailedError: names each with its first reason; one of which that is not known is among them.
        """
        failed = [one for one in self.verdicts if one.target in self.required and one.answer is not Answer.LOADS]
        if failed:
            lines = [f"  - {one.target}: {_first(one.reasons, one.answer.value)}" for one in failed]
            raise GateFailedError("\n".join([f"{self.file.name} does not load where it has to:", *lines]))


def _first(reasons: Sequence[str], otherwise: str) -> str:
    return reasons[0] if reasons else otherwise
