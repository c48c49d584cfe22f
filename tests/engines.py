"""Skip tests whose engines are not installed here; CI forbids skips, so there nothing goes missing unseen."""

from __future__ import annotations

import pytest

from edgemnist.runner import find_runtime


def needs(*names: str) -> pytest.MarkDecorator:
    """Return a mark that skips unless every named runtime is installed, with the reason that it isn't."""
    reasons = [f"{name}: {reason}" for name in names if (reason := find_runtime(name).available()) is not None]
    return pytest.mark.skipif(bool(reasons), reason="; ".join(reasons) or "all are installed")
