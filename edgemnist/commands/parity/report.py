"""The result of a parity run as values; its JSON is the truth, every table is a view of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from edgemnist.harness.compare import Difference, Share
from edgemnist.mismatch.explanation import Explanation
from edgemnist.runner.base import StepTime
from edgemnist.runner.latency import WINDOWS, Latency
from edgemnist.support.machine import Conditions

REPORT_NAME = "parity.json"
REPORT_FORMAT = 2

TIMING = (
    "one invoke = copy the input in, run, copy the output out, called from Python; batch 1, one thread; without the "
    "quantisation of the image; first = the first invoke after opening the model; then, after a warm-up, all models "
    f"and runtimes in turns, {WINDOWS} windows each: the median and p95 of all invokes, and as windows the medians of "
    "the fastest and the slowest window"
)
MEMORY = "resident memory of the runtime's process after the run, Python and its own libraries included"


@dataclass(frozen=True)
class ModelEntry:
    """A model that took part.

    ``oracle`` names the runtime, version and kernels its integers are compared with; where there is none for a model of
    integers, ``no_oracle`` says why, and nothing is exact. ``claims``: what is known of what its file says, a
    :class:`~edgemnist.harness.claims.Standing`, None for a Keras model; ``problems`` why it is refused.
    """

    file: str
    kind: str
    bytes: int
    sha256: str
    oracle: str | None
    no_oracle: str = ""
    claims: str | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunEntry:
    """A model in a runtime.

    ``agreement`` is with the float reference's classes. ``outputs`` and ``logits`` are compared with the oracle; None
    where there is no oracle, no logits, or where this run is the oracle (``is_oracle``). ``profile``: what each step
    takes, None where it was not asked for or the runtime offers none.
    """

    file: str
    runtime: str
    version: str
    kernels: str
    accuracy: Share
    agreement: Share | None
    ties: int
    is_oracle: bool
    outputs: Difference | None
    logits: Difference | None
    latency: Latency
    rss_bytes: int
    profile: tuple[StepTime, ...] | None = None

    @property
    def exact(self) -> bool | None:
        """Whether outputs and logits equal the oracle's, None without a comparison."""
        if self.outputs is None:
            return None
        return self.outputs.exact and (self.logits is None or self.logits.exact)


@dataclass(frozen=True)
class NotRun:
    """A runtime that could not run at all (``file`` None), or failed on a model.

    ``how`` is ``missing`` (not installed), ``refused`` (it said that it can't do the model), ``crashed`` (its process
    died, hung or took too much memory), ``wrong`` (its outputs are not those that the file declares, or no numbers) or
    ``unsafe`` (it was seen to leave the memory of the model's tensors, or to find that the file's shapes are wrong).
    """

    runtime: str
    file: str | None
    how: str
    reason: str


@dataclass(frozen=True)
class GateResult:
    """What a gate found; ``detail`` says by how much."""

    gate: str
    passed: bool
    detail: str


@dataclass(frozen=True)
class ParityReport:
    """Everything that a parity run found. ``sampling`` says which images, ``normalisation`` what pixels became,
    ``conditions`` what the machine did,
    ``preprocessing`` in words how the models are fed, ``assumed`` what nobody had said of it, ``remark`` what would
    make them right if they are not, ``float_reference`` which model in which runtime the classes are compared with.
    ``no_keras``: why that is not the Keras model, where one takes part. ``explanations``: why bytes differ, if asked.
    """

    dataset: str
    images: int
    sampling: str
    normalisation: str
    preprocessing: str
    assumed: tuple[str, ...]
    machine: str
    conditions: Conditions
    float_reference: str | None
    no_keras: str
    models: tuple[ModelEntry, ...]
    runs: tuple[RunEntry, ...]
    not_run: tuple[NotRun, ...]
    gates: tuple[GateResult, ...] = ()
    remark: str = ""
    explanations: tuple[Explanation, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        content = {"format": REPORT_FORMAT, "timing": TIMING, "memory": MEMORY, **asdict(self)}
        content["runs"] = [_run_json(run) for run in self.runs]
        content["explanations"] = [one.as_json() for one in self.explanations]
        return content


def _run_json(run: RunEntry) -> dict[str, Any]:
    content = asdict(run)
    content["latency"] |= {"lowest_us": run.latency.lowest_us, "highest_us": run.latency.highest_us}
    content["accuracy"] |= {"share": run.accuracy.share, "standard_error": run.accuracy.standard_error}
    if run.agreement is not None:
        content["agreement"]["share"] = run.agreement.share
    for name, difference in (("outputs", run.outputs), ("logits", run.logits)):
        if difference is not None:
            content[name]["elements"]["share"] = difference.elements.share
    content["exact"] = run.exact
    return content
