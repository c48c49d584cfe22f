"""What an import is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from edgemnist.harness.feeding import FeedingSettings


@dataclass(frozen=True, kw_only=True)
class ImportSettings:
    """What to import. ``dataset`` is a name or path; ``feeding`` what the user says of how the model is fed: what that
    leaves open is as the file tells, else tried. ``output`` names one of several outputs, or gives its index.

    ``seed`` chooses the images to compare on. ``even_so`` takes a model that classifies nothing as it is fed.
    """

    model: Path
    dataset: str
    feeding: FeedingSettings = field(default_factory=FeedingSettings)
    output: str | None = None
    seed: int = 0
    even_so: bool = False
