"""A device's own dump: what a board may print is read, what it can't have printed is refused with the line."""

from __future__ import annotations

import gzip
import random
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgemnist.mismatch import dump_assembly, dump_text
from edgemnist.mismatch.dump import DumpSource, answers_source, read_dump
from edgemnist.mismatch.dump_text import text_of
from edgemnist.support.errors import InputError
from edgemnist.tflite.file import TfliteModel, read_tflite
from edgemnist.tflite.kinds import operator_outputs

pytestmark = pytest.mark.unit

MODEL = read_tflite(Path(__file__).parents[1] / "golden" / "convert" / "tiny_int8.tflite")
INPUT, OUTPUT = MODEL.inputs[0], MODEL.outputs[0]
DUMPED = (INPUT, *operator_outputs(MODEL))


def tensors_of(seed: int, model: TfliteModel = MODEL) -> dict[int, NDArray[np.int8]]:
    """Return bytes for the input and every operator's output."""
    values = np.random.default_rng(seed)
    return {index: values.integers(-128, 128, model.tensors[index].shape, np.int8) for index in DUMPED}


IMAGES = {0: tensors_of(0), 1: tensors_of(1)}
LINES = list(text_of(MODEL.sha256, IMAGES))


def read(text: str | bytes, folder: Path) -> DumpSource:
    path = folder / "dump.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_dump(path, MODEL)


def check(source: DumpSource, images: dict[int, dict[int, NDArray[np.int8]]]) -> None:
    """The source has exactly those tensors."""
    assert source.images == tuple(sorted(images))
    assert set(source.tensors) == set(DUMPED)
    for index, values in source.tensors.items():
        expected = np.stack([images[image][index] for image in source.images])
        assert values.dtype == expected.dtype
        np.testing.assert_array_equal(values, expected)


def shuffled(lines: list[str]) -> list[str]:
    return random.Random(3).sample(lines, len(lines))


def among_logs(lines: list[str]) -> list[str]:
    noise = ["boot: 0x@tensor\n", "\n", "# a comment\n", "I (17) wifi: user@end.example connected\n", "x" * 3000 + "\n"]
    return [line for one in lines for line in (random.Random(one).choice(noise), f"12:01:02.345 -> {one}")]


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines,
        shuffled,
        among_logs,
        lambda lines: [line.replace("\n", "\r\n") for line in lines],
        lambda lines: [line.upper().replace("@TENSOR", "@tensor").replace("INT8", "-") for line in lines],
        lambda lines: [line for line in lines if not line.startswith(("@check", "@end"))],
        lambda lines: lines + lines,
        lambda lines: [line.replace(f" {INPUT} int8", " input int8").replace(f" {OUTPUT} int8", " output int8")
                       for line in lines],
        lambda lines: [line.replace(f" {INPUT} int8", f' "{MODEL.tensors[INPUT].name}" int8') for line in lines],
        lambda lines: [*lines[:-1], lines[-1].rstrip("\n")],
    ],
    ids=["plain", "any order", "among logs", "carriage returns", "capitals, no types", "no checks", "twice", "ends",
         "names", "no last newline"],
)  # fmt: skip
def test_what_a_board_may_print(tmp_path: Path, change: Callable[[list[str]], list[str]]) -> None:
    text = "".join(change(LINES))
    check(read(text, tmp_path), IMAGES)
    check(read(gzip.compress(text.encode()), tmp_path), IMAGES)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32), images=st.lists(st.integers(0, 999_999_999), min_size=1, max_size=4, unique=True),
       order=st.randoms(use_true_random=False))  # fmt: skip
