"""The page of a served model: that of ``edgemnist page``, with the server's engines and the model's worst pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgemnist.data.loading import load_dataset_for
from edgemnist.harness.feeding import FeedingSettings
from edgemnist.harness.images import choose_images
from edgemnist.harness.models import Subject
from edgemnist.harness.outputs import probabilities
from edgemnist.harness.runtimes import preferred_runtimes
from edgemnist.page.checking import not_checked, outputs_of
from edgemnist.page.engines import choose_engines
from edgemnist.page.facts import Told, facts_without_network
from edgemnist.page.gallery import Gallery, worst_of
from edgemnist.page.html import ServerSide, render, require_jinja
from edgemnist.page.making import make_web_model, title_of
from edgemnist.page.material import settled
from edgemnist.page.web_assembly import require_zig
from edgemnist.serving.models import ServedModel
from edgemnist.serving.pages import ServedPage
from edgemnist.serving.panel import GENERATED_C
from edgemnist.support.errors import (
    EdgeMnistError,
    EnvironmentFailure,
    GateFailedError,
    InputError,
    ModelError,
)
from edgemnist.tflite.kinds import ModelKind
from edgemnist.tflite.preprocessing import OutputKind

_CHECKED_IMAGES = 200
"""Inputs that a page is checked with: somebody waits for it."""

_MOST_IMAGES = 10_000
_MOST_SECONDS = 20.0
_CHUNK_IMAGES = 1000
"""Limits of the test images that the worst are looked for among, and how many are run at a time."""


def page_of(model: ServedModel, models: Sequence[str], dataset: str | None, feeding: FeedingSettings) -> ServedPage:
    """Return the page of a model; where its C cannot be WebAssembly here, one that asks the server alone and says why.

    :param models: the names of all models of the server.
    :param dataset: as it was named for the server; only a named or a recorded one is loaded.
    :raises MissingDependencyError: Jinja2 is not installed.
    """
    require_jinja()
    known = model.recorded is not None or dataset is not None
    gallery = _gallery(model) if known else None
    try:
        facts, network, examples, assumed = _in_browser(model, known, feeding)
        why = ""
    except (EnvironmentFailure, ModelError, GateFailedError, InputError) as error:
        why = " ".join(str(error).split())
        facts, network, examples, assumed = _without_network(model, why), b"", None, model.assumed
    engines = [
        {"name": one.name, "title": one.title, "exact": one.exact, "missing": one.missing}
        for one in model.panel().places
    ]
    server = ServerSide(model.name, model.version, engines, GENERATED_C, models, gallery, why)
    title = title_of(model.path.name, model.context.dataset)
    made = render(facts, network, title=title, assumed=assumed, examples=examples, server=server)
    return ServedPage(made.text, made.policy)


def _in_browser(model: ServedModel, known: bool, feeding: FeedingSettings) -> tuple[Any, ...]:
    """Return the facts, the WebAssembly, the examples and what was assumed."""
    if model.model.kind is not ModelKind.INT8:
        kind = model.model.kind.value
        raise InputError(f"{model.path.name} is {kind}; convert it with `edgemnist convert --int8` and serve that")
    require_zig()
    subject = Subject(model.model, model.recorded)
    chosen = settled(model.model, model.context, _CHECKED_IMAGES, model.assumed, load=known)
    made = make_web_model(subject, chosen, choose_engines(()), feeding, every=False)
    return made.facts, made.network.content, chosen.examples, chosen.assumed


def _without_network(model: ServedModel, why: str) -> dict[str, Any]:
    context = model.context
    told = Told(context.preprocessing, context.dataset, context.preprocessing.class_names, "")
    kind = OutputKind.PROBABILITIES.value  # the server's answers are such
    return facts_without_network(model.path.name, model.sha256, told, kind, not_checked(why))


def _gallery(model: ServedModel) -> Gallery | None:
    """Return the worst of the dataset's test images; None where it is not to be had, or no runtime takes them."""
    try:
        split, words = choose_images(load_dataset_for(model.context), _MOST_IMAGES)
        names = (GENERATED_C, *preferred_runtimes(model.model.kind)) if model.model.kind is ModelKind.INT8 else ()
        inputs = model.inputs(split.images)
        _, rows = outputs_of(model.model, inputs, names, chunk=_CHUNK_IMAGES, seconds=_MOST_SECONDS)
    except EdgeMnistError:
        return None
    done = len(rows)
    first = "" if done == len(inputs) else f"the first {done:,} of "
    of = f"{first}{words} of {model.context.title}"
    chances = probabilities(rows, model.model, model.context.preprocessing)
    return worst_of(split.images[:done], split.labels[:done], chances, of)
