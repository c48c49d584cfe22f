"""What ``edgemnist serve`` says when it is ready."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgemnist.support.tables import print_text

if TYPE_CHECKING:
    from edgemnist.serving.server import ModelServer


def show(server: ModelServer) -> None:
    """Print where the server can be asked, and what it serves."""
    print_text(server.url)
    for one in server.service.store.served():
        shadow = f", beside it {one.shadow.engine.runtime}" if one.shadow else ""
        line = f"  {one.name} version {one.version}: {one.path} in {one.engine.runtime} {one.engine.version}{shadow}"
        print_text(line)
