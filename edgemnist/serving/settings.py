"""How a server opens its models."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from edgemnist.harness.feeding import FeedingSettings
from edgemnist.support.errors import InputError


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """How models are opened. ``runtime`` None is the first that takes the model; ``shadow`` one beside it.

    ``versions``: how many of the newest versions are kept. ``poll``: seconds between looks at the files; 0 looks never.
    ``feeding`` and ``dataset``: as for ``edgemnist predict``.
    """

    runtime: str | None = None
    shadow: str | None = None
    versions: int = 1
    poll: float = 2.0
    feeding: FeedingSettings = field(default_factory=FeedingSettings)
    dataset: str | None = None

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing."""
        if self.versions < 1:
            raise InputError(f"--versions {self.versions}: give 1 or more")
        if not 0 <= self.poll < math.inf:
            raise InputError(f"--poll {self.poll:g}: give 0 or more seconds")
