"""The commands that make a report's models and figures again.

A report goes to others: of folders above the current one it tells nothing.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from edgemnist.artifacts.folder import StageRecord, WorkFolder

_TRAIN_FLAGS = {
    "dataset": "--dataset", "arch": "--arch", "epochs": "--epochs", "seed": "--seed", "batch": "--batch",
    "learning_rate": "--learning-rate",
}  # fmt: skip
_PRUNE_FLAGS = {"sparsity": "--sparsity", "epochs": "--epochs", "seed": "--seed", "learning_rate": "--learning-rate"}
_QAT_FLAGS = {"epochs": "--epochs", "seed": "--seed", "learning_rate": "--learning-rate"}
_RUN_FLAGS = {
    "dataset": "--dataset", "arch": "--arch", "preset": "--preset", "seed": "--seed", "epochs": "--epochs",
    "sparsity": "--sparsity", "image_size": "--image-size",
}  # fmt: skip

UNRECORDED = (
    "manifest.json in the work folder has every setting and version; the times and resident memory are of this machine "
    "and this moment, and training on another processor or with other versions may round otherwise"
)


def commands_for(work: WorkFolder | None, models: tuple[Path, ...], report: str) -> tuple[str, ...]:
    """Return the commands in their order; ``report`` is the one that made the report itself."""
    if work is None:
        files = " ".join(_shown(path) for path in models)
        return f"sha256sum {files}", report
    return (*_making(work), report)


def _making(work: WorkFolder) -> Iterator[str]:
    records = work.stages()
    place = f" --work {_shown(work.root)}"
    if _made_by_run(records):
        settings = records["run"].settings
        skip = " --skip-unreadable" if settings.get("skip_unreadable") else ""
        yield f"edgemnist run{_options(_RUN_FLAGS, settings)}{skip}{place}"
        return
    for stage, flags in (("train", _TRAIN_FLAGS), ("prune", _PRUNE_FLAGS), ("qat", _QAT_FLAGS)):
        if stage in records:
            yield f"edgemnist {stage}{_options(flags, records[stage].settings)}{place}"
    if "convert" in records:
        yield _conversion(records["convert"], place)


def _made_by_run(records: Mapping[str, StageRecord]) -> bool:
    """Whether the training on record is the one of the main job on record, and not a later one."""
    run, train = records.get("run"), records.get("train")
    if run is None or train is None:
        return False
    rows = [row for row in run.results.get("stages", ()) if row["stage"] == "train"]
    return bool(rows) and rows[0]["accuracy"] == train.results.get("accuracy")


def _conversion(record: StageRecord, place: str) -> str:
    modes = "".join(f" --{mode}" for mode in record.settings.get("modes", ()))
    seed = f" --seed {record.settings['seed']}" if record.settings.get("seed") else ""
    if record.settings.get("source_named"):
        source = _shown(record.settings["source"])
        dataset = record.settings.get("dataset")
        named = f" --dataset {_shown(dataset)}" if dataset else ""
        return f"edgemnist convert {source}{modes}{named}{seed} --out{place.removeprefix(' --work')}"
    return f"edgemnist convert{modes}{seed}{place}"


def _options(flags: Mapping[str, str], settings: Mapping[str, Any]) -> str:
    given = {flag: settings[name] for name, flag in flags.items() if settings.get(name) is not None}
    return "".join(f" {flag} {_shown(value)}" for flag, value in given.items())


def _shown(value: object) -> str:
    """Return a value as a command line has it; an absolute path from the current folder on, or else its last part."""
    path = Path(str(value))
    if path.is_absolute():
        here = Path.cwd()
        return shlex.quote(str(path.relative_to(here)) if path.is_relative_to(here) else path.name)
    return shlex.quote(str(value))


def report_command(models: Sequence[Path], **options: str | float | bool | Path | list[Any] | None) -> str:
    """Return the command line that makes the same report; what was not given (None) is left out."""
    parts = ["edgemnist", "report", *map(_shown, models)]
    for name, value in options.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            parts.append(f"--{flag}" if value else f"--no-{flag}")
        elif value is not None:
            parts += [
                part for one in (value if isinstance(value, list) else [value]) for part in (f"--{flag}", _shown(one))
            ]
    return " ".join(parts)
