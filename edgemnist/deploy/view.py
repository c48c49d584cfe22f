"""What ``edgemnist deploy`` prints."""

from __future__ import annotations

from collections.abc import Sequence

from edgemnist.deploy.pi import Bundle
from edgemnist.deploy.prepare import PreparedEmulator
from edgemnist.deploy.replay import Comparison, Replay
from edgemnist.progress import print_json, say, stdout_console


def show_bundle(bundle: Bundle, *, as_json: bool) -> None:
    """Print what was written."""
    if as_json:
        print_json(bundle.as_json())
        return
    for note in bundle.notes:
        say(f"note: {note}")
    wheels = f", wheels {bundle.wheel_bytes:,}" if bundle.wheel_bytes else ""
    console = stdout_console()
    console.print(f"wrote {bundle.path}: {bundle.bytes:,} bytes (model {bundle.model_bytes:,}{wheels})", markup=False)
    for expected in bundle.expected:
        console.print(f"  {bundle.images} golden vectors of {expected}", markup=False)
    for replay in bundle.replays:
        for line in _replay_lines(replay):
            console.print(line, markup=False)


def show_emulators(emulators: Sequence[PreparedEmulator], *, as_json: bool) -> None:
    """Print what was fetched."""
    if as_json:
        print_json([one.as_json() for one in emulators])
        return
    for one in emulators:
        versions = ", ".join(f"{package} {version}" for package, version in one.interpreters)
        stdout_console().print(
            f"{one.target}: Python {one.python}, {versions}; {one.bytes / 1e6:,.0f} MB in {one.folder}", markup=False
        )


def _replay_lines(replay: Replay) -> list[str]:
    head = f"replay on {replay.where} {replay.version} (Python {replay.python}, numpy {replay.numpy}): "
    verdict = "passed" if replay.passed else "FAILED"
    return [f"{head}{verdict}", *(f"  {_comparison_line(one, replay.images)}" for one in replay.comparisons)]


def _comparison_line(one: Comparison, images: int) -> str:
    if not one.required:
        return f"{one.kernels} kernels: nothing to compare with"
    found = f"{one.kernels} kernels ({one.required}): {one.different} of {one.values} values of {images} images differ"
    return f"{found}, at most {one.largest_difference:g}" if one.different else found
