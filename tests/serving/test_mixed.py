"""Good and bad requests of every kind at once; ``scripts/soak_serve`` asks far more of them, for long."""

from __future__ import annotations

import asyncio

import pytest
from soak_client import Address, ask_all
from soak_questions import GOOD, Picture, mixed, saved

from edgemnist.data.base import Split
from tests.serving.running import Running


@pytest.mark.slow
def test_five_hundred_mixed_requests_fifty_at_a_time(server: Running, digits: Split, classes: list[int]) -> None:
    pictures = []
    for image, wanted in list(zip(digits.images[..., 0], classes, strict=True))[:8]:
        files = {format: saved(image, format) for format in ("PNG", "JPEG")}
        told = {key: server.post("/predict", files={"file": content}).json() for key, content in files.items()}
        assert told["PNG"]["digit"] == wanted
        pictures.append(Picture(image, files, {key: (one["label"], one["confidence"]) for key, one in told.items()}))
    found = asyncio.run(ask_all(Address(*server.address), mixed(pictures, 500, seed=4), 50))
    assert found.wrong == []
    assert set(GOOD) < set(found.kinds)
