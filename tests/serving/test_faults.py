"""A fault of our own is a sentence for the client and a traceback in the log."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from edgemnist.serving import application as applications
from edgemnist.serving.routes import operations
from edgemnist.serving.service import Service


def asked(service: Service, path: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(applications.application(service), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get(path)

    return asyncio.run(ask())


def test_a_fault_of_ours(service: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(*_: object) -> str:
        raise ZeroDivisionError("who did that")

    monkeypatch.setattr(operations, "_page", broken)
    answer = asked(service, "/docs")
    assert answer.status_code == 500
    assert answer.json()["error"].startswith("a fault of edgemnist's own (ZeroDivisionError); please report it")
    assert "who did that" not in answer.text
    fault, request = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert "ZeroDivisionError: who did that" in fault["traceback"]
    assert (request["status"], request["level"], request["request_id"]) == (500, "error", fault["request_id"])
    assert service.held_bytes == 0
