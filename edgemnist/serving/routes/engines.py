"""``/engines/NAME``: one picture through every engine of a model, side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from edgemnist.http.answers import json_response
from edgemnist.http.problems import not_found
from edgemnist.http.questions import asked_picture, inversion_of
from edgemnist.http.service import milliseconds_of
from edgemnist.serving.models import ServedModel
from edgemnist.serving.panel import GENERATED_C, Panel, PanelAnswer, PanelBusyError, PanelPlace
from edgemnist.serving.pictures import Prepared, prepared_for
from edgemnist.serving.routes.predict import PICTURE_BODY, PICTURE_PARAMETERS
from edgemnist.serving.service import service_of
from edgemnist.support.errors import EdgeMnistError

router = APIRouter(tags=["edgemnist"])

_SPARE_SECONDS = 1.0
"""Before a request's time is over its answer goes out, with what there is."""

_PARAMETERS = [
    *PICTURE_PARAMETERS[1:],
    {"name": "engine", "in": "query", "required": False, "schema": {"type": "string"},
     "description": "Only this one; may come several times."},
]  # fmt: skip


@router.get("/engines/{name}", summary="The engines that a model can be asked in.")
async def engines(request: Request, name: str) -> Response:
    """Return what there is, and why others are not there."""
    service = service_of(request)
    with service.store.leased(name, request.query_params.get("version")) as model:
        panel = await service.pictures.run(model.panel)
        return json_response({"model": _named(model), "engines": [_place_json(one) for one in panel.places]})


@router.post(
    "/engines/{name}",
    summary="Classify one picture in every engine of a model, and compare.",
    description="curl -F file=@digit.png URL/engines/MODEL",
    openapi_extra={"requestBody": PICTURE_BODY, "parameters": _PARAMETERS},
)
async def ask(request: Request, name: str) -> Response:
    """Ask every engine, or those that are named; one that fails says why, and the others answer."""
    service = service_of(request)
    with service.store.leased(name, request.query_params.get("version")) as model:
        panel = await service.pictures.run(model.panel)
        wanted = _wanted(panel, model.name, request.query_params.getlist("engine"))
        prepared = await asked_picture(request, prepared_for(model, inversion_of(request)))
        seconds = service.limits.seconds - milliseconds_of(request) / 1000 - _SPARE_SECONDS
        found = await asyncio.gather(*(_answer(panel, one, prepared, seconds) for one in wanted))
        return json_response(
            {
                "model": _named(model),
                "inverted": prepared.image.inverted,
                "framing": prepared.image.framing,
                "note": prepared.image.note,
                **_compared(model, wanted, found),
            }
        )


def _wanted(panel: Panel, model: str, names: Sequence[str]) -> list[PanelPlace]:
    places = {one.name: one for one in panel.places}
    unknown = [name for name in names if name not in places]
    if unknown:
        raise not_found(f"the model {model!r} has no engine {unknown[0]!r}; there are: {', '.join(places)}")
    return [places[name] for name in dict.fromkeys(names or places)]


async def _answer(panel: Panel, place: PanelPlace, prepared: Prepared, seconds: float) -> PanelAnswer | str:
    """Return an engine's answer, or why there is none."""
    engine = panel.engines.get(place.name)
    if engine is None:
        return place.missing
    try:
        return await asyncio.wait_for(engine.ask(prepared.image.pixels[np.newaxis]), max(seconds, 0.1))
    except asyncio.TimeoutError:
        return f"no answer within {max(seconds, 0.1):.1f} s; it is still at work, ask again later"
    except (PanelBusyError, EdgeMnistError) as error:
        return str(error)


def _compared(model: ServedModel, places: Sequence[PanelPlace], found: Sequence[PanelAnswer | str]) -> dict[str, Any]:
    """Return every answer beside one of them: the generated C's, else the first one of the model itself."""
    answers = [one for one in found if isinstance(one, PanelAnswer) and one.place.exact]
    reference = min(answers, key=lambda one: one.place.name != GENERATED_C, default=None)
    return {
        "compared_with": reference.place.name if reference else None,
        "engines": [_answer_json(model, place, one, reference) for place, one in zip(places, found, strict=True)],
    }


def _answer_json(
    model: ServedModel, place: PanelPlace, found: PanelAnswer | str, reference: PanelAnswer | None
) -> dict[str, Any]:
    if isinstance(found, str):
        return {**_place_json(place), "problem": found}
    index = int(found.chances.argmax())
    compared: dict[str, Any] = {}
    if reference is not None:
        compared["same_class"] = index == int(reference.chances.argmax())
        if place.exact:
            compared["different_outputs"] = int((found.output != reference.output).sum())
    return {
        **_place_json(place),
        "runtime": f"{place.runtime} {found.version}",
        "kernels": found.kernels,
        "label": model.class_names[index],
        "index": index,
        "confidence": float(found.chances[index]),
        "probabilities": found.chances.tolist(),
        "output": found.output.tolist(),
        "milliseconds": round(found.milliseconds, 3),
        "instructions": found.instructions,
        **compared,
        "problem": None,
    }


def _place_json(place: PanelPlace) -> dict[str, Any]:
    return {"engine": place.name, "title": place.title, "problem": place.missing or None}


def _named(model: ServedModel) -> dict[str, Any]:
    return {"name": model.name, "version": model.version, "sha256": model.sha256, "classes": list(model.class_names)}
