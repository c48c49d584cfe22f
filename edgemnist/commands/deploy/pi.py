"""``edgemnist deploy pi``: make a bundle for a Raspberry Pi."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.harness.feeding import FeedingSettings
from edgemnist.harness.images import ImageSettings
from edgemnist.harness.models import find_subject
from edgemnist.pi.bundle_archive import ARCHIVE_SUFFIX, archived, check_target_path, write_archive, write_folder
from edgemnist.pi.bundle_files import WHEELS, bundle_files
from edgemnist.pi.emulator import find_emulator
from edgemnist.pi.generated import with_generated
from edgemnist.pi.golden import Golden, golden_noise, golden_vectors
from edgemnist.pi.remote import RemoteSettings, ask_machine, install, require_target
from edgemnist.pi.replay import Replay, replay_emulated
from edgemnist.pi.targets import Target, find_target
from edgemnist.pi.wheels import wheelhouse
from edgemnist.support.errors import InputError
from edgemnist.tflite.kinds import keeps_something

DEFAULT_IMAGES = 100


@dataclass(frozen=True, kw_only=True)
class BundleSettings:
    """What to make. Without ``model`` it is of the work folder's preferred one.

    ``out``: a folder, or a file that ends in ``.tar.gz``. ``images``: what the golden vectors are made of. ``feeding``:
    what the user says of how the model is fed. ``wheels``: a target whose wheels go into the bundle; ``interpreter``:
    which, for a target that can have several. ``emulate``: targets on which the bundle's replay is run, emulated.
    ``remote``: a machine that it is installed and replayed on; the bundle then has that machine's wheels.
    """

    out: Path
    model: Path | None = None
    images: ImageSettings = field(default_factory=lambda: ImageSettings(count=DEFAULT_IMAGES))
    feeding: FeedingSettings = field(default_factory=FeedingSettings)
    wheels: str | None = None
    interpreter: str | None = None
    emulate: tuple[str, ...] = ()
    remote: RemoteSettings | None = None


@dataclass(frozen=True)
class Bundle:
    """A bundle that was written: ``bytes`` is its size on disk, ``wheel_bytes`` that of the wheels in it (unpacked)."""

    path: Path
    bytes: int
    model_bytes: int
    wheel_bytes: int
    images: int
    expected: tuple[str, ...]
    notes: tuple[str, ...]
    replays: tuple[Replay, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the bundle as JSON values."""
        return {**asdict(self), "path": str(self.path)}

    def raise_failed(self) -> None:
        """Raise if a replay found other outputs.

        :raises GateFailedError: says where, and by how much they differ.
        """
        for one in self.replays:
            one.raise_failed()


def deploy_pi(settings: BundleSettings, work: WorkFolder) -> Bundle:
    """Make a bundle, and run its replay on every emulated target and on the remote machine that are asked for.

    :raises EdgeMnistError: as :func:`make_bundle`, :func:`edgemnist.pi.replay.replay_emulated` and
        :func:`edgemnist.pi.remote.install`; what can be known before the bundle is made is known before.
    """
    for name in settings.emulate:
        find_emulator(find_target(name))
    target = None
    if settings.remote is not None:
        target = require_target(ask_machine(settings.remote), settings.remote)
        if settings.wheels not in (None, target.name):
            raise InputError(f"{settings.remote.connection.destination} is {target.name}: leave --wheels out")
        settings = replace(settings, wheels=target.name)
    bundle = make_bundle(settings, work)
    replays = [replay_emulated(bundle.path, name, package=settings.interpreter) for name in settings.emulate]
    if settings.remote is not None and target is not None:
        package = target.interpreter(settings.interpreter).package
        with archived(bundle.path) as archive:
            replays.append(install(archive, settings.remote, target, package))
    return replace(bundle, replays=tuple(replays))


def make_bundle(settings: BundleSettings, work: WorkFolder) -> Bundle:
    """Write a bundle and return what was written.

    :raises InputError: wrong model, dataset, target, or a folder that holds something else.
    :raises EnvironmentFailure: no interpreter to make golden vectors with, or the wheels can't be fetched.
    """
    check_target_path(settings.out)
    target = find_target(settings.wheels) if settings.wheels else None
    if settings.interpreter and target is None and not settings.emulate:
        raise InputError("--interpreter chooses among a target's; name the target with --wheels, --emulate or --to")
    golden, generated = with_generated(_golden(settings, work))
    files = bundle_files(golden, generated)
    wheels = {} if target is None else _wheels(target, settings.interpreter, golden)
    as_archive = settings.out.name.endswith(ARCHIVE_SUFFIX)
    path = (write_archive if as_archive else write_folder)(settings.out, {**files, **wheels})
    size = path.stat().st_size if as_archive else sum(len(content) for content in (*files.values(), *wheels.values()))
    return Bundle(
        path=path,
        bytes=size,
        model_bytes=len(files["model.tflite"]),
        wheel_bytes=sum(map(len, wheels.values())),
        images=len(golden),
        expected=tuple(f"{one.as_json()['from']}: {one.required}" for one in golden.expected),
        notes=golden.notes,
    )


def _golden(settings: BundleSettings, work: WorkFolder) -> Golden:
    """Return images for a classifier, noise for a network that nobody says anything of.

    :raises InputError: something is said of the images of a network with several inputs or outputs.
    """
    subject = find_subject(settings.model, work, output=settings.feeding.output, any_ends=True)
    model, said = subject.tflite, settings.feeding.given() - {"output"}
    ends = len(model.inputs), len(model.outputs)
    if ends != (1, 1) and (said or settings.images.dataset is not None):
        choose = "name the output with the classes with --output, or " if ends[0] == 1 else ""
        raise InputError(
            f"the model has {ends[0]} inputs and {ends[1]} outputs, and is replayed with noise; {choose}leave out "
            "--dataset and how pictures are fed"
        )
    told = said or settings.images.dataset is not None or subject.context is not None
    if ends != (1, 1) or (keeps_something(model) and not told):
        return golden_noise(subject, settings.images.count or DEFAULT_IMAGES)
    return golden_vectors(subject, settings.images, settings.feeding)


def _wheels(target: Target, package: str | None, golden: Golden) -> dict[str, bytes]:
    """Return the wheels for a target, after making sure that a replay there can prove something."""
    interpreter = target.interpreter(package)
    if interpreter.package not in {one.package for one in golden.expected}:
        raise InputError(
            f"{target.name} gets {interpreter.package}, of which there are no expected bytes here: "
            + "; ".join(golden.notes)
        )
    folder = wheelhouse(target, interpreter)
    return {f"{WHEELS}/{file.name}": file.read_bytes() for file in sorted(folder.iterdir()) if file.is_file()}
