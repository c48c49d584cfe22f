"""A server of models: open, bound, and run until a signal comes."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edgemnist.http import log
from edgemnist.http.server import Server, serve, url_of
from edgemnist.serving.application import application
from edgemnist.serving.service import Service
from edgemnist.support.progress import said_to


@dataclass(eq=False)
class ModelServer:
    """A server whose models are open and whose socket is bound; :meth:`run` listens."""

    service: Service
    bound: socket.socket

    @property
    def url(self) -> str:
        """Where it can be asked."""
        return url_of(self.bound)

    def as_json(self) -> dict[str, Any]:
        """Return the address and the models as JSON values."""
        return {"url": self.url, "models": [one.as_json() for one in self.service.store.served()]}

    def run(self, announce: Callable[[], None] = lambda: None) -> None:
        """Serve until a signal comes; then answer what was begun, end the runtimes, and return.

        ``announce`` is called as soon as requests are answered.
        """
        server = Server(application(self.service), self.service, announce, self.service.store.watch)
        try:
            log.write("info", "serving", url=self.url)
            with said_to(_say):
                serve(server, self.bound)
            log.write("info", "ended")
        finally:
            self.close()

    def close(self) -> None:
        """End the runtimes and close the socket."""
        self.bound.close()
        self.service.pictures.close()
        self.service.store.close()


def _say(message: str) -> None:
    log.write("warning" if message.startswith("warning") else "info", "said", message=message)
