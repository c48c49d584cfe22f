"""The result as values: an int8 net beside its float net; its JSON is the truth, texts are views."""

from __future__ import annotations

import enum
from dataclasses import asdict, dataclass
from typing import Any

from edgemnist.harness.compare import Share
from edgemnist.quantisation_error.effects import Change, Effect
from edgemnist.quantisation_error.layers import LayerMeasures

FORMAT = 1


class Blame(enum.Enum):
    """What costs accuracy."""

    NOBODY = "nobody"
    CALIBRATION = "calibration"
    CHANNELS = "ranges of channels"
    WEIGHTS = "weights"
    EIGHT_BITS = "eight bits"
    ARITHMETIC = "arithmetic"
    NET = "the net"


@dataclass(frozen=True)
class LayerRow:
    """A layer, or the model's input with index -1. ``index``: the operator's in the int8 file, ``tensor`` its output.

    ``alone``: the float net in which only this is quantised, beside the float net; ``without``: the int8 net in which
    only this is not, beside the int8 net; None for what is not quantised by itself, as where a range is passed on.
    ``weights_sqnr``: of the quantised weights beside the float ones, in dB, the median of its output channels; None
    without weights, or without an error.
    """

    position: int
    index: int
    kind: str
    tensor: str
    shape: tuple[int, ...]
    measures: LayerMeasures
    weights_sqnr: float | None
    alone: Effect | None
    without: Effect | None

    @property
    def label(self) -> str:
        """For people."""
        return "the input" if self.index < 0 else f"{self.index} {self.kind}"


@dataclass(frozen=True)
class Trial:
    """The int8 net with one thing changed: in words, and what comes of it beside the int8 net. ``position``: of which
    layer alone, None for all of them.
    """

    name: str
    position: int | None
    effect: Effect


@dataclass(frozen=True)
class Margins:
    """By how much the float net's first class leads its second, in logits: median of all images, and of those whose
    class int8 changes, None where it changes none.
    """

    all: float
    flipped: float | None


@dataclass(frozen=True)
class Verdict:
    """``blame``, in which layer, None where it is in no single one; ``sentences`` with the evidence; ``remedy``, empty
    where none is needed. ``recovered``: what the change that shows it brings back.
    """

    blame: Blame
    layer: int | None
    sentences: tuple[str, ...]
    remedy: str = ""
    recovered: Change | None = None


@dataclass(frozen=True)
class QuantisationError:
    """Of a float and an int8 net on the same images. ``labelled``: whether right means the label; else it means the
    float net's class. ``int8``: the int8 net in the oracle; ``simulated``: the float net with all weights and outputs
    rounded, on which the experiments are made.
    """

    float_model: str
    int8_model: str
    float_runtime: str
    int8_runtime: str
    inputs: str
    count: int
    labelled: bool
    float_accuracy: Share
    int8: Effect
    simulated: Effect
    arithmetic: Change
    layers: tuple[LayerRow, ...]
    trials: tuple[Trial, ...]
    margins: Margins
    verdict: Verdict

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        content: dict[str, Any] = _plain(asdict(self))
        for one, row in zip(content["layers"], self.layers, strict=True):
            for name, effect in (("alone", row.alone), ("without", row.without)):
                _with_derived(one[name], effect)
        for one, trial in zip(content["trials"], self.trials, strict=True):
            _with_derived(one["effect"], trial.effect)
        _with_derived(content["int8"], self.int8)
        _with_derived(content["simulated"], self.simulated)
        return {"format": FORMAT, **content}


def _with_derived(content: dict[str, Any] | None, effect: Effect | None) -> None:
    if content is not None and effect is not None:
        content["accuracy"]["share"] = effect.accuracy.share
        content["flips"]["share"] = effect.flips.share
        change = effect.change
        content["change"] |= {
            "share": change.share,
            "standard_error": change.standard_error,
            "certain": change.certain,
        }


def _plain(value: Any) -> Any:
    """Return values without enumerations."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, (list, tuple)) else value
