"""The rule of each operator of a source: what one operator leaves open, the others and experiments decide."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.mismatch.case import Case
from edgemnist.mismatch.compare import OperatorFinding
from edgemnist.mismatch.naming import Naming, Parts, Search, confirmed, search
from edgemnist.mismatch.one_operator import one_operator
from edgemnist.mismatch.probing import tell_apart
from edgemnist.mismatch.sources import Fed, Source
from edgemnist.support.errors import EdgeMnistError
from edgemnist.tflite.file import TfliteModel


def rule_of_each(
    model: TfliteModel, source: Source, findings: tuple[OperatorFinding, ...], stopped: threading.Event | None = None
) -> Mapping[int, Naming | None]:
    """Return for each operator that has an error of its own the rule that makes it, None where none is known.

    A runtime does the same in all operators of a kind: what is left of the rules after one is tried first on the next.
    Where experiments leave several rules, the one is preferred that reproduces most operators.

    :param stopped: once it is set the operators that are left have no rule: nobody waits for them any more.
    """
    cases = {one.index: Case(model, one.index, one.sample) for one in findings if one.sample is not None}
    searches: dict[int, Search] = {}
    left: dict[str, tuple[Parts, ...]] = {}
    for index, case in cases.items():
        if stopped is not None and stopped.is_set():
            break
        known = [(parts, naming) for parts in left.get(case.kind, ()) if (naming := confirmed(case, parts)) is not None]
        found = Search(tuple(known), None) if known else search(case)
        searches[index] = _probed(case, found, source) if len(found.exact) > 1 else found
        if searches[index].exact:
            left[case.kind] = tuple(parts for parts, _ in searches[index].exact)
    votes = Counter(naming.rule for found in searches.values() for _, naming in found.exact)
    return {index: _voted(found, votes).naming for index, found in searches.items()}


def _voted(found: Search, votes: Mapping[str, int]) -> Search:
    return found.preferring(max((one.rule for _, one in found.exact), key=lambda rule: votes[rule], default=""))


def _probed(case: Case, found: Search, source: Source) -> Search:
    """Return what experiments leave of a search; the search itself where the source can't be asked."""
    laws = [(parts, naming) for parts, naming in found.exact if parts[0].is_law]
    integers = all(np.issubdtype(one.dtype, np.integer) for one in case.sample.inputs)
    if len(laws) < 2 or not integers or not source.asks:
        return found
    try:
        cut = one_operator(case.model, case.index)

        def ask(inputs: Sequence[NDArray[Any]]) -> NDArray[Any]:
            (answer,) = source.alone([Fed(cut, inputs)])
            if isinstance(answer, EdgeMnistError):
                raise answer
            return answer[0]

        return tell_apart(case, replace(found, exact=tuple(laws)), ask)
    except EdgeMnistError:
        return found