def test_round_trip(
    seed: int, images: list[int], order: random.Random, tmp_path_factory: pytest.TempPathFactory
) -> None:
    tensors = {image: tensors_of(seed + number) for number, image in enumerate(images)}
    lines = list(text_of(MODEL.sha256, tensors))
    order.shuffle(lines)
    source = read("".join(lines), tmp_path_factory.getbasetemp())
    check(source, tensors)
    assert source.notes == ()


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_bad_wire_never_changes_a_byte(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Bytes lost or changed on the way: a tensor is whole and right, or left out and told, or the file is refused."""
    text = bytearray("".join(LINES).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=4))
    try:
        source = read(bytes(text), tmp_path_factory.getbasetemp())
    except InputError as error:
        assert len(str(error)) < 2000
        return
    for place, image in enumerate(source.images):
        for index, values in source.tensors.items():
            if image in IMAGES:
                np.testing.assert_array_equal(values[place], IMAGES[image][index])
    assert source.notes or (set(source.images), set(source.tensors)) == (set(IMAGES), set(DUMPED))


def test_a_checksum_that_was_lost_in_the_tensor_before_it_is_no_part_of_that(tmp_path: Path) -> None:
    """Digits of the checksum may take the place of the tensor's last ones, lost with the end of the line."""
    text = "".join(LINES)
    start = text.index("@check 0 5 ")
    damaged = text[: start - 10] + text[start + len("@check 0 ") :]
    source = read(damaged, tmp_path)
    assert source.images == (1,)
    assert "image 0: tensor 5 was passed over, its checksum is missing" in source.notes


def test_trace_and_inputs(tmp_path: Path) -> None:
    source = read("".join(LINES), tmp_path)
    inputs = source.inputs(MODEL)
    assert inputs is not None
    np.testing.assert_array_equal(inputs[0], np.stack([IMAGES[0][INPUT], IMAGES[1][INPUT]]))
    found = source.trace(MODEL, [inputs[0][1:]], 1)
    for index in DUMPED:
        np.testing.assert_array_equal(found[index], IMAGES[1][index][np.newaxis])
    with pytest.raises(InputError, match="has 2 images, 3 are compared"):
        source.trace(MODEL, [np.repeat(inputs[0], 2, axis=0)[:3]], 0)
    without = read("".join(line for line in LINES if f" {INPUT} " not in line[8:14]), tmp_path)
    assert without.inputs(MODEL) is None


def test_same_bytes_as_another_tensor(tmp_path: Path) -> None:
    """As a reshape's output has: the first operator's tensor, of other sizes, is refused as being the last one's."""
    softmax, logits = OUTPUT, MODEL.operators[-1].inputs[0]
    lines = [line for line in LINES if not line.startswith((f"@tensor 0 {softmax} ", f"@check 0 {softmax} "))]
    source = read("".join([*lines, f"@same 0 {softmax} {logits}\n"]), tmp_path)
    np.testing.assert_array_equal(source.tensors[softmax][0], source.tensors[logits][0])
    source = read("".join([*lines, f"@same 0 {softmax} {INPUT}\n"]), tmp_path)
    assert f"tensor {softmax} was passed over, it is said to be tensor {INPUT}" in source.notes[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: [*lines[:-3], lines[-3][:-5]],
         "image 1: tensor 8 was passed over, of its 3 bytes those from 1 on are missing"),
        (lambda lines: lines[1:], None),
        (lambda lines: ["@check 1 5 00000000\n" if "@check 1 5" in line else line for line in lines],
         "image 1: tensor 5 was passed over, its checksum is"),
        (lambda lines: [*lines, "@tensor 0 8 int8 3 0 0\n", "@tensor 0 8 int8\n"],
         "2 damaged lines were passed over (line 25: half of a hexadecimal byte is missing)"),
        (lambda lines: [line.replace("int8", "uint8") for line in lines],
         "tensor 5 was dumped as uint8; its bytes are taken for int8"),
        (lambda lines: [line for line in lines if not line.startswith("@dump")], "does not say of which model it is"),
        (lambda lines: [line for line in lines if not line.startswith(("@tensor 1 8", "@check 1 8"))],
         "image 1: 4 of 5 tensors came whole"),
    ],
    ids=["cut off", "no first header", "checksum", "damaged lines", "unsigned", "no header", "tensor missing"],
)  # fmt: skip
def test_what_is_passed_over_is_told(
    tmp_path: Path, change: Callable[[list[str]], list[str]], said: str | None
) -> None:
    source = read("".join(change(LINES)), tmp_path)
    assert 0 in source.images
    if said is None:
        assert source.notes == ()
    else:
        assert any(said in note for note in source.notes), source.notes


def test_an_image_that_lacks_a_tensor_is_left_out(tmp_path: Path) -> None:
    source = read("".join(line for line in LINES if not line.startswith(("@tensor 0 8", "@check 0 8"))), tmp_path)
    assert source.images == (1,)
    assert "image 0 is left out: it lacks tensor 8" in source.notes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no line that begins with @tensor"),
        ("hello\n", "has no line that begins with @tensor"),
        ("@dump 2 model=-\n", "line 1 of the dump says format 2; this edgemnist reads format 1"),
        ("\n@dump 1 model=0123abcd\n", "line 2: the dump is of the model whose SHA-256 starts with 0123abcd"),
        ("@tensor 0 99 int8 3 0 00\n", "line 1: the model has no tensor '99'"),
        (
            f"@tensor 0 {MODEL.operators[0].inputs[1]} int8 18 0 00\n",
            "the model has no tensor '4' that is an input or an op",
        ),
        ('@tensor 0 "a b" int8 3 0 00\n', "has no tensor 'a b'"),
        ("@tensor 0 8 int8 4 0 00\n", "tensor 8 is said to have 4 bytes, in the model it has 3 (1x3 int8)"),
        ("@tensor 0 8 int16 3 0 00\n", "tensor 8 is said to be int16, in the model it is int8"),
        ("@tensor 0 8 s8 3 0 00\n", "tensor 8 is said to be s8"),
        ("@tensor 0 8 int8 3 2 0000\n", "tensor 8 goes on to 4 bytes"),
        ("@tensor 0 8 int8 999999999 999999999 00\n", "said to have 999,999,999 bytes"),
        ("@tensor 0 8 int8 3 0 0001\n@tensor 0 8 int8 3 1 02\n", "line 2: tensor 8 of image 0 has other bytes"),
        ("@tensor 0 8 int8 3 2 01\n@tensor 0 8 int8 3 2 02\n", "line 2: tensor 8 of image 0 has other bytes"),
        ("@tensor 0 8 int8 3 1 0203\n@tensor 0 8 int8 3 0 0001\n", "tensor 8 of image 0 has other bytes"),
        ("@tensor 0 8 int8 3 0 0001\n", "has no tensor that came whole"),
        ("@tensor 0 8 int8 3 0 0x0102\n", "line 1: it is no @tensor line"),
        ("@same 0 8 8\n", "has no tensor that came whole"),
        ("@check 0 8 00000000\n", "has no tensor that came whole"),
        ("@end 0 5\n", "has no tensor that came whole"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        read(text, tmp_path)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "text", [b"\x1f\x8b\x08garbage", gzip.compress("".join(LINES).encode())[:-30], b"\x10\0\0\0garbage", bytes(64)]
)
def test_what_is_no_dump(tmp_path: Path, text: bytes) -> None:
    with pytest.raises(InputError, match=r"cannot read the dump|is neither a dump|has no line"):
        read(text, tmp_path)


