"""``edgemnist deploy``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgemnist.commands.options import add_command
from edgemnist.commands.outcome import Outcome
from edgemnist.pi.targets import TARGETS


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    commands = typer.Typer(no_args_is_help=True, help="Bring a model to a Raspberry Pi or a phone.")
    add_command(commands, pi)
    add_command(commands, emulator)
    add_command(commands, android)
    add_command(commands, ios)
    app.add_typer(commands, name="deploy")


def pi(
    model: Annotated[Path, typer.Option(help="The .tflite model.")],
    out: Annotated[Path, typer.Option(help="The bundle: a folder, or a file that ends in .tar.gz.")] = Path(
        "edgemnist-pi.tar.gz"
    ),
    dataset: Annotated[
        str | None, typer.Option(help="Dataset. Default: the one the model was trained on, else mnist.")
    ] = None,
    images: Annotated[int, typer.Option(min=1, help="Golden vectors in the bundle: test images.")] = 100,
    wheels: Annotated[
        str | None, typer.Option(metavar="TARGET", help="Put this system's wheels in, to install without network.")
    ] = None,
    interpreter: Annotated[str | None, typer.Option(help="Which of the target's interpreters.")] = None,
    emulate: Annotated[
        list[str] | None, typer.Option(metavar="TARGET", help="Replay the bundle on this system, emulated; repeatable.")
    ] = None,
    to: Annotated[
        str | None, typer.Option(metavar="USER@HOST", help="Install the bundle there over ssh and replay it.")
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="With --to: the system there. Default: what it says it is.")
    ] = None,
    python: Annotated[str, typer.Option(help="With --to: the Python there.")] = "python3",
    folder: Annotated[str, typer.Option(help="With --to: the folder there.")] = "edgemnist-pi",
    ssh_config: Annotated[Path | None, typer.Option(help="With --to: a configuration file for ssh.")] = None,
    advise: Annotated[
        bool, typer.Option("--advise", help="Make nothing: count the instructions on every emulated Pi.")
    ] = False,
    against: Annotated[
        list[Path] | None, typer.Option(help="With --advise: a further model, such as the float one; repeatable.")
    ] = None,
) -> Outcome:
    """Make a bundle that runs the model on a Raspberry Pi and proves there that the outputs are the same."""
    from edgemnist.commands.deploy.pi import BundleOptions, deploy_pi
    from edgemnist.commands.deploy.view import show_bundle
    from edgemnist.pi.remote import RemoteOptions
    from edgemnist.pi.ssh import connection

    if advise:
        return _advise([model, *(against or ())])
    remote = None if to is None else RemoteOptions(connection(to, ssh_config), folder, target, python)
    options = BundleOptions(model, out, dataset, images, wheels, interpreter, tuple(emulate or ()), remote)
    bundle = deploy_pi(options)
    return Outcome(bundle, lambda: show_bundle(bundle), bundle.raise_failed)


def _advise(models: list[Path]) -> Outcome:
    from edgemnist.commands.deploy.advise import advise
    from edgemnist.commands.deploy.view import show_advice

    found = advise(models)
    return Outcome(found, lambda: show_advice(found))


def emulator(
    targets: Annotated[list[str], typer.Argument(metavar="TARGET...", help=f"{', '.join(TARGETS)}.")],
) -> Outcome:
    """Download a Raspberry Pi's system (Debian packages and wheels), to be emulated here. Nothing is installed."""
    from edgemnist.commands.deploy.prepare import prepare_emulators
    from edgemnist.commands.deploy.view import show_emulators

    prepared = prepare_emulators(targets)
    return Outcome(prepared, lambda: show_emulators(prepared))


def android(
    model: Annotated[Path, typer.Option(help="The .tflite model.")],
    out: Annotated[Path, typer.Option(help="A new folder.")] = Path("edgemnist-android"),
    dataset: Annotated[
        str | None, typer.Option(help="Dataset. Default: the one the model was trained on, else mnist.")
    ] = None,
    package: Annotated[str, typer.Option(help="The Kotlin package.")] = "com.example.classifier",
) -> Outcome:
    """Write the model with metadata and the Kotlin code that runs it with LiteRT."""
    from edgemnist.commands.deploy.phones import deploy_phone
    from edgemnist.commands.deploy.view import show_phone

    written = deploy_phone("android", model, out, dataset=dataset, package=package)
    return Outcome(written, lambda: show_phone(written))


def ios(
    model: Annotated[Path, typer.Option(help="The .tflite model.")],
    out: Annotated[Path, typer.Option(help="A new folder.")] = Path("edgemnist-ios"),
    dataset: Annotated[
        str | None, typer.Option(help="Dataset. Default: the one the model was trained on, else mnist.")
    ] = None,
) -> Outcome:
    """Write the model with metadata and the Swift code that runs it with LiteRT."""
    from edgemnist.commands.deploy.phones import deploy_phone
    from edgemnist.commands.deploy.view import show_phone

    written = deploy_phone("ios", model, out, dataset=dataset)
    return Outcome(written, lambda: show_phone(written))
