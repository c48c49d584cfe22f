"""The commands of a report can be typed again, and tell nothing of where its maker's folders are."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgemnist.commands.report.repeating import commands_for, report_command

pytestmark = pytest.mark.unit


def test_no_folder_above_the_current_one_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    inside, elsewhere = tmp_path / "nets" / "a b.tflite", Path("/home/somebody/secret/net.tflite")
    command = report_command(
        [inside, elsewhere], out=tmp_path / "r.html", work=Path("w"), runtime=["tflm"], confirm=True
    )

    assert command == "edgemnist report 'nets/a b.tflite' net.tflite --out r.html --work w --runtime tflm --confirm"
    assert commands_for(None, (inside, elsewhere), command) == ("sha256sum 'nets/a b.tflite' net.tflite", command)
