"""The machine without a network and the small datasets of ``tests/data``."""

from __future__ import annotations

from tests.data.conftest import _no_network as _no_network
from tests.data.conftest import bare_machine as bare_machine
from tests.data.conftest import server as server
from tests.data.conftest import small_mnist as small_mnist
