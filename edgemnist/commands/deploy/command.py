"""``edgemnist deploy``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgemnist.commands.examples import Example
from edgemnist.commands.feeding import Feeding
from edgemnist.commands.help import HelpfulGroup
from edgemnist.commands.options import DEFAULT_WORK, ImagesOf, Model, Work, add_command
from edgemnist.commands.outcome import Outcome
from edgemnist.commands.sections import Section
from edgemnist.pi.targets import TARGETS

_PI_EXAMPLES = (
    Example("edgemnist deploy pi", "The work folder's int8 model, as a bundle to copy to a Pi."),
    Example(
        "edgemnist deploy pi net.tflite --dataset photos --to pi@raspberrypi.local",
        "Install it over ssh, and compare every output there.",
        needs="a Raspberry Pi",
    ),
    Example(
        "edgemnist deploy pi --emulate bookworm-aarch64",
        "The same on an emulated system, see `edgemnist deploy emulator`.",
        needs="a network",
    ),
    Example(
        "edgemnist deploy pi --advise --against artifacts/model_float32.tflite",
        "Which model is the faster one on which Pi.",
        needs="a network",
    ),
)
_EMULATOR_EXAMPLES = (
    Example("edgemnist deploy emulator bookworm-aarch64", "64-bit Raspberry Pi OS 12.", needs="a network"),
)
_ANDROID_EXAMPLES = (
    Example(
        "edgemnist deploy android --package com.example.digits",
        "The work folder's int8 model, to edgemnist-android.",
    ),
    Example(
        "edgemnist deploy android net.tflite --dataset photos --out app",
        "Another model, and what it was trained on.",
    ),
)
_IOS_EXAMPLES = (
    Example("edgemnist deploy ios", "The work folder's int8 model, to edgemnist-ios."),
    Example(
        "edgemnist deploy ios net.tflite --dataset photos --out app",
        "Another model, and what it was trained on.",
    ),
)


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    commands = typer.Typer(cls=HelpfulGroup, no_args_is_help=True, help="Bring a model to a Raspberry Pi or a phone.")
    add_command(commands, pi, formerly="--model", examples=_PI_EXAMPLES)
    add_command(commands, emulator, examples=_EMULATOR_EXAMPLES)
    add_command(commands, android, formerly="--model", examples=_ANDROID_EXAMPLES)
    add_command(commands, ios, formerly="--model", examples=_IOS_EXAMPLES)
    app.add_typer(commands, name="deploy", rich_help_panel=Section.DEPLOY)


def pi(
    *,
    model: Model = None,
    out: Annotated[
        Path, typer.Option(metavar="PATH", help="The bundle: a folder, or a file that ends in .tar.gz.")
    ] = Path("edgemnist-pi.tar.gz"),
    dataset: ImagesOf = None,
    feeding: Feeding,
    images: Annotated[int, typer.Option(min=1, help="Golden vectors in the bundle: test images.")] = 100,
    wheels: Annotated[
        str | None, typer.Option(metavar="NAME", help="Put this system's wheels in, to install without network.")
    ] = None,
    interpreter: Annotated[str | None, typer.Option(help="Which of the target's interpreters.")] = None,
    emulate: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Replay the bundle on this system, emulated; repeatable.")
    ] = None,
    to: Annotated[
        str | None, typer.Option(metavar="USER@HOST", help="Install the bundle there over ssh and replay it.")
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="With --to: the system there. Default: what it says it is.")
    ] = None,
    python: Annotated[str, typer.Option(metavar="FILE", help="With --to: the Python there.")] = "python3",
    folder: Annotated[str, typer.Option(metavar="FOLDER", help="With --to: the folder there.")] = "edgemnist-pi",
    ssh_config: Annotated[Path | None, typer.Option(help="With --to: a configuration file for ssh.")] = None,
    advise: Annotated[
        bool, typer.Option("--advise", help="Make nothing: count the instructions on every emulated Pi.")
    ] = False,
    against: Annotated[
        list[Path] | None, typer.Option(help="With --advise: a further model, such as the float one; repeatable.")
    ] = None,
    work: Work = DEFAULT_WORK,
) -> Outcome:
    """Make a bundle that runs the model on a Raspberry Pi and proves there that the outputs are the same."""
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.commands.deploy.pi import BundleSettings, deploy_pi
    from edgemnist.commands.deploy.view import show_bundle
    from edgemnist.harness.images import ImageSettings
    from edgemnist.pi.remote import RemoteSettings
    from edgemnist.pi.ssh import connection

    if advise:
        return _advise(model, against or [], work)
    remote = None if to is None else RemoteSettings(connection(to, ssh_config), folder, target, python)
    settings = BundleSettings(
        model=model,
        out=out,
        images=ImageSettings(count=images, dataset=dataset),
        feeding=feeding.settings(),
        wheels=wheels,
        interpreter=interpreter,
        emulate=tuple(emulate or ()),
        remote=remote,
    )
    bundle = deploy_pi(settings, WorkFolder(work))
    return Outcome(bundle, lambda: show_bundle(bundle), bundle.raise_failed)


def _advise(model: Path | None, against: list[Path], work: Path) -> Outcome:
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.commands.deploy.advise import AdviseSettings, advise
    from edgemnist.commands.deploy.view import show_advice

    found = advise(AdviseSettings(model=model, against=tuple(against)), WorkFolder(work))
    return Outcome(found, lambda: show_advice(found))


def emulator(
    targets: Annotated[list[str], typer.Argument(metavar="NAME...", help=f"{', '.join(TARGETS)}.")],
) -> Outcome:
    """Download a Raspberry Pi's system (Debian packages and wheels), to be emulated here. Nothing is installed."""
    from edgemnist.commands.deploy.prepare import prepare_emulators
    from edgemnist.commands.deploy.view import show_emulators

    prepared = prepare_emulators(targets)
    return Outcome(prepared, lambda: show_emulators(prepared))


def android(
    *,
    model: Model = None,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="A new folder.")] = Path("edgemnist-android"),
    dataset: ImagesOf = None,
    feeding: Feeding,
    package: Annotated[str, typer.Option(help="The Kotlin package.")] = "com.example.classifier",
    work: Work = DEFAULT_WORK,
) -> Outcome:
    """Write the model with metadata and the Kotlin code that runs it with LiteRT."""
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.commands.deploy.phones import PhoneSettings, deploy_phone
    from edgemnist.commands.deploy.view import show_phone

    settings = PhoneSettings(
        system="android", model=model, out=out, dataset=dataset, feeding=feeding.settings(), package=package
    )
    written = deploy_phone(settings, WorkFolder(work))
    return Outcome(written, lambda: show_phone(written))


def ios(
    *,
    model: Model = None,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="A new folder.")] = Path("edgemnist-ios"),
    dataset: ImagesOf = None,
    feeding: Feeding,
    work: Work = DEFAULT_WORK,
) -> Outcome:
    """Write the model with metadata and the Swift code that runs it with LiteRT."""
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.commands.deploy.phones import PhoneSettings, deploy_phone
    from edgemnist.commands.deploy.view import show_phone

    settings = PhoneSettings(system="ios", model=model, out=out, dataset=dataset, feeding=feeding.settings())
    written = deploy_phone(settings, WorkFolder(work))
    return Outcome(written, lambda: show_phone(written))
