"""What ``edgemnist diagnose`` prints."""

from __future__ import annotations

from edgemnist.commands.diagnose.device import Reproduction
from edgemnist.harness.diagnosis import Diagnosis
from edgemnist.support.tables import print_lines, print_text


def show(found: Diagnosis | Reproduction) -> None:
    """Print what was found, the main thing first, then the options alone, to copy."""
    print_text(*found.sentences())
    options = found.options
    if options:
        print_lines([f"options: {' '.join(options)}"])
