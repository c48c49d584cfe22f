"""Asks a server what :mod:`soak_questions` has, many at a time, and looks at the server's memory and processor time."""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from soak_questions import Question

_PATIENCE = 60.0
_STEP = 1 / 128
"""How far a probability may be from that of another runtime: two steps of an int8 output."""


@dataclass
class Found:
    """What came of many questions: how many of each kind, and a line for each answer that was wrong."""

    kinds: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Address:
    """Where a server is asked."""

    host: str
    port: int


async def ask_all(server: Address, questions: Sequence[Question], concurrency: int) -> Found:
    """Ask every question once, so many at a time, each client on one connection as long as it can be used."""
    found, waiting = Found(), iter(questions)
    await asyncio.gather(*(_client(server, waiting, found) for _ in range(concurrency)))
    return found


async def _client(server: Address, questions: Iterator[Question], found: Found) -> None:
    connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    for question in questions:
        found.kinds[question.kind] += 1
        try:
            if connection is None:
                connection = await asyncio.open_connection(server.host, server.port)
            wrong, kept = await asyncio.wait_for(_asked(*connection, question), _PATIENCE)
        except (OSError, EOFError, TimeoutError, asyncio.TimeoutError, ValueError) as error:
            wrong, kept = f"{type(error).__name__}: {error}", False
        if wrong:
            found.wrong.append(f"{question.kind}: {wrong}")
        if not kept and connection is not None:
            connection[1].close()
            connection = None
    if connection is not None:
        connection[1].close()


async def _asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, question: Question) -> tuple[str, bool]:
    """Ask and return what is wrong with the answer, or nothing, and whether the connection can be used again."""
    writer.write(question.content)
    await writer.drain()
    if question.hangs_up:
        return "", False
    status, head, body = await answer_from(reader)
    kept = not question.closes and b"connection: close" not in head.lower()
    return problem_of(question, status, body), kept


async def answer_from(reader: asyncio.StreamReader) -> tuple[int, bytes, bytes]:
    """Return the status, the head and the body of an answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    return int(head.split(b" ", 2)[1]), head, await reader.readexactly(length)


def problem_of(question: Question, status: int, body: bytes) -> str:
    """Return what is wrong with an answer, or nothing."""
    if status not in question.statuses:
        return f"{status} {body[:200]!r}, expected {question.statuses}"
    document = json.loads(body)
    if status != 200:
        return "" if document.get("error") else f"{status} without a reason: {body[:200]!r}"
    if question.expected is None:
        return ""
    label, confidence = question.expected
    if document["label"] != label or abs(document["confidence"] - confidence) > _STEP:
        return f"{document['label']} with {document['confidence']}, expected {label} with {confidence}"
    return ""


async def healthy_under_slow(server: Address, slow: int, checks: int, seconds: float) -> int:
    """Return how many of so many looks at ``/health`` are answered within some seconds while others send a byte now and
    then.
    """
    head = b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\nContent-Length: 100\r\n\r\n"
    dripping = [asyncio.create_task(_drip(server, head)) for _ in range(slow)]
    await asyncio.sleep(1)
    good = 0
    for _ in range(checks):
        try:
            good += await asyncio.wait_for(_health(server), seconds) == 200
        except (OSError, EOFError, TimeoutError, asyncio.TimeoutError):
            continue
    for one in dripping:
        one.cancel()
    await asyncio.gather(*dripping, return_exceptions=True)
    return good


async def _drip(server: Address, content: bytes) -> None:
    while True:
        _, writer = await asyncio.open_connection(server.host, server.port)
        try:
            for byte in content:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.05)
        except OSError:
            continue
        finally:
            writer.close()


async def _health(server: Address) -> int:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    try:
        writer.write(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        return (await answer_from(reader))[0]
    finally:
        writer.close()


# --- the server's process -------------------------------------------------------------------------------------------


def family(pid: int) -> list[int]:
    """Return a process and those that it has started."""
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            found += [int(child) for child in task.read_text().split()]
    return found


def memory_of(pid: int, what: str = "VmRSS") -> int:
    """Return the resident bytes of a process and those that it has started; ``VmHWM`` is their peak."""
    total = 0
    for one in family(pid):
        for line in Path(f"/proc/{one}/status").read_text().splitlines():
            if line.startswith(f"{what}:"):
                total += int(line.split()[1]) * 1024
    return total


def seconds_of(pid: int) -> float:
    """Return the processor seconds that a process and those that it has started have used."""
    ticks = 0
    for one in family(pid):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
