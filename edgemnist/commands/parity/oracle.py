"""What the integers of a model are compared with, or why there is nothing to compare them with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgemnist.commands.parity.report import NotRun
from edgemnist.harness.claims import Claims, Standing, claims_of
from edgemnist.harness.runtimes import ORACLES
from edgemnist.runner.base import RunResult
from edgemnist.runner.run import LoadedModel
from edgemnist.tflite.kinds import ModelKind

_INTEGER_KINDS = frozenset({ModelKind.INT8, ModelKind.INT16X8})
_STEPPED_IN_FOR = frozenset({"missing", "refused"})
"""How an oracle may have failed for its second witness to take its place; any other way speaks against the model."""

Results = Mapping[tuple[Path, str], RunResult]
"""By model path and runtime name."""


@dataclass(frozen=True, eq=False)
class Oracle:
    """The run that others are compared with, None for a model without integers, and where ``why_none`` says why not.

    ``claims``: what is known of what the file says, None for a Keras model.
    """

    run: RunResult | None
    claims: Claims | None
    why_none: str = ""

    def difference_in_kind(self, found: RunResult) -> str:
        """Return in what a run can't be compared with the oracle, "" where it can."""
        if self.run is None:
            return ""
        for what, one, other in (
            ("outputs", found.outputs, self.run.outputs),
            ("logits", found.logits, self.run.logits),
        ):
            if one is not None and other is not None and (one.shape, one.dtype) != (other.shape, other.dtype):
                return (
                    f"its {what} are of shape {list(one.shape)} and type {one.dtype.name}, "
                    f"those of {self.run.runtime} of {list(other.shape)} and {other.dtype.name}"
                )
        return ""


def find_oracle(model: LoadedModel, results: Results, not_run: Sequence[NotRun]) -> Oracle:
    """Return the oracle of a model among what ran.

    There is none where the file's claims do not hold or a runtime was seen to leave the model's memory: what two
    interpreters make of that may be equal and means nothing. Nor is there where the oracle itself failed on the model.
    """
    claims = None if model.tflite is None else claims_of(model.tflite)
    if model.kind not in _INTEGER_KINDS:
        return Oracle(None, claims)
    failed = {entry.runtime: entry for entry in not_run if entry.file in (None, model.name)}
    if claims is not None and claims.standing is Standing.REFUSED:
        return Oracle(None, claims, f"the file can't be trusted: {claims.in_words()}")
    unsafe = next((entry for entry in failed.values() if entry.how == "unsafe"), None)
    if unsafe is not None:
        return Oracle(None, claims, unsafe.reason)
    for name in ORACLES:
        if (model.path, name) in results:
            return Oracle(results[model.path, name], claims)
        if name in failed and failed[name].how not in _STEPPED_IN_FOR:
            return Oracle(None, claims, f"{name} failed: {failed[name].reason}")
    return Oracle(None, claims, f"neither of {' and '.join(ORACLES)} ran")
