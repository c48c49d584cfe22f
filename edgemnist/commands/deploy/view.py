"""What ``edgemnist deploy`` prints."""

from __future__ import annotations

from collections.abc import Sequence

from edgemnist.commands.deploy.advise import Advice
from edgemnist.commands.deploy.phones import PhoneFiles
from edgemnist.commands.deploy.pi import Bundle
from edgemnist.commands.deploy.prepare import PreparedEmulator
from edgemnist.pi.replay import Comparison, Replay
from edgemnist.support.progress import say
from edgemnist.support.tables import Column, numbers, print_table, print_text


def show_bundle(bundle: Bundle) -> None:
    """Print what was written."""
    for note in bundle.notes:
        say(f"note: {note}")
    wheels = f", wheels {bundle.wheel_bytes:,}" if bundle.wheel_bytes else ""
    print_text(f"wrote {bundle.path}: {bundle.bytes:,} bytes (model {bundle.model_bytes:,}{wheels})")
    for expected in bundle.expected:
        print_text(f"  {bundle.images} golden vectors: {expected}")
    for replay in bundle.replays:
        print_text(*_replay_lines(replay))


def show_emulators(emulators: Sequence[PreparedEmulator]) -> None:
    """Print what was fetched."""
    for one in emulators:
        versions = ", ".join(f"{package} {version}" for package, version in one.interpreters)
        print_text(f"{one.target}: Python {one.python}, {versions}; {one.bytes / 1e6:,.0f} MB in {one.folder}")


def show_advice(advice: Advice) -> None:
    """Print counted instructions as a table, models beside each other, and the best of each board."""
    models = list(dict.fromkeys((one.model, one.kind) for one in advice.measurements))
    columns = [Column("board, engine"), *numbers(*(f"{model}\n({kind})" for model, kind in models))]
    counts = {(one.board, one.interpreter, one.model): one.instructions for one in advice.measurements}
    rows = []
    for board, interpreter in dict.fromkeys((one.board, one.interpreter) for one in advice.measurements):
        found = [counts.get((board, interpreter, model)) for model, _ in models]
        cells = ["-" if count is None else f"{count / 1000:,.0f}" for count in found]
        rows.append([f"{board}, {interpreter}", *cells])
    print_table(columns, rows, "guest instructions (not time) per inference, in thousands")
    for board in advice.boards:
        best = advice.best(board)
        print_text(f"{board}: fewest with {best.model} in {best.interpreter}")
    for note in advice.notes:
        say(f"not measured: {note}")


def show_phone(written: PhoneFiles) -> None:
    """Print what was written for a phone."""
    print_text(f"wrote {', '.join(written.files)} into {written.folder}")
    print_text(f"  input:  {written.input}")
    print_text(f"  output: {written.output}")
    print_text(f"  fed with {written.preprocessing}")


def _replay_lines(replay: Replay) -> list[str]:
    head = f"replay on {replay.where} {replay.version} (Python {replay.python}, numpy {replay.numpy}): "
    verdict = "passed" if replay.passed else "FAILED"
    return [f"{head}{verdict}", *(f"  {_comparison_line(one, replay.images)}" for one in replay.comparisons)]


def _comparison_line(one: Comparison, images: int) -> str:
    if not one.required:
        return f"{one.kernels} kernels: nothing to compare with"
    found = f"{one.kernels} kernels ({one.required}): {one.different} of {one.values} values of {images} images differ"
    return f"{found}, at most {one.largest_difference:g}" if one.different else found
