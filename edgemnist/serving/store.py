"""The models that are served, by name and version, and what becomes of them when their files change."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from edgemnist.http import log
from edgemnist.http.problems import not_found, overloaded
from edgemnist.serving.metrics import Metrics
from edgemnist.serving.models import ServedModel, load_served
from edgemnist.serving.settings import ModelSettings
from edgemnist.serving.sources import Signature, Source, signature_of, versions_of
from edgemnist.support.errors import EdgeMnistError

_LOOK_SECONDS = 0.02


@dataclass
class _Versions:
    """A model's versions: those that are served, the newest last, and why others could not be loaded."""

    source: Source
    served: dict[int, ServedModel] = field(default_factory=dict)
    refused: dict[int, tuple[Signature, str]] = field(default_factory=dict)


class Store:
    """Every model of a server. Its methods are called from the thread of the event loop, but for :meth:`open`."""

    def __init__(self, sources: Sequence[Source], settings: ModelSettings, metrics: Metrics, *, timeout: float) -> None:
        self._settings, self._metrics, self._timeout = settings, metrics, timeout
        self._models = {source.name: _Versions(source) for source in sources}
        self._leaving: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        """Load the newest versions of every model; :meth:`close` closes those that are open already if it fails.

        :raises EdgeMnistError: one cannot be loaded.
        """
        for model in self._models.values():
            found = versions_of(model.source.path)
            for version in sorted(found)[-self._settings.versions :]:
                model.served[version] = self._load(model.source.name, version, found)

    def close(self) -> None:
        """Answer what waits and end every runtime."""
        for one in self.served():
            one.close()

    def names(self) -> tuple[str, ...]:
        """Return the names of the models, the first one first."""
        return tuple(self._models)

    def served(self) -> tuple[ServedModel, ...]:
        """Return every version of every model that is served."""
        return tuple(one for model in self._models.values() for one in model.served.values())

    def versions(self, name: str) -> dict[int, ServedModel]:
        """Return the versions of a model that are served, the newest last.

        :raises RequestError: there is no such model.
        """
        if name not in self._models:
            raise not_found(f"there is no model {name!r}; there are: {', '.join(self._models)}")
        return dict(sorted(self._models[name].served.items()))

    def refused(self, name: str) -> dict[int, str]:
        """Return why versions of a model could not be loaded."""
        return {version: why for version, (_, why) in sorted(self._models[name].refused.items())}

    @property
    def ready(self) -> bool:
        """Whether every model has a version that answers."""
        return all(any(one.engine.ready for one in model.served.values()) for model in self._models.values())

    def find(self, name: str | None = None, version: str | None = None) -> ServedModel:
        """Return a version of a model, by default the newest of the first.

        :raises RequestError: there is none.
        """
        versions = self.versions(name if name is not None else next(iter(self._models)))
        if version is None:
            if not versions:
                raise overloaded(f"no version of the model {name!r} could be loaded yet")
            return versions[max(versions)]
        found = versions.get(int(version)) if version.isascii() and version.isdecimal() else None
        if found is None:
            known = ", ".join(map(str, versions))
            raise not_found(f"the model {name!r} has no version {version!r}; there are: {known}")
        return found

    @contextmanager
    def leased(self, name: str | None = None, version: str | None = None) -> Iterator[ServedModel]:
        """Yield what :meth:`find` returns; it is not closed before the block is left."""
        model = self.find(name, version)
        model.leases += 1
        try:
            yield model
        finally:
            model.leases -= 1

    # --- files that change --------------------------------------------------------------------------------------------

    async def watch(self) -> None:
        """Look at the files again and again, and load what has changed; ends when it is cancelled."""
        while self._settings.poll:
            await asyncio.sleep(self._settings.poll)
            for model in self._models.values():
                try:
                    await self._look(model)
                except Exception as error:  # a fault of ours must not keep it from looking again
                    self._say_once(model, 0, (), error)

    async def _look(self, model: _Versions) -> None:
        found = await asyncio.to_thread(versions_of, model.source.path)
        wanted = sorted(found)[-self._settings.versions :]
        for version in wanted:
            signature = await asyncio.to_thread(signature_of, found[version])
            served = model.served.get(version)
            known = model.refused.get(version, (None, ""))[0]
            if known != signature and (served is None or served.signature != signature):
                await self._replace(model, version, found, signature)
        ready = [version for version in sorted(model.served) if version in found]
        kept = ready[-self._settings.versions :]
        for version in [one for one in model.served if one not in kept and kept]:
            self._retire(model.served.pop(version))

    async def _replace(self, model: _Versions, version: int, found: dict[int, Path], signature: Signature) -> None:
        """Load a version beside the one that is there; what it replaces answers what it has begun."""
        load = functools.partial(self._load, model.source.name, version, found)
        try:
            loaded = await asyncio.to_thread(load)
        except EdgeMnistError as error:
            self._say_once(model, version, signature, error)
            return
        model.refused.pop(version, None)
        model.refused.pop(0, None)
        old = model.served.get(version)
        model.served[version] = loaded
        log.write("info", "model loaded", model=model.source.name, version=version, sha256=loaded.sha256)
        if old is not None:
            self._retire(old)

    def _say_once(self, model: _Versions, version: int, signature: Signature, error: Exception) -> None:
        why = str(error)
        if model.refused.get(version) == (signature, why):
            return
        model.refused[version] = signature, why
        self._metrics.loads.labels(model.source.name, "refused").inc()
        kept = ", ".join(str(one) for one in model.served) or "none"
        log.write("error", "model refused", model=model.source.name, version=version, error=why, still_served=kept)

    def _load(self, name: str, version: int, found: dict[int, Path]) -> ServedModel:
        path = found[version]
        signature = signature_of(path)
        loaded = load_served(name, version, path, signature, self._settings, self._metrics, self._timeout)
        self._metrics.loads.labels(name, "loaded").inc()
        return loaded

    def _retire(self, model: ServedModel) -> None:
        if model.told() not in [one.told() for one in self.served()]:
            self._metrics.models.remove(*model.told())
        task = asyncio.get_running_loop().create_task(_closed_when_unused(model))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)


async def _closed_when_unused(model: ServedModel) -> None:
    while model.leases:
        await asyncio.sleep(_LOOK_SECONDS)
    await asyncio.to_thread(model.close)
    log.write("info", "model retired", model=model.name, version=model.version, sha256=model.sha256)
