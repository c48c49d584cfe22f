"""What ``edgemnist deploy`` prints."""

from __future__ import annotations

from edgemnist.deploy.pi import Bundle
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
