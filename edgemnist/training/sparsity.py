"""Which layers are pruned, how the pruning wrappers are put on and taken off, and how many zeros are really there.

The wrappers are tensorflow-model-optimization's: magnitude pruning (Zhu and Gupta 2017) with a mask per kernel.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.keras_io.tensorflow import load_model_optimization, load_tensorflow
from edgemnist.support.choices import unknown
from edgemnist.support.errors import InputError
from edgemnist.training.loop import Hooks

PATTERNS = ("unstructured", "2:4")
SCHEDULES = ("polynomial", "constant")

_GROUP = 4
_KEPT_OF_GROUP = 2
_FEWEST_INPUTS = 4
_AS_GOOD_AS_REACHED = 0.005
_MASK_UPDATES = 40
_SHARE_OF_PRUNING = 0.6

_WITH_KERNEL = ("Conv2D", "Dense", "DepthwiseConv2D")


@dataclass(frozen=True)
class PruningPlan:
    """What the wrappers do: ``sparsity`` is the share of zeros in 0..1, ``initial_sparsity`` that of the first change.

    A mask changes from step ``begin_step`` to ``end_step``, every ``frequency`` steps.
    """

    sparsity: float
    schedule: str
    pattern: str
    end_step: int
    frequency: int
    begin_step: int = 1
    initial_sparsity: float = 0.0


@dataclass(frozen=True)
class LayerSparsity:
    """How sparse one kernel is, counted: ``zeros`` of ``weights``; ``note`` says why it is not as asked for, or ""."""

    layer: str
    kind: str
    weights: int
    zeros: int
    note: str

    @property
    def sparsity(self) -> float:
        """Share of zeros, 0..1."""
        return self.zeros / self.weights


def plan_pruning(
    sparsity: float,
    schedule: str,
    pattern: str,
    steps: int,
    *,
    initial_sparsity: float = 0.0,
    begin: str | None = None,
    end: str | None = None,
) -> PruningPlan:
    """Return the plan for a fit of ``steps`` steps: masks change about 40 times, by default in the first 60 % of them,
    or of those that ``begin`` leaves.

    ``begin`` and ``end`` are as ``step_of`` reads them. ``end_step`` is made a turn of the schedule, so that the last
    change reaches the full sparsity.

    :raises InputError: the first change does not come before the last, or the last not before the fit's end.
    """
    first = 1 if begin is None else step_of(begin, steps, "--begin")
    left = steps if begin is None else steps - first
    span = max(1, int(left * _SHARE_OF_PRUNING)) if end is None else step_of(end, steps, "--end") - first
    if begin is not None or end is not None:
        _check_ramp(first, first + span, steps)
    frequency = max(1, span // _MASK_UPDATES)
    last = first + span // frequency * frequency
    return PruningPlan(sparsity, schedule, pattern, last, frequency, first, initial_sparsity)


def step_of(text: str, steps: int, option: str) -> int:
    """Return the step that a person means: a number of steps, or, with a point or a percent sign, a share of all.

    :raises InputError: it is neither.
    """
    try:
        if text.endswith("%"):
            return _step_at(float(text[:-1]) / 100, steps)
        return _step_at(float(text), steps) if "." in text else int(text)
    except ValueError:
        raise InputError(
            f"{option} {text!r} is neither a number of steps nor a share of them; give a whole number below {steps}, "
            "or a share such as 0.3 or 30%"
        ) from None


def _step_at(share: float, steps: int) -> int:
    if not 0 <= share <= 1:
        raise ValueError(share)
    return min(int(share * steps), steps - 1)


def _check_ramp(first: int, last: int, steps: int) -> None:
    if not 0 <= first < last < steps:
        raise InputError(
            f"zeros are to come from step {first} to step {last} of {steps}; --begin has to be before --end, and both "
            f"from 0 to {steps - 1}, or shares of the steps such as 0.1 and 0.6"
        )


def why_dense(layer: Any) -> str | None:
    """Return why a layer with a kernel is left dense, or None when it is pruned."""
    if type(layer).__name__ == "DepthwiseConv2D":
        return "stays dense: depthwise kernels can't be pruned by tensorflow-model-optimization"
    if type(layer).__name__ == "Conv2D" and layer.kernel.shape[2] < _FEWEST_INPUTS:
        return "stays dense: reads the image itself"
    return None


def wrap(model: Any, plan: PruningPlan) -> Any:
    """Return the model with pruning wrappers around its layers; it shares the layers, and so the weights."""
    optimization = load_model_optimization()
    _, keras = load_tensorflow()

    def with_wrapper(layer: Any) -> Any:
        if type(layer).__name__ not in _WITH_KERNEL or why_dense(layer) is not None:
            return layer
        return optimization.sparsity.keras.prune_low_magnitude(layer, **_wrapper_arguments(optimization, plan))

    return keras.models.clone_model(model, clone_function=with_wrapper)


def _wrapper_arguments(optimization: Any, plan: PruningPlan) -> dict[str, Any]:
    kinds = optimization.sparsity.keras
    steps = {"begin_step": plan.begin_step, "end_step": plan.end_step, "frequency": plan.frequency}
    if plan.schedule == "polynomial":
        return {"pruning_schedule": kinds.PolynomialDecay(plan.initial_sparsity, plan.sparsity, **steps)}
    constant = {"pruning_schedule": kinds.ConstantSparsity(plan.sparsity, **steps)}
    if plan.pattern == "2:4":
        return {**constant, "sparsity_m_by_n": (_GROUP - _KEPT_OF_GROUP, _GROUP)}
    return constant


def strip(model: Any) -> Any:
    """Return the model without the wrappers, with the pruned weights."""
    return load_model_optimization().sparsity.keras.strip_pruning(model)


def pruning_hooks(model: Any, plan: PruningPlan, steps_per_epoch: int) -> Hooks:
    """Return what keeps the wrappers going in a hand-written loop.

    They count their steps from the number they are given, and the last update of an epoch leaves values where the
    mask says zero. Weights are averaged while the masks no longer change (an average with those from before would be
    neither), and eligible from the first epoch on in which that is so.
    """
    wrapped = [layer for layer in model.layers if hasattr(layer, "pruning_obj")]

    def before_step(step: Any) -> None:
        for layer in wrapped:
            layer.pruning_step.assign(step)

    def after_epoch() -> None:
        for layer in wrapped:
            layer.pruning_obj.weight_mask_op()

    eligible = -(-plan.end_step // steps_per_epoch)
    return Hooks(before_step, after_epoch, average_from=plan.end_step, first_eligible_epoch=eligible)


def count_sparsity(model: Any, plan: PruningPlan) -> tuple[LayerSparsity, ...]:
    """Count the zeros of every kernel in a stripped model."""
    found = []
    for layer in model.layers:
        if type(layer).__name__ not in _WITH_KERNEL:
            continue
        kernel = _kernel(layer)
        note = why_dense(layer) or _shortfall(kernel, plan)
        zeros = int(np.count_nonzero(kernel == 0))
        found.append(LayerSparsity(layer.name, type(layer).__name__, kernel.size, zeros, note))
    return tuple(found)


def _kernel(layer: Any) -> NDArray[np.float32]:
    name = "depthwise_kernel" if type(layer).__name__ == "DepthwiseConv2D" else "kernel"
    return np.asarray(getattr(layer, name).numpy(), dtype=np.float32)


def _shortfall(kernel: NDArray[np.float32], plan: PruningPlan) -> str:
    """Return how a pruned kernel falls short of the plan, or ""."""
    if plan.pattern == "2:4":
        return _shortfall_of_groups(kernel)
    missing = plan.sparsity - np.count_nonzero(kernel == 0) / kernel.size
    return f"falls short by {missing:.1%}" if missing > 1 / kernel.size else ""


def _shortfall_of_groups(kernel: NDArray[np.float32]) -> str:
    """Check that of every 4 weights along the input channels at most 2 are not zero (the axis TFLite stores last)."""
    inputs = kernel.shape[-2]
    by_input = np.moveaxis(kernel, -2, -1).reshape(-1, inputs)
    whole = by_input[:, : inputs - inputs % _GROUP].reshape(-1, _GROUP)
    over = int((np.count_nonzero(whole, axis=1) > _KEPT_OF_GROUP).sum())
    notes = [f"{over} of {len(whole)} groups have more than {_KEPT_OF_GROUP} weights"] if over else []
    if inputs % _GROUP:
        notes.append(f"{inputs} input channels do not divide by {_GROUP}: the last {inputs % _GROUP} stay denser")
    return "; ".join(notes)


def share_of_zeros(model: Any) -> float:
    """Return the share of zeros in all kernels of a model, 0..1."""
    kernels = [_kernel(layer) for layer in model.layers if type(layer).__name__ in _WITH_KERNEL]
    return sum(int(np.count_nonzero(kernel == 0)) for kernel in kernels) / sum(kernel.size for kernel in kernels)


def total_sparsity(layers: Sequence[LayerSparsity]) -> float:
    """Return the share of zeros in all kernels together, 0..1."""
    return sum(layer.zeros for layer in layers) / sum(layer.weights for layer in layers)


def why_short(layers: Sequence[LayerSparsity], target: float) -> str:
    """Return why all kernels together have fewer zeros than was asked for (0..1), layer by layer; "" where they have.

    Every pruned kernel gets the target; what is missing is in those that stay dense, or denser.
    """
    found = total_sparsity(layers)
    if found >= target - _AS_GOOD_AS_REACHED:
        return ""
    reasons: dict[str, list[LayerSparsity]] = {}
    for layer in layers:
        if layer.note:
            reasons.setdefault(layer.note, []).append(layer)
    parts = [
        f"{', '.join(layer.layer for layer in of)} ({sum(layer.weights for layer in of):,} weights): {note}"
        for note, of in reasons.items()
    ]
    return f"{target:.1%} zeros were asked for, all kernels together have {found:.1%}: " + "; ".join(parts)


def compressed_size(model: Any) -> int:
    """Return the bytes of all weights as float32 after gzip, level 9."""
    content = b"".join(np.asarray(weight.numpy(), dtype=np.float32).tobytes() for weight in model.weights)
    return len(gzip.compress(content, 9, mtime=0))


def check_sparsity(sparsity: float) -> None:
    """Check a share of zeros.

    :raises InputError: it is outside [0, 1).
    """
    if not 0 <= sparsity < 1:
        raise InputError(f"sparsity {sparsity!r} is out of range; give a share of zeros from 0 to below 1, such as 0.5")


def check_request(sparsity: float, schedule: str, pattern: str, initial_sparsity: float = 0.0) -> None:
    """Check what a user asked for.

    :raises InputError: sparsity outside [0, 1), an unknown schedule or pattern, a pattern with the wrong sparsity, or
        an initial sparsity above the last or without a schedule that rises.
    """
    check_sparsity(sparsity)
    if schedule not in SCHEDULES:
        raise unknown("pruning schedule", schedule, SCHEDULES)
    if pattern not in PATTERNS:
        raise unknown("pattern", pattern, PATTERNS)
    if pattern == "2:4" and (sparsity != 0.5 or schedule != "constant"):
        raise InputError(
            f"pattern 2:4 means sparsity 0.5 from the first step on, got sparsity {sparsity!r} and schedule "
            f"{schedule!r}; leave --sparsity and --schedule out"
        )
    if initial_sparsity and schedule != "polynomial":
        raise InputError(
            f"initial sparsity {initial_sparsity!r} is for zeros that rise, with schedule {schedule!r} they come at "
            "once; leave --initial-sparsity out, or take --schedule polynomial"
        )
    if not 0 <= initial_sparsity <= sparsity:
        raise InputError(
            f"initial sparsity {initial_sparsity!r} is out of range; give a share of zeros from 0 to the last one, "
            f"{sparsity:g}"
        )
