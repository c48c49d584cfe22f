"""What a shell completes an option's value to: the names of the registry that the option takes one of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping


def completion_of(command: str, option: str) -> Callable[[str], list[str]] | None:
    """Return what completes the value of a command's option, both by their names in Python; None where nothing does."""
    names = _NAMES.get(f"{command} {option}") or _NAMES.get(option)
    return None if names is None else completing(names)


def completing(names: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    """Return what completes a value to one of ``names``, which are asked for only then."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in names() if name.startswith(incomplete)]

    return complete


def _datasets() -> Iterable[str]:
    from edgemnist.data.registry import KNOWN_DATASETS

    return (known.name for known in KNOWN_DATASETS)


def _architectures() -> Iterable[str]:
    from edgemnist.training.architectures import architectures

    return (row.name for row in architectures())


def _augmentations() -> Iterable[str]:
    from edgemnist.training.augment import AUGMENTATIONS

    return (kind.name for kind in AUGMENTATIONS)


def _boards() -> Iterable[str]:
    from edgemnist.mcu.boards import boards

    return boards()


def _runtimes() -> Iterable[str]:
    from edgemnist.runner.registry import runtimes

    return runtimes()


def _targets() -> Iterable[str]:
    from edgemnist.compiler.targets import ANY, TARGETS

    return (ANY, *TARGETS)


def _toolchains() -> Iterable[str]:
    from edgemnist.mcu.toolchain import TOOLCHAINS

    return ("auto", *TOOLCHAINS)


def _emulators() -> Iterable[str]:
    from edgemnist.mcu.emulators.base import emulators

    return ("auto", *emulators())


def _samplers() -> Iterable[str]:
    from edgemnist.search.settings import SAMPLERS

    return SAMPLERS


def _study_pictures() -> Iterable[str]:
    from edgemnist.search.settings import PICTURES

    return PICTURES


_NAMES: Mapping[str, Callable[[], Iterable[str]]] = {
    "dataset": _datasets,
    "arch": _architectures,
    "teacher": _architectures,
    "augmentation": _augmentations,
    "board": _boards,
    "runtime": _runtimes,
    "explain against": _runtimes,
    "run dataset": lambda: ("auto", *_datasets()),
    "shadow": _runtimes,
    "codegen target": _targets,
    "package target": _targets,
    "toolchain": _toolchains,
    "emulator": _emulators,
    "sampler": _samplers,
    "search_run teacher": tuple,
    "plot kind": _study_pictures,
}
