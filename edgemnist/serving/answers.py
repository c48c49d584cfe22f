"""What a net's outputs come to, as JSON values, and the responses that carry them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.responses import Response

from edgemnist.data.framing import FramedImage
from edgemnist.harness.single import best_first
from edgemnist.serving.models import ServedModel


def json_response(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response whose body is JSON."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(body, status, headers, media_type="application/json")


def problem_response(status: int, message: str, request_id: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response that says what is wrong; its one shape is TensorFlow Serving's and the Open Inference
    Protocol's, with the request's name added.
    """
    return json_response({"error": message, "request_id": request_id}, status, headers)


def prediction(
    model: ServedModel, framed: FramedImage, chances: NDArray[np.float64], milliseconds: float
) -> dict[str, Any]:
    """Return what is told of one picture. ``chances``: class probabilities, shape (classes,)."""
    names = model.class_names
    best = best_first(chances, names, 1)[0]
    digit = {"digit": int(best.label)} if are_digits(names) else {}
    return {
        "label": best.label,
        **digit,
        "index": best.index,
        "confidence": best.probability,
        "probabilities": dict(zip(names, chances.tolist(), strict=True)),
        "latency_ms": round(milliseconds, 3),
        "model": {
            "name": model.name,
            "version": model.version,
            "sha256": model.sha256,
            "runtime": model.engine.runtime,
        },
        "inverted": framed.inverted,
        "framing": framed.framing,
        "note": framed.note,
    }


def are_digits(names: Sequence[str]) -> bool:
    """Whether every label is one of the digits 0 to 9."""
    return all(len(name) == 1 and name in "0123456789" for name in names)
