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
_STATE = ("tests/compiler/test_state.py", "-k", "variable or often")
_FLOATS = ("tests/compiler/test_floats.py", "-k", "refused or beta")
_LONG = ("tests/compiler/test_claims.py", "-k", "long or windows or largest")

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
        "smallest = 0.0 if tensor.data is not None and kind in _WITH_WEIGHTS else SMALLEST_SCALE",
        "smallest = 0.0",
        _CLAIMS,
    ),
    Place(
        "zero points one outside", "edgemnist/compiler/claims.py", '"int8": (-128, 127)', '"int8": (-129, 128)', _CLAIMS
    ),
    Place(
        "twice the elements",
        "edgemnist/support/limits.py",
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
        "is_table(read(length - 1))",
        "is_table(read(0))",
        ("tests/tflite/test_verification.py",),
    ),
    Place(
        "the mean's count doubled",
        "edgemnist/compiler/ops/mean.py",
        '{"int8": 2**22,',
        '{"int8": 2**23,',
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
        "last.update({graph.root(index): len(steps) for index in graph.leaving})",
        "last.update({graph.root(index): len(steps) - 1 for index in graph.leaving})",
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
        'return _digest_path(path).read_text(encoding="utf-8") == sha256_of(path)',
        "return _digest_path(path).exists()",
        ("tests/support/test_kept.py",),
    ),
    Place(
        "an input may have a value",
        "edgemnist/compiler/claims.py",
        "        if model.tensors[index].data is not None\n",
        "        if False\n",
        _CLAIMS,
    ),
    Place(
        "an output may be listed twice",
        "edgemnist/compiler/claims.py",
        "if indices.count(index) > 1})",
        "if indices.count(index) > 2})",
        ("tests/compiler/test_several_ends.py", "-k", "lists"),
    ),
    Place(
        "an output's life ends early",
        "edgemnist/compiler/memory.py",
        "len(steps) for index in graph.leaving})",
        "len(steps) for index in graph.leaving[:1]})",
        ("tests/compiler/test_several_ends.py", "-k", "exact or any_tensor"),
    ),
    Place(
        "depthwise weights for two",
        "edgemnist/compiler/ops/layer_checks.py",
        "    if first != 1:",
        "    if False:",
        _CLAIMS,
    ),
    Place(
        "any depth multiplier",
        "edgemnist/compiler/ops/layer_checks.py",
        "if multiplier * in_channels != out_channels:",
        "if False:",
        _CLAIMS,
    ),
    Place(
        "products cost nothing",
        "edgemnist/compiler/self_test.py",
        "(sum(sizes) + products // PRODUCTS)",
        "sum(sizes)",
        _LONG,
    ),
    Place(
        "variables of several shapes",
        "edgemnist/compiler/state.py",
        "(firsts[name].dtype.name, firsts[name].shape)}) != 1:",
        "(firsts[name].dtype.name, firsts[name].shape)}) == 0:",
        _STATE,
    ),
    Place(
        "a variable is read after it was assigned",
        "edgemnist/compiler/state.py",
        "elif name in self.assigned:",
        "elif False:",
        _STATE,
    ),
    Place(
        "first values come late",
        "edgemnist/compiler/state.py",
        "if dealt and operator.kind == ONCE:",
        "if False:",
        _STATE,
    ),
    Place(
        "a graph is read for each call", "edgemnist/compiler/state.py", "if place in graphs or not", "if not", _STATE
    ),
    Place(
        "weights that are no numbers",
        "edgemnist/compiler/ops/floats.py",
        "if not np.isfinite(tensor.data).all():",
        "if False:",
        ("tests/compiler/test_floats.py", "-k", "numbers"),
    ),
    Place(
        "float axes wrap",
        "edgemnist/compiler/ops/reduction.py",
        "if not -rank <= axis < rank]",
        "if False]",
        _FLOATS,
    ),
    Place(
        "any finite beta",
        "edgemnist/compiler/ops/float_rows.py",
        'if node.operator == "SOFTMAX" and not 0 < node.number("beta") < math.inf:',
        'if node.operator == "SOFTMAX" and not math.isfinite(node.number("beta")):',
        _FLOATS,
    ),
    Place(
        "ten times the request",
        "edgemnist/http/bodies.py",
        "if size > most:",
        "if size > 10 * most:",
        ("tests/serving/test_limits.py",),
    ),
    Place(
        "any number of requests",
        "edgemnist/http/guard.py",
        "if self._in_flight > self._service.limits.concurrency:",
        "if False:",
        ("tests/serving/test_limits.py",),
    ),
    Place(
        "a page that nobody checked has passed",
        "edgemnist/page/checking.py",
        "return not self.not_checked and all(",
        "return all(",
        ("tests/page/test_checking.py",),
    ),
    Place(
        "one byte of a page may differ",
        "edgemnist/page/checking.py",
        "wrong = [one for one in self.engines if one.different]",
        "wrong = [one for one in self.engines if one.different > 1]",
        ("tests/page/test_checking.py",),
    ),
    Place(
        "one LSB more",
        "edgemnist/commands/parity/limits.py",
        "GateResult(gate, most <= limit, detail)",
        "GateResult(gate, most <= limit + 1, detail)",
        _GATE,
    ),
    Place(
        "differences in no image",
        "edgemnist/mismatch/tally.py",
        "self._images += int(unequal.any(axis=tuple(range(1, unequal.ndim))).sum())",
        "self._images += len(unequal)",
        ("tests/mismatch/test_tally.py",),
    ),
)
