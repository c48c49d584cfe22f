"""Open models and a socket, to serve them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.support.errors import MissingDependencyError
from edgemnist.support.progress import said_to, say

if TYPE_CHECKING:
    from edgemnist.http.settings import AccessSettings, Limits
    from edgemnist.serving.models import ServedModel
    from edgemnist.serving.pages import ServedPage
    from edgemnist.serving.server import ModelServer
    from edgemnist.serving.settings import ModelSettings

_PACKAGES = ("fastapi", "uvicorn", "prometheus_client", "python_multipart")


def check_installed() -> None:
    """Make sure that what a server needs is there.

    :raises MissingDependencyError: names what is not.
    """
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise MissingDependencyError(
            f"serve needs {', '.join(missing)}; install it with: pip install 'edgemnist[serve]'"
        )


@dataclass(frozen=True, kw_only=True)
class ServeSettings:
    """What ``edgemnist serve`` takes. ``models``: each ``NAME=PATH`` or a path; none is the work folder's.

    ``port`` 0 takes a free one.
    """

    models: Sequence[str] = ()
    host: str = "127.0.0.1"
    port: int = 8000
    opening: ModelSettings
    limits: Limits
    access: AccessSettings


def open_server(settings: ServeSettings, work: WorkFolder) -> ModelServer:
    """Bind the socket and open every model; then :meth:`ModelServer.run` serves them.

    :raises InputError: a model, a name, an address or a limit is wrong.
    :raises EnvironmentFailure: the port is taken, or no runtime is installed.
    """
    from edgemnist.http import log
    from edgemnist.http.pictures import Pictures
    from edgemnist.http.server import bound_socket
    from edgemnist.http.settings import LOOPBACK
    from edgemnist.serving.metrics import Metrics, RequestMetrics
    from edgemnist.serving.pages import Pages
    from edgemnist.serving.pictures import prepared_for
    from edgemnist.serving.server import ModelServer
    from edgemnist.serving.service import Service
    from edgemnist.serving.sources import sources_from
    from edgemnist.serving.store import Store

    sources = sources_from(settings.models, work)
    bound = bound_socket(settings.host, settings.port)
    metrics = Metrics()
    store = Store(sources, settings.opening, metrics, timeout=settings.limits.seconds)
    pictures, counts = Pictures(settings.limits), RequestMetrics(metrics)
    pages = Pages(lambda model: _page_of(model, store.names(), settings.opening))
    service = Service(pictures, settings.limits, settings.access, counts, store=store, metrics=metrics, pages=pages)
    server = ModelServer(service, bound)
    try:
        with said_to(lambda message: log.write("info", "said", message=message)):
            store.open()
            pictures.warm_up(prepared_for(store.find()))
    except BaseException:
        server.close()
        raise
    if settings.host not in LOOPBACK and not settings.access.keys:
        say(f"anybody who reaches {settings.host} may ask: there is no key; --api-key-file asks for one")
    return server


def _page_of(model: ServedModel, models: Sequence[str], opening: ModelSettings) -> ServedPage:
    from edgemnist.commands.serve.page import page_of

    return page_of(model, models, opening.dataset, opening.feeding)
