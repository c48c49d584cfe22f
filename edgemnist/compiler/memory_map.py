"""A memory plan for people: a text table, and a picture of tensors over time."""

from __future__ import annotations

from pathlib import Path

from edgemnist.compiler.lowering import Program
from edgemnist.compiler.memory import Plan
from edgemnist.compiler.run_text import included

MOST_DRAWN = 300
"""Steps in a picture: with more nobody can read it."""

ROWS = 24
"""Lines of the text picture; each stands for the same number of bytes."""


def as_text(program: Program, plan: Plan, name: str) -> str:
    """Return the plan as a table and as a picture: columns are steps, lines are addresses."""
    lines = [
        f"{name}: arena of {plan.size} bytes, {included(program)} included",
        f"largest tensor {plan.largest_tensor}, largest set of tensors alive at once {plan.largest_live_set}",
        "",
        "  from    to  bytes  steps    what",
    ]
    symbols = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    for index, item in enumerate(plan.placed):
        symbol = symbols[index % len(symbols)]
        steps = f"{item.buffer.first}-{item.buffer.last}"
        lines.append(f"{item.offset:6}{item.end:6}{item.buffer.size:7}  {steps:7}  {symbol} {item.buffer.name}")
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
        lines.append(f"{low:6} {''.join(cells[:-1])}")
    return "\n".join(lines) + "\n"


def draw(program: Program, plan: Plan, name: str, target: Path) -> None:
    """Draw the plan as a PNG: time to the right in steps, addresses upwards in bytes. Needs matplotlib."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    steps = len(program.steps)
    figure = Figure(figsize=(max(6.0, 0.7 * steps), 5.0), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for index, item in enumerate(plan.placed):
        first, last = item.buffer.first, min(item.buffer.last, steps)
        colour = "#b0b0b0" if item.buffer.tensor < 0 else f"C{index % 10}"
        axes.add_patch(
            Rectangle((first, item.offset), last - first + 1, item.buffer.size, facecolor=colour, alpha=0.55,
                      edgecolor="black", linewidth=0.6)
        )  # fmt: skip
        if item.buffer.size > plan.size / 25:
            label = f"{item.buffer.size} B"
            axes.text((first + last + 1) / 2, item.offset + item.buffer.size / 2, label, ha="center", va="center",
                      fontsize=7)  # fmt: skip
    axes.set_xlim(0, steps + 1)
    axes.set_ylim(0, max(plan.size, 1) * 1.02)
    axes.set_xticks([step + 0.5 for step in range(steps)])
    kinds = [step.node.label.split(" ", 2)[2].replace("_2D", "").replace("+", "\n+") for step in program.steps]
    axes.set_xticklabels(kinds, rotation=60, ha="right", fontsize=6)
    axes.set_ylabel("arena offset in bytes")
    axes.set_title(
        f"{name}: {plan.size} bytes (largest tensor {plan.largest_tensor}, live set {plan.largest_live_set})"
    )
    figure.savefig(target, dpi=130, metadata={"Software": None})
