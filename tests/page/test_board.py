"""The page's side of the link protocol beside the firmware's own ``link.c``, which runs on this machine."""

from __future__ import annotations

import json
import shutil
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgemnist.mcu.link import Decoder, Frame, encode
from edgemnist.page.html import joined
from tests.mcu.link_device import COMPILERS, MISBEHAVE, MODEL_START, compile_device
from tests.page.javascript import NEEDS_NODE, run_node, run_templates

pytestmark = [
    NEEDS_NODE,
    pytest.mark.skipif(shutil.which(COMPILERS[0]) is None, reason="no C compiler is installed; run scripts/test"),
]

BYTES = 40
HEAD = """
import { spawn } from "node:child_process";
import { Readable, Writable } from "node:stream";
const device = spawn("./device", ["40", ...process.argv.slice(2)], { stdio: ["pipe", "pipe", "inherit"] });
let spoil = 0; // how many of the messages that go out lose a byte
const wire = new WritableStream({
  async write(message) {
    const sent = spoil-- > 0 ? Uint8Array.from([...message.slice(0, 9), ...message.slice(10)]) : message;
    await new Promise((done) => device.stdin.write(sent, done));
  },
});
const board = new Board({ readable: Readable.toWeb(device.stdout), writable: wire },
  { hello: 400, helloAttempts: 10, answer: 700, attempts: 3 });
const input = (start = []) => Uint8Array.from({ length: 40 }, (_, at) => start[at] ?? (at * 37) % 256);
const misbehave = (letter) => input([...Buffer.from("c0db20646f20", "hex"), letter.charCodeAt(0)]);
const told = (promise) => promise.then((found) => [...found.output], (error) => error.message);
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the device and one that speaks another version."""
    found = tmp_path_factory.mktemp("device")
    shutil.copy(compile_device(found), found / "device")
    (found / "newer").mkdir()
    shutil.copy(compile_device(found, version=2), found / "newer" / "device")
    return found


def talk(folder: Path, script: str, *arguments: str) -> Any:
    tail = '\ndevice.kill("SIGKILL");\nprocess.exit(0);'
    return json.loads(run_node(folder, f"{joined(['board.mjs'])}\n{HEAD}\n{script}{tail}", *arguments))


def inverted(start: bytes = b"") -> list[int]:
    sent = [*start, *((at * 37) % 256 for at in range(len(start), BYTES))]
    return [255 - one for one in sent]


def test_frames_are_those_of_the_host(tmp_path: Path) -> None:
    """Both ways: what JavaScript writes edgemnist reads, and the other way round, over damage in between."""
    generator = np.random.default_rng(5)
    payloads = [b"", b"\xc0\xdb\xdc\xdd" * 9, *(generator.bytes(int(size)) for size in generator.integers(1, 90, 20))]
    frames = [Frame(1 + place % 4, 1 + 3001 * place, payload) for place, payload in enumerate(payloads)]
    written = run_templates(
        tmp_path, ["board.mjs"],
        "values.map(([type, sequence, payload]) => [...frameOf(type, sequence, Uint8Array.from(payload))])",
        [[frame.type, frame.sequence, list(frame.payload)] for frame in frames],
    )  # fmt: skip
    assert [bytes(one) for one in written] == [encode(frame) for frame in frames]
    stream = b"booting\r\n"
    for place, frame in enumerate(frames):
        message = bytearray(encode(frame))
        if place % 3 == 1:
            message[int(generator.integers(1, len(message) - 1))] ^= 0x10
        stream += bytes(message)
    decoder = Decoder()
    expected = [[one.type, one.sequence, list(one.payload)] for one in decoder.feed(stream)]
    found, damaged = run_templates(
        tmp_path, ["board.mjs"],
        """(() => { const decoder = new FrameDecoder();
          const frames = values.flatMap((one) => decoder.feed(Uint8Array.of(one)));
          const plain = frames.map(({ type, sequence, payload }) => [type, sequence, [...payload]]);
          return [plain, decoder.damaged]; })()""",
        list(stream),
    )  # fmt: skip
    assert found == expected
    assert 10 < len(expected) < len(frames)
    assert damaged == decoder.damage.total
    crc = run_templates(tmp_path, ["board.mjs"], "crc32(Uint8Array.from(values))", list(stream))
    assert crc == zlib.crc32(stream)


def test_it_greets_and_runs(folder: Path) -> None:
    script = """const info = await board.hello();
    const results = [await board.run(input()), await board.run(input([192, 219, 220, 221]))];
    console.log(JSON.stringify([info, results.map(({ output, seconds }) => [[...output], seconds]), board.repeats]));"""
    for mode in ([], ["steps"], ["tensors"]):
        info, results, repeats = talk(folder, script, *mode)
        assert info == {
            "inputBytes": 40, "outputBytes": 40, "arenaBytes": 1234, "steps": 3, "ticksPerSecond": 1_000_000,
            "model": MODEL_START.hex(), "name": "test bench µ",
        }  # fmt: skip
        assert results == [[inverted(), 1e-6], [inverted(bytes([192, 219, 220, 221])), 2e-6]]
        assert repeats == 0


def test_what_the_wire_loses_is_sent_again(folder: Path) -> None:
    script = """spoil = 1;
    await board.hello();
    spoil = 2;
    const found = await told(board.run(input()));
    const after = [board.repeats, await told(board.run(misbehave("l"))), await told(board.run(misbehave("t")))];
    console.log(JSON.stringify([found, ...after]));"""
    found, repeats, lost, noisy = talk(folder, script)
    assert found == inverted()
    assert repeats == 3
    assert lost == inverted(MISBEHAVE + b"l")
    assert noisy == inverted(MISBEHAVE + b"t")


@pytest.mark.parametrize(
    ("letter", "message"),
    [
        ("f", "the firmware crashed; edgemnist firmware run --port says where"),
        ("m", "the firmware crashed; edgemnist firmware run --port says where"),
        ("r", "the board restarted: watchdog, supply or reset?"),
        ("x", "the port was closed"),
        ("n", "no result, although it was asked again and again: it hangs, or bytes are lost on the way"),
        ("g", "the board's result makes no sense; build its firmware anew"),
    ],
)
def test_a_board_that_misbehaves_is_told(folder: Path, letter: str, message: str) -> None:
    script = f'await board.hello();\nconsole.log(JSON.stringify(await told(board.run(misbehave("{letter}")))));'
    assert talk(folder, script) == message


def test_another_version_and_no_board_at_all_are_told(folder: Path) -> None:
    script = "console.log(JSON.stringify(await told(board.hello())));"
    found = talk(folder / "newer", script)
    assert found.startswith("the board speaks version 2 of the link protocol; build the firmware")
    silent = 'board.patience.helloAttempts = 1;\nspoil = 99;\ndevice.kill("SIGSTOP");\n'
    assert talk(folder, silent + script).startswith("no answer: is the board powered")
