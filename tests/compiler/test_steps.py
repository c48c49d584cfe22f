"""Step functions of requantisation: where they begin, against the exact one accumulator by accumulator."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgemnist.compiler.ops.steps import _thresholds, _Wanted

MANTISSAS = st.one_of(st.just(0), st.integers(2**30, 2**31 - 1))


@given(
    mantissa=MANTISSAS, shift=st.integers(0, 12), zero_point=st.integers(-128, 127),
    limits=st.sampled_from([(-128, 127), (-20, 127), (-128, 30), (5, 5)]), lowest=st.integers(-3000, 3000),
    span=st.integers(0, 4000),
)  # fmt: skip
def test_each_step_is_the_first_accumulator_of_its_output(
    mantissa: int, shift: int, zero_point: int, limits: tuple[int, int], lowest: int, span: int
) -> None:
    wanted = _Wanted(np.array([mantissa]), np.array([shift]), zero_point, limits)
    accumulators = np.arange(lowest, lowest + span + 1)
    outputs = wanted.outputs(accumulators[np.newaxis])[0]
    firsts, levels, base = _thresholds(wanted, np.array([lowest]), np.array([lowest + span]))
    assert (base[0], levels[0]) == (outputs[0], outputs[-1] - outputs[0])
    for level in range(1, int(levels[0]) + 1):
        assert firsts[0, level - 1] == accumulators[outputs >= base[0] + level][0]
    assert (firsts[0, int(levels[0]) :] == lowest + span).all()
