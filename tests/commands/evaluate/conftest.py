"""The work folder of the robustness tests."""

from __future__ import annotations

from tests.commands.robustness.conftest import work as work
