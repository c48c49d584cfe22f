"""Where ``scripts/mutants`` breaks the code, and which tests are to notice."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """``old``, which is once in ``file``, becomes ``new``; ``tests`` are what pytest is given."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


_CLAIMS = ("tests/compiler/test_claims.py", "tests/compiler/test_reader.py")
_MEMORY = ("tests/compiler/test_memory.py",)
_OVERLAPS = ("tests/compiler/test_overlaps.py",)
_WEIGHTED = ("tests/compiler/test_requantisation.py",)
_ELEMENTS = ("tests/compiler/test_operators_elements.py", "tests/compiler/test_operators_arithmetic.py")
_CYCLES = ("tests/mcu/test_cycles.py", "tests/mcu/test_cycles_models.py")
_GATE = ("tests/commands/parity",)

PLACES = (
    Place(
        "a constant may be written",
        "edgemnist/compiler/reader.py",
        "if index in written or graph.is_constant(index):",
        "if index in written:",
        _CLAIMS,
    ),
    Place(
        "a tensor may be written twice",
        "edgemnist/compiler/reader.py",
        "if index in written or graph.is_constant(index):",
        "if graph.is_constant(index):",
        _CLAIMS,
    ),
    Place(
        "a tensor may be read before",
        "edgemnist/compiler/reader.py",
        "        if index not in written:\n",
        "        if False:\n",
        _CLAIMS,
    ),
    Place(
        "one input too few", "edgemnist/compiler/claims.py", "if count < least or", "if count + 1 < least or", _CLAIMS
    ),
    Place("one input too many", "edgemnist/compiler/claims.py", "count > most)", "count > most + 1)", _CLAIMS),
    Place(
        "any table of options",
        "edgemnist/compiler/claims.py",
        'if found not in ("", schema.options):',
        "if False:",
        _CLAIMS,
    ),
    Place(
        "scales down to zero",
        "edgemnist/compiler/claims.py",
        "SMALLEST_SCALE if tensor.data is None else 0.0",
        "0.0",
        _CLAIMS,
    ),
    Place(
        "zero points one outside", "edgemnist/compiler/claims.py", '"int8": (-128, 127)', '"int8": (-129, 128)', _CLAIMS
    ),
    Place(
        "twice the elements",
        "edgemnist/compiler/claims.py",
        "LARGEST_TENSOR = 2**24",
        "LARGEST_TENSOR = 2**25",
        _CLAIMS,
    ),
    Place(
        "ten times the constants",
        "edgemnist/compiler/claims.py",
        "MOST_READ_AGAIN = 4",
        "MOST_READ_AGAIN = 40",
        _CLAIMS,
    ),
    Place(
        "tables named often",
        "edgemnist/tflite/verification.py",
        "most = 2 * len(content)",
        "most = 99 * len(content)",
        ("tests/tflite/test_verification.py",),
    ),
    Place(
        "the last entry not read",
        "edgemnist/tflite/verification.py",
        "_is_table(read(length - 1))",
        "_is_table(read(0))",
        ("tests/tflite/test_verification.py",),
    ),
    Place(
        "the mean's count doubled",
        "edgemnist/compiler/ops/mean.py",
        "LARGEST_COUNT = 2**22",
        "LARGEST_COUNT = 2**23",
        ("tests/compiler/test_operators_mean.py",),
    ),
    Place(
        "accumulators half as large",
        "edgemnist/compiler/ops/requantisation.py",
        "FAST_LIMIT = 2**30",
        "FAST_LIMIT = 2**29",
        _WEIGHTED,
    ),
    Place(
        "accumulators twice as large",
        "edgemnist/compiler/ops/requantisation.py",
        "FAST_LIMIT = 2**30",
        "FAST_LIMIT = 2**31",
        _WEIGHTED,
    ),
    Place(
        "the zero point forgotten",
        "edgemnist/compiler/ops/requantisation.py",
        "(abs(zero_point) << shift) + ",
        "",
        _WEIGHTED,
    ),
    Place(
        "ties rounded down",
        "edgemnist/compiler/fixedpoint.py",
        "mantissa + (1 << 30)) >> 31",
        "mantissa + (1 << 30) - 1) >> 31",
        _ELEMENTS,
    ),
    Place(
        "buffers may touch by a byte",
        "edgemnist/compiler/memory.py",
        "if offset + buffer.size <= rival.offset or",
        "if offset + buffer.size - 1 <= rival.offset or",
        _MEMORY,
    ),
    Place(
        "the output's life ends early",
        "edgemnist/compiler/memory.py",
        "last[graph.root(graph.output)] = len(steps)",
        "last[graph.root(graph.output)] = len(steps) - 1",
        _MEMORY,
    ),
    Place(
        "overlap forward one too far",
        "edgemnist/compiler/ops/overlaps.py",
        "(later[1:] - ends[:-1]).min(initial=disjoint)",
        "(later[1:] - ends[:-1]).min(initial=disjoint) + 1",
        _OVERLAPS,
    ),
    Place(
        "overlap backward one too far",
        "edgemnist/compiler/ops/overlaps.py",
        "(later[1:] - starts[:-1]).max(initial=disjoint)",
        "(later[1:] - starts[:-1]).max(initial=disjoint) - 1",
        _OVERLAPS,
    ),
    Place(
        "window overlap a block too far",
        "edgemnist/compiler/ops/overlaps.py",
        "return int((still_needed - np.asarray(writes)).min())",
        "return int((still_needed - np.asarray(writes)).min()) + 8",
        _OVERLAPS,
    ),
    Place(
        "pool overlap one too far",
        "edgemnist/compiler/ops/pooling.py",
        "Overlap(at_most=int(min(",
        "Overlap(at_most=1 + int(min(",
        ("tests/compiler/test_pooling.py", *_OVERLAPS),
    ),
    Place(
        "rows overlap one row too far",
        "edgemnist/compiler/ops/overlaps.py",
        "- (y + 1) * out_row_bytes",
        "- y * out_row_bytes",
        ("tests/compiler/test_host_bodies.py",),
    ),
    Place(
        "rows come too late",
        "edgemnist/compiler/bodies/base.py",
        "if (first + at_once) * geometry.out_width > read * geometry.in_width:",
        "if False:",
        ("tests/compiler/test_depthwise_rows.py", "-k", "read or padded"),
    ),
    Place(
        "doubt of sparse layers forgotten",
        "edgemnist/compiler/choice.py",
        "(1 + self.doubt * self.way.sparse)",
        "1",
        ("tests/compiler/test_choice.py",),
    ),
    Place(
        "sparse layers cost a third more",
        "edgemnist/compiler/choice.py",
        "(1 + self.doubt * self.way.sparse)",
        "(1 + (0.3 + self.doubt) * self.way.sparse)",
        ("tests/compiler/test_choice.py",),
    ),
    Place(
        "self-tests of any size",
        "edgemnist/compiler/self_test.py",
        "return 0 if max(sizes) > LARGEST_TENSOR else",
        "return 6 if max(sizes) > LARGEST_TENSOR else",
        _CLAIMS,
    ),
    Place(
        "flash looks one line too far",
        "edgemnist/mcu/timing/flash.py",
        "max(0.0, flash.wait_states + 1 - cycles",
        "max(0.0, flash.wait_states - cycles",
        _CYCLES,
    ),
    Place(
        "the line in use by its end",
        "edgemnist/mcu/timing/flash.py",
        "(end - 1) // flash.line_bytes",
        "end // flash.line_bytes",
        _CYCLES,
    ),
    Place(
        "standard error of one fewer",
        "edgemnist/support/statistics.py",
        "(1 - share) / count)",
        "(1 - share) / (count - 1))",
        ("tests/support/test_statistics.py",),
    ),
    Place(
        "ten times the body",
        "edgemnist/support/limits.py",
        "PI_SERVICE_BODY_BYTES = 8 << 20",
        "PI_SERVICE_BODY_BYTES = 80 << 20",
        ("tests/pi/test_service.py",),
    ),
    Place(
        "a length that is given twice",
        "edgemnist/http/connections.py",
        "len(lengths) > 1 or",
        "len(lengths) > 2 or",
        ("tests/serving/test_connections.py",),
    ),
    Place(
        "the gate takes what was not exact",
        "edgemnist/commands/parity/gate.py",
        "runs[runtime].exact is True, _describe",
        "runs[runtime].exact is not None, _describe",
        _GATE,
    ),
    Place(
        "the witness need not be exact",
        "edgemnist/commands/parity/gate.py",
        "runs[witness].exact is True, described",
        "True, described",
        _GATE,
    ),
    Place(
        "leftovers of the living",
        "edgemnist/support/files.py",
        "return not lives(int",
        "return lives(int",
        ("tests/support/test_files.py",),
    ),
    Place(
        "damage in caches believed",
        "edgemnist/support/kept.py",
        "return _digest_path(path).read_text() == sha256_of(path)",
        "return _digest_path(path).exists()",
        ("tests/support/test_kept.py",),
    ),
)
