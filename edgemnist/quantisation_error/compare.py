"""An int8 net beside its float net: every layer measured, every layer's cost, and whom to blame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgemnist.harness.outputs import class_scores
from edgemnist.harness.runtimes import OpenRuntimes
from edgemnist.quantisation_error.blame import Evidence, verdict_of, worst_layer
from edgemnist.quantisation_error.effects import Answers, answers, change_between, effect_of
from edgemnist.quantisation_error.layers import Measured, measure
from edgemnist.quantisation_error.measures import NoiseTally
from edgemnist.quantisation_error.pairing import INPUT, Layer, Pair, pair_up
from edgemnist.quantisation_error.replay import Replay
from edgemnist.quantisation_error.report import LayerRow, Margins, QuantisationError, Trial
from edgemnist.quantisation_error.trials import Material, Trials, logits_of
from edgemnist.quantisation_error.weights import Weights, weights_of
from edgemnist.runner.client import DEFAULT_TIMEOUT, RuntimeWorker
from edgemnist.runner.run import LoadedModel
from edgemnist.support.errors import UnsupportedModelError
from edgemnist.support.progress import progress_task
from edgemnist.tflite.kinds import OUTPUT_AXIS, ModelKind

SAME_NET = 0.5
"""Cosine of a layer's float and int8 weights, below which they are of different nets."""


def quantisation_error(
    float_model: LoadedModel, int8_model: LoadedModel, material: Material, *, timeout: float = DEFAULT_TIMEOUT
) -> QuantisationError:
    """Compare an int8 net with the float net that it was converted from.

    :param timeout: seconds that a runtime may take for one request.
    :raises UnsupportedModelError: they are not the same net, or a runtime refuses one; says which operators.
    :raises MissingDependencyError: no runtime for one of them is installed.
    """
    pair = pair_of(float_model, int8_model)
    first = (material.floats[:1], material.integers[:1])
    with OpenRuntimes(timeout=timeout) as runtimes:
        floats, _ = runtimes.first(ModelKind.FLOAT32, lambda one: one.trace(pair.float_model.content, [first[0]]))
        int8, _ = runtimes.first(int8_model.kind, lambda one: one.trace(pair.int8_model.content, [first[1]]))
        return compare(pair, (float_model, int8_model), material, (floats, int8))


def pair_of(float_model: LoadedModel, int8_model: LoadedModel) -> Pair:
    """Return which operators are the same, and check that the nets are.

    :raises UnsupportedModelError: they are not the same net; says which operators.
    """
    if float_model.tflite is None or int8_model.tflite is None:
        keras = float_model if float_model.tflite is None else int8_model
        remedy = f"convert {keras.name!r} with `edgemnist convert --float32`, and name the .tflite"
        raise UnsupportedModelError("a Keras model has no operators to compare:", [remedy])
    pair = pair_up(float_model.tflite, int8_model.tflite)
    _check_same(pair)
    return pair


def _check_same(pair: Pair) -> None:
    """Refuse weights that have nothing to do with each other.

    :raises UnsupportedModelError: they are of different nets.
    """
    found = {}
    for layer in pair.layers:
        mine, its = weights_of(pair, layer, Weights.FLOAT), weights_of(pair, layer, Weights.FILE)
        tally = NoiseTally(1.0)
        for tensor, values in mine.items():
            if values.ndim > 1:
                tally.add(its[tensor], values)
                found[layer] = tally.result().cosine
    strangers = [layer for layer, cosine in found.items() if cosine < SAME_NET]
    if found and len(strangers) * 2 > len(found):
        worst = min(strangers, key=lambda layer: found[layer])
        raise UnsupportedModelError(
            "the float net and the int8 net are alike, but were not trained together:",
            [
                f"the weights of {len(strangers)} of {len(found)} layers differ; those of operator {worst.int8_index} "
                f"{worst.kind} have a cosine of {found[worst]:.2f}; name the float .tflite that this one was made with"
            ],
        )


