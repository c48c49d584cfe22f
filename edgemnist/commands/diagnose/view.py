"""What ``edgemnist diagnose`` prints."""

from __future__ import annotations

from edgemnist.commands.diagnose.device import Reproduction
from edgemnist.harness.diagnosis import Diagnosis
from edgemnist.support.progress import stdout_console


def show(found: Diagnosis | Reproduction) -> None:
    """Print what was found, the main thing first, then the options alone, to copy."""
    console = stdout_console()
    for sentence in found.sentences():
        console.print(sentence, markup=False, soft_wrap=True)
    options = found.options
    if options:
        console.print(f"options: {' '.join(options)}", markup=False, soft_wrap=True)
