"""What a fine-tuning takes from the training's record."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.support.errors import InputError
from edgemnist.training.fine_tuning import NEEDED, settings_before

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("missing", NEEDED)
def test_a_record_that_lacks_something_is_named(missing: str, tmp_path: Path) -> None:
    work = WorkFolder(tmp_path / "w")
    work.root.mkdir()
    work.record("train", settings={name: 0 for name in NEEDED if name != missing}, results={}, outputs=[])

    with pytest.raises(InputError, match=rf"edgemnist prune needs '{missing}'.*run `edgemnist train --work .*` again"):
        settings_before(work, needed_by="edgemnist prune")
