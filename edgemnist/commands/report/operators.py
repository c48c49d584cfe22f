"""Where runtimes part from the oracle, operator by operator, and the rules by which."""

from __future__ import annotations

from edgemnist.commands.report.measuring import Measured
from edgemnist.commands.report.sections import OperatorCell, OperatorRow, Operators
from edgemnist.mismatch.explain import explain_first
from edgemnist.mismatch.explanation import OperatorRow as Explained


def operators(measured: Measured, timeout: float) -> Operators | None:
    """Return every operator of the model in the runtimes that are not exact; None where all are.

    :raises EdgeMnistError: as ``explain_first``.
    """
    runs = measured.parity["runs"]
    unlike = [run["runtime"] for run in runs if run["file"] == measured.subject.model.name and run["exact"] is False]
    if not unlike or measured.subject.model.tflite is None:
        return None
    found = explain_first(measured.subject.model, measured.subjects, unlike, timeout)
    sources = [one for one in found.sources if one.operators]
    known = {one.index: one for source in sources for one in source.operators}
    cells = [{one.index: _cell(one) for one in source.operators} for source in sources]
    return Operators(
        source=f"The first {found.count} of the images beside {found.oracle}, as edgemnist explain compares them",
        runtimes=tuple(source.name for source in sources),
        rows=tuple(
            OperatorRow(f"{index} {known[index].kind}", tuple(one.get(index) for one in cells))
            for index in sorted(known)
        ),
    )  # fmt: skip


def _cell(row: Explained) -> OperatorCell | None:
    if row.own is None:
        return None
    return OperatorCell(row.own.share, row.accumulated.share, row.rule.rule if row.rule is not None else "")