def compare(
    pair: Pair, models: tuple[LoadedModel, LoadedModel], material: Material,
    workers: tuple[RuntimeWorker, RuntimeWorker],
) -> QuantisationError:  # fmt: skip
    """Do what :func:`quantisation_error` does in runtimes that are there, for the float net and for the int8 net."""
    with progress_task("Comparing layers", total=len(material.floats)) as task:
        inputs = (material.floats, material.integers)
        measured = measure(pair, *workers, inputs, logits_of(pair), task)
    with progress_task("Quantising layer by layer"):
        trials = Trials(pair, Replay(pair, workers[0], measured.ranges), material)
        rows = _rows(pair, measured, trials)
        mended, worst = trials.mended(), worst_layer(rows)
        of_worst = trials.mended(worst.position) if worst is not None else ()
    scores = class_scores(measured.outputs.reshape(len(measured.outputs), -1), models[1], material.output)
    int8 = answers(scores, measured.logits, trials.truth)
    evidence = _evidence(trials, int8, material, rows, mended, worst, of_worst)
    float_name, int8_name = (f"{worker.runtime} {worker.version()}" for worker in workers)
    return QuantisationError(
        float_model=models[0].name, int8_model=models[1].name, float_runtime=float_name, int8_runtime=int8_name,
        inputs=material.words, count=len(material.floats), labelled=material.labels is not None,
        float_accuracy=trials.float_net.accuracy,
        int8=effect_of(int8, trials.float_net, trials.float_net),
        simulated=effect_of(trials.int8_net, trials.float_net, trials.float_net),
        arithmetic=evidence.arithmetic, layers=rows, trials=(*mended, *of_worst), margins=evidence.margins,
        verdict=verdict_of(evidence),
    )  # fmt: skip


def _evidence(
    trials: Trials, int8: Answers, material: Material, rows: tuple[LayerRow, ...], mended: tuple[Trial, ...],
    worst: LayerRow | None, of_worst: tuple[Trial, ...],
) -> Evidence:  # fmt: skip
    float_net, simulated = trials.float_net, trials.int8_net
    chance = None if material.labels is None else 1.0 / max(int8.logits.shape[1], 2)
    flipped, lead = int8.classes != float_net.classes, float_net.margins()
    return Evidence(
        drop=change_between(float_net, int8), rounding=change_between(float_net, simulated),
        arithmetic=change_between(simulated, int8), flips=float(flipped.mean()),
        float_accuracy=float_net.accuracy.share, int8_accuracy=int8.accuracy.share, chance=chance, drawn=material.drawn,
        layers=rows, trials=mended, worst=worst, of_worst=of_worst, logits_sqnr=_sqnr(int8.logits, float_net.logits),
        margins=Margins(float(np.median(lead)), float(np.median(lead[flipped])) if flipped.any() else None),
    )  # fmt: skip


def _sqnr(found: NDArray[np.float32], reference: NDArray[np.float32]) -> float | None:
    tally = NoiseTally(1.0)
    tally.add(found, reference)
    return tally.result().sqnr


def _rows(pair: Pair, measured: Measured, trials: Trials) -> tuple[LayerRow, ...]:
    effects = trials.each()
    source = pair.quantised(pair.source[1])
    nothing = (None, None)
    first = LayerRow(INPUT, -1, "", source.name, source.shape, measured.source, None, *effects.get(INPUT, nothing))
    rows = [
        LayerRow(
            layer.position, layer.int8_index, layer.kind, pair.quantised(layer.outputs[0][1]).name,
            pair.quantised(layer.outputs[0][1]).shape, found, _weights_sqnr(pair, layer),
            *effects.get(layer.position, nothing),
        )
        for layer, found in zip(pair.layers, measured.layers, strict=True)
    ]  # fmt: skip
    return (first, *rows)


def _weights_sqnr(pair: Pair, layer: Layer) -> float | None:
    """Return that of the output channel in the middle: one large channel would hide what its scale does to others."""
    mine, its = weights_of(pair, layer, Weights.FLOAT), weights_of(pair, layer, Weights.FILE)
    for tensor, values in mine.items():
        if values.ndim > 1:
            axis = OUTPUT_AXIS.get(layer.kind, 0)
            channels = zip(np.moveaxis(its[tensor], axis, 0), np.moveaxis(values, axis, 0), strict=True)
            found = [sqnr for sqnr in (_sqnr(*both) for both in channels) if sqnr is not None]
            return float(np.median(found)) if found else None
    return None
