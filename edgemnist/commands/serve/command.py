"""``edgemnist serve``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgemnist.commands.examples import Example
from edgemnist.commands.feeding import Feeding
from edgemnist.commands.options import DEFAULT_WORK, Work, add_command
from edgemnist.commands.outcome import Outcome
from edgemnist.commands.sections import Section

if TYPE_CHECKING:
    from edgemnist.http.settings import AccessSettings, Limits


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    add_command(
        app,
        serve,
        section=Section.DEPLOY,
        short="Answer HTTP requests with models.",
        examples=(
            Example(
                "edgemnist serve",
                "The work folder's int8 model, at http://127.0.0.1:8000.",
                needs="somebody who ends it",
            ),
            Example(
                "edgemnist serve digits=net.tflite --port 8080 --shadow litert-default",
                "Another model by a name, compared with a second runtime.",
                needs="somebody who ends it",
            ),
        ),
    )


@dataclass(frozen=True)
class Bounds:
    """What a request may take."""

    concurrency: Annotated[int, typer.Option(help="Requests that are answered at a time; more get 503.")] = 512
    time_limit: Annotated[float, typer.Option(metavar="SECONDS", help="From a request's head to its answer.")] = 30.0
    head_limit: Annotated[float, typer.Option(metavar="SECONDS", help="For a request's head, and for its body.")] = 10.0
    body_limit: Annotated[float, typer.Option(metavar="MIB", help="The most that a request's body may have.")] = 16.0
    pixel_limit: Annotated[
        float,
        typer.Option(metavar="MEGAPIXELS", help="The most that a picture may have; of more only the header is read."),
    ] = 16.0
    grace: Annotated[
        float, typer.Option(metavar="SECONDS", help="How long others are let in after SIGTERM, while it is not ready.")
    ] = 1.0

    def limits(self) -> Limits:
        """Return what the options come to."""
        from edgemnist.http.settings import Limits

        return Limits(
            body_bytes=int(self.body_limit * (1 << 20)), pixels=int(self.pixel_limit * 1_000_000),
            concurrency=self.concurrency, seconds=self.time_limit, body_seconds=self.head_limit,
            head_seconds=self.head_limit, grace=self.grace,
        )  # fmt: skip


@dataclass(frozen=True)
class Access:
    """Who is let in."""

    api_key_file: Annotated[
        Path | None, typer.Option(help="A file of keys, one a line; requests need one. Default: $EDGEMNIST_API_KEY.")
    ] = None
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(help="A name by which it may be asked, or `any`. Default: this machine's own on loopback."),
    ] = None
    cors_origin: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="An origin whose pages may ask, as https://example.org. Default: none."),
    ] = None

    def settings(self, host: str) -> AccessSettings:
        """Return what the options come to for a server on a host."""
        from edgemnist.http.settings import LOOPBACK, AccessSettings, keys_from
        from edgemnist.support.environment import API_KEY

        own = LOOPBACK if host in LOOPBACK else None
        named = tuple(name.lower() for name in self.allowed_host or ())
        hosts = None if "any" in named else named or own
        keys = keys_from(self.api_key_file, API_KEY.text())
        return AccessSettings(keys=keys, hosts=hosts, origins=tuple(self.cors_origin or ()))


def serve(
    *,
    models: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME=]MODEL...", help="Model files, or folders of versions. Default: --work's."),
    ] = None,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen at; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen at; 0 takes a free one.")] = 8000,
    runtime: Annotated[str | None, typer.Option(help="A runtime of `edgemnist doctor`. Default: the first.")] = None,
    shadow: Annotated[
        str | None, typer.Option(metavar="NAME", help="Another runtime that gets the same and is compared.")
    ] = None,
    versions: Annotated[int, typer.Option(help="How many of a model's newest versions are served.")] = 1,
    poll: Annotated[float, typer.Option(metavar="SECONDS", help="Between looks at the files; 0 never looks.")] = 2.0,
    dataset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH", help="For a MODEL from elsewhere: what it was trained on. Default: mnist if it fits."
        ),
    ] = None,
    bounds: Bounds,
    access: Access,
    feeding: Feeding,
    work: Work = DEFAULT_WORK,
) -> Outcome:
    """Answer HTTP requests with models: pictures, TensorFlow Serving's REST, the Open Inference Protocol."""
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.commands.serve import stage, view

    stage.check_installed()
    from edgemnist.serving.settings import ModelSettings

    settings = stage.ServeSettings(
        models=tuple(models or ()),
        host=host,
        port=port,
        opening=ModelSettings(
            runtime=runtime, shadow=shadow, versions=versions, poll=poll, feeding=feeding.settings(), dataset=dataset
        ),
        limits=bounds.limits(),
        access=access.settings(host),
    )
    server = stage.open_server(settings, WorkFolder(work))
    return Outcome(server, lambda: view.show(server), running=server.run)
