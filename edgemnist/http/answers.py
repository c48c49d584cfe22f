"""Responses, and what is told of one picture as JSON values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.responses import Response

from edgemnist.data.framing import FramedImage


def json_bytes(content: Any) -> bytes:
    """Return JSON values as they are sent."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def json_response(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response whose body is JSON."""
    return Response(json_bytes(content), status, headers, media_type="application/json")


def problem_response(status: int, message: str, request_id: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response that says what is wrong; its one shape is TensorFlow Serving's and the Open Inference
    Protocol's, with the request's name added.
    """
    return json_response({"error": message, "request_id": request_id}, status, headers)


def prediction(names: Sequence[str], chances: NDArray[np.float64], framed: FramedImage) -> dict[str, Any]:
    """Return what is told of one picture.

    ``chances``: class probabilities, shape (classes,), in the order of ``names``.
    """
    best = int(np.argmax(chances))
    digit = {"digit": int(names[best])} if are_digits(names) else {}
    return {
        "label": names[best],
        **digit,
        "index": best,
        "confidence": float(chances[best]),
        "probabilities": {name: float(chances[index]) for index, name in enumerate(names)},
        "inverted": framed.inverted,
        "framing": framed.framing,
        "note": framed.note,
    }


def are_digits(names: Sequence[str]) -> bool:
    """Whether every label is one of the digits 0 to 9."""
    return all(len(name) == 1 and name in "0123456789" for name in names)
