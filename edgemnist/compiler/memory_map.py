"""A memory plan for people as text: a table, and addresses over steps. As a picture: ``memory_picture``."""

from __future__ import annotations

from edgemnist.compiler.lowering import Program
from edgemnist.compiler.memory import Plan
from edgemnist.compiler.run_text import included

ROWS = 24
"""Lines of the text picture; each stands for the same number of bytes."""


def as_text(program: Program, plan: Plan, name: str) -> str:
    """Return the plan as a table and as a picture: columns are steps, lines are addresses."""
    width = max(len(str(plan.size)), 5) + 2
    lines = [
        f"{name}: arena of {plan.size} bytes, {included(program)} included",
        f"largest tensor {plan.largest_tensor}, largest set of tensors alive at once {plan.largest_live_set}",
        "",
        f"{'from':>{width}}{'to':>{width}}{'bytes':>{width}}  steps    what",
    ]
    symbols = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    for index, item in enumerate(plan.placed):
        symbol = symbols[index % len(symbols)]
        steps = f"{item.buffer.first}-{item.buffer.last}"
        lines.append(
            f"{item.offset:{width}}{item.end:{width}}{item.buffer.size:{width}}  {steps:7}  {symbol} {item.buffer.name}"
        )
    lines += [
        "",
        "Each column is a step, each line a part of the arena; * where an output lies on top of a dying input.",
        *([f"Steps 0 to {program.bands.steps - 1} run by bands, again and again."] if program.bands else []),
    ]
    step_bytes = max(-(-plan.size // ROWS), 1)
    for low in range(0, plan.size, step_bytes):
        cells = ["."] * (len(program.steps) + 1)
        for index, item in enumerate(plan.placed):
            if item.offset < low + step_bytes and item.end > low:
                for step in range(item.buffer.first, item.buffer.last + 1):
                    cells[step] = symbols[index % len(symbols)] if cells[step] == "." else "*"
        lines.append(f"{low:{width}} {''.join(cells[:-1])}")
    return "\n".join(lines) + "\n"
