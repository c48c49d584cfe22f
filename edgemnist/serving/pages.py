"""The page of each model for browsers: made once, when it is first asked for, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass

from edgemnist.http import log
from edgemnist.serving.models import ServedModel
from edgemnist.support.errors import EdgeMnistError


@dataclass(frozen=True)
class ServedPage:
    """A page's HTML, and the content policy under which its own script runs, and nothing else."""

    text: str
    policy: str


_Key = tuple[str, int, str]


class Pages:
    """The pages of one server, by model, version and SHA-256. Its methods are called from the event loop's thread."""

    def __init__(self, make: Callable[[ServedModel], ServedPage]) -> None:
        self._make = make
        self._made: dict[_Key, Future[ServedPage]] = {}

    async def of(self, model: ServedModel, served: Iterable[ServedModel]) -> ServedPage:
        """Return a model's page; the first call takes as long as it takes to make it, and a later one may be in time.

        :param served: every model that there still is; the pages of others are dropped.
        :raises EdgeMnistError: it cannot be made; the next call tries again.
        """
        kept = {_key(one) for one in served}
        self._made = {key: page for key, page in self._made.items() if key in kept}
        page = self._made.get(_key(model))
        if page is None or (page.done() and page.exception() is not None):
            page = self._made[_key(model)] = self._begin(model)
        return await asyncio.shield(asyncio.wrap_future(page))

    def _begin(self, model: ServedModel) -> Future[ServedPage]:
        page: Future[ServedPage] = Future()

        def run() -> None:
            try:
                page.set_result(self._make(model))
            except Exception as error:
                page.set_exception(error)
                level = "warning" if isinstance(error, EdgeMnistError) else "error"
                log.write(level, "page not made", model=model.name, version=model.version, reason=str(error))

        threading.Thread(target=run, name=f"page-{model.name}", daemon=True).start()
        return page


def _key(model: ServedModel) -> _Key:
    return model.name, model.version, model.sha256