def test_files_that_are_none(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(InputError):
            read_dump(path, MODEL)


def test_budgets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the file's size nor the number of its pieces can take all memory; the limit on bytes can be raised."""
    monkeypatch.setattr(dump_text, "MAX_DUMP_BYTES", 100)
    with pytest.raises(InputError, match="EDGEMNIST_MAX_BYTES"):
        read("".join(LINES), tmp_path)
    monkeypatch.setenv("EDGEMNIST_MAX_BYTES", "100000")
    check(read("".join(LINES), tmp_path), IMAGES)
    monkeypatch.setattr(dump_assembly, "MAX_DUMP_PARTS", 9)
    with pytest.raises(InputError, match="more than 9 tensors and pieces out of order"):
        read("".join(LINES), tmp_path)


@pytest.mark.parametrize(
    "line",
    [" " * (1 << 20), "@tensor 0 8 int8 3 0 " + " " * (1 << 20) + "g", "@tensor" + " " * (1 << 20),
     " @dump" * 100_000, "@tensor 0 8 int8 3 0 " + "0 " * 400_000 + "z", '@tensor 0 "' * 80_000],
)  # fmt: skip
def test_long_lines_take_no_long_time(tmp_path: Path, line: str) -> None:
    started = time.process_time()
    check(read("".join([*LINES, line, "\n", "a" * (3 << 20), "\n", LINES[1]]), tmp_path), IMAGES)
    assert time.process_time() - started < 2.0


# --- answers only ----------------------------------------------------------------------------------------------------


def test_answers_alone() -> None:
    """Whole numbers are the output's; others are quantised as the output is: 1/256 and -128."""
    raw = np.array([[-128.0, 0.0, 127.0], [1.0, 2.0, 3.0]])
    source = answers_source("board.csv", MODEL, raw)
    assert (source.images, source.notes, list(source.tensors)) == ((0, 1), (), [OUTPUT])
    np.testing.assert_array_equal(source.tensors[OUTPUT], raw.reshape(2, 1, 3).astype(np.int8))
    real = answers_source("board.csv", MODEL, (raw + 128) / 256)
    np.testing.assert_array_equal(real.tensors[OUTPUT], source.tensors[OUTPUT])
    assert real.notes == (
        "the answers of board.csv are no whole numbers: they were quantised as the model's output is",
    )


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([[0.0, 1.0]], "has 2 outputs an image, the model has 3"),
        ([[0.0, 1.0, 255.0]], "has the output 255, the model's are int8: -128 to 127"),
        ([[0.0, 1.0, float("nan")]], "has the output nan"),
    ],
)
def test_answers_that_are_refused(values: list[list[float]], said: str) -> None:
    with pytest.raises(InputError) as caught:
        answers_source("board.csv", MODEL, np.array(values))
    assert said in str(caught.value)


# --- the documentation ----------------------------------------------------------------------------------------------

PAGE = (Path(__file__).parents[2] / "docs" / "dump-format.md").read_text(encoding="utf-8")


def test_every_line_of_the_documentation_is_one(tmp_path: Path) -> None:
    """Its example, of another model, reads without a damaged line."""
    path = tmp_path / "example.txt"
    path.write_text("".join(line.strip() + "\n" for line in PAGE.splitlines() if line.startswith("    @")))
    lines = dump_text.DumpLines(path)
    kinds = [type(record).__name__ for record in lines.records()]
    assert kinds == ["Header", "Piece", "Piece", "Check", "Piece", "Same", "End"]
    assert lines.damaged.count == 0
    pieces = [record for record in dump_text.DumpLines(path).records() if isinstance(record, dump_text.Piece)]
    checks = [record for record in dump_text.DumpLines(path).records() if isinstance(record, dump_text.Check)]
    assert zlib.crc32(pieces[0].content + pieces[1].content) == checks[0].crc
