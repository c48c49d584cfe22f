"""What ``edgemnist explain`` prints."""

from __future__ import annotations

from edgemnist.mismatch.explanation import Explanation
from edgemnist.mismatch.text import print_explanation


def show(found: Explanation) -> None:
    """Print the explanation to stdout."""
    print_explanation(found)
