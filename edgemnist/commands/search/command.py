"""``edgemnist search`` and its worker, status, resume, export and plot."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from edgemnist.commands.examples import Example
from edgemnist.commands.help import HelpfulGroup
from edgemnist.commands.options import DEFAULT_WORK, Seed, Work, add_command
from edgemnist.commands.outcome import Outcome
from edgemnist.commands.sections import Section
from edgemnist.mcu import DEFAULT_BOARD

_DEFAULT = "run"
_STUDY = "edgemnist"


class _WithDefault(HelpfulGroup):
    """A group whose first command may be left out: ``edgemnist search --dataset D`` runs a search."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command's name where options stand right after the group's."""
        if args and args[0].startswith("-") and args[0] not in ctx.help_option_names:
            args = [_DEFAULT, *args]
        return super().parse_args(ctx, args)


@dataclass(frozen=True)
class StudyPlace:
    """Which study."""

    storage: Annotated[
        str | None,
        typer.Option(
            "--storage",
            metavar="FILE|URL",
            help="Where the study is: a journal file, postgresql://…, grpc://HOST:PORT. Default: in the work folder.",
        ),
    ] = None
    artifacts: Annotated[
        str | None,
        typer.Option(
            "--artifacts",
            metavar="FOLDER|URL",
            help="Results and models: a folder, s3://… . Default: the work folder's.",
        ),
    ] = None
    study: Annotated[str, typer.Option("--study", metavar="NAME", help="The study's name in its storage.")] = _STUDY
    work: Work = DEFAULT_WORK


@dataclass(frozen=True)
class LimitOptions:
    """The most that a net may cost on the first board."""

    max_instructions: Annotated[
        int | None, typer.Option("--max-instructions", min=1, help="Instructions of an inference, counted.")
    ] = None
    max_flash: Annotated[
        int | None, typer.Option("--max-flash", min=1, help="Bytes of the network's code and constants.")
    ] = None
    max_arena: Annotated[int | None, typer.Option("--max-arena", min=1, help="Bytes of its arena.")] = None
    max_ms: Annotated[
        float | None, typer.Option("--max-ms", metavar="MS", min=0.001, help="Milliseconds, estimated.")
    ] = None


Jobs = Annotated[int, typer.Option("--jobs", min=1, max=256, help="Workers on this machine.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    group = typer.Typer(
        cls=_WithDefault, no_args_is_help=True, help="Search the most accurate net within exact limits on a board."
    )
    add_command(
        group,
        search_run,
        _DEFAULT,
        examples=(
            Example(
                "edgemnist search run --dataset mnist --max-instructions 300000",
                "Within 300,000 instructions on a Cortex-M4.",
                needs="minutes of training",
            ),
            Example(
                "edgemnist search run --max-flash 10000 --max-arena 4000 --budget 8h",
                "Eight hours for the best net of 10 kB with 4 kB of RAM.",
                needs="minutes of training",
            ),
        ),
    )
    for command, name, examples in (
        (
            worker,
            "worker",
            Example("edgemnist search worker --storage study.journal", "One more, anywhere.", needs="a study"),
        ),
        (status, "status", Example("edgemnist search status", "How far the work folder's study is.", needs="a study")),
        (resume, "resume", Example("edgemnist search resume", "Go on after Ctrl-C.", needs="a study")),
        (
            export,
            "export",
            Example("edgemnist search export 1 --out found.toml", "For `train --arch`.", needs="a study"),
        ),
        (plot, "plot", Example("edgemnist search plot --kind front --dark", "Error against costs.", needs="a study")),
    ):
        add_command(group, command, name, examples=(examples,), draws=command is plot)
    app.add_typer(group, name="search", rich_help_panel=Section.DATA)


def search_run(
    *,
    dataset: Annotated[str, typer.Option(metavar="NAME|PATH", help="See `edgemnist data list`.")] = "mnist",
    image_size: Annotated[
        int | None, typer.Option("--image-size", min=4, max=224, help="Bring images to so many pixels a side.")
    ] = None,
    board: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help=f"Limits are of the first, others are counted too; default {DEFAULT_BOARD}."),
    ] = None,
    limits: LimitOptions,
    objectives: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,..",
            help="accuracy, and what shall be small: instructions, flash, arena, milliseconds. Default: accuracy where "
            "there is a limit, else accuracy,instructions.",
        ),
    ] = None,
    budget: Annotated[str, typer.Option(metavar="N|TIME", help="Nets to train on the first rung, or 8h, 30m.")] = "40",
    sampler: Annotated[str, typer.Option(help="tpe, nsga2, or random to compare with.")] = "tpe",
    population: Annotated[int, typer.Option(min=1, max=10_000, help="Nets drawn at a time.")] = 8,
    rungs: Annotated[
        str, typer.Option(metavar="N,..", help="Epochs on each rung; a quarter goes on to the next.")
    ] = "2,8",
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of the finalists.")] = 40,
    finalists: Annotated[int, typer.Option(min=1, max=100, help="Nets that are trained in full and tested.")] = 3,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Trainings of each of them.")] = 3,
    families: Annotated[
        str, typer.Option(metavar="NAME,..", help="Kinds of nets: plain, strided, separable, residual, bottleneck.")
    ] = "plain,strided,separable,residual,bottleneck",
    width: Annotated[str, typer.Option(metavar="MIN-MAX", help="Channels of a stage.")] = "4-48",
    optimise: Annotated[str, typer.Option(metavar="NAME,..", help="What nets are built for: speed, size.")] = "speed",
    teacher: Annotated[
        str, typer.Option(metavar="FILE|FOLDER", help="A trained net, or its work folder, that nets learn from, too.")
    ] = "",
    seed: Seed = 0,
    jobs: Jobs = 1,
    place: StudyPlace,
) -> Outcome:
    """Search architectures: exact costs before training, trainings in rungs, finalists on the test set."""
    from edgemnist.commands.search import asked, stage, view

    wanted = stage.Wanted(
        dataset=dataset,
        image_size=image_size,
        budget=budget,
        values=asked.values(
            boards=board, limits=limits, objectives=objectives, rungs=rungs, families=families, width=width,
            optimise=optimise, sampler=sampler, population=population, epochs=epochs, finalists=finalists, seeds=seeds,
            teacher=teacher, seed=seed,
        ),
    )  # fmt: skip
    settings = stage.settings_for(wanted)
    report = stage.search(settings, _place(place), jobs, place.work / stage.FOLDER, _going_on(place))
    return Outcome(report, lambda: view.show(report, _typed(place)))


def worker(
    *,
    parent: Annotated[int | None, typer.Option(hidden=True, help="End with this process.")] = None,
    place: StudyPlace,
) -> Outcome:
    """Try nets of a study until it is over; any number of workers may, on any machines."""
    from edgemnist.commands.search import stage
    from edgemnist.support.tables import print_text

    result = stage.run_worker(_place(place), parent)
    return Outcome(result, lambda: print_text(f"{result.items} items of the study {result.study} done here"))


def status(*, place: StudyPlace) -> Outcome:
    """Show how far a study is, and its best nets."""
    from edgemnist.commands.search import stage, view

    report = stage.status(_place(place))
    return Outcome(report, lambda: view.show(report, _typed(place)))


def resume(*, jobs: Jobs = 1, place: StudyPlace) -> Outcome:
    """Go on with a study to its end."""
    from edgemnist.commands.search import stage, view

    report = stage.resume(_place(place), jobs, place.work / stage.FOLDER, _going_on(place))
    return Outcome(report, lambda: view.show(report, _typed(place)))


def export(
    *,
    number: Annotated[
        int, typer.Argument(metavar="K", min=1, help="The net's number in `edgemnist search status`.")
    ] = 1,
    out: Annotated[Path | None, typer.Option(metavar="FILE.toml", help="Default: NET.toml here.")] = None,
    place: StudyPlace,
) -> Outcome:
    """Write a net's architecture as a file for `edgemnist train --arch FILE`."""
    from edgemnist.commands.search import exporting, stage
    from edgemnist.support.tables import print_text

    result = exporting.export(stage.status(_place(place)), number, out)
    return Outcome(result, lambda: print_text(*result.lines()))


def plot(
    *,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="The picture. Default: search-KIND.png here.")
    ] = None,
    kind: Annotated[
        str,
        typer.Option(
            help="front: error against each cost, with other nets; parallel: what was drawn, net by net; importance: "
            "what decides.",
        ),
    ] = "front",
    place: StudyPlace,
) -> Outcome:
    """Draw the nets of a study: error against costs, what was drawn, or what decides."""
    from edgemnist.commands.search import plotting, stage
    from edgemnist.support.tables import print_text

    path = out or Path(f"search-{kind}.png")
    plotting.check(path, kind)
    result = plotting.plot(stage.status(_place(place)), path, kind)
    return Outcome(result, lambda: print_text(f"{result.nets} nets: {result.path}"))


def _typed(place: StudyPlace) -> str:
    """Return what is typed to name the same study once more."""
    given = {"--storage": place.storage, "--artifacts": place.artifacts}
    given |= {"--study": place.study if place.study != _STUDY else None}
    given |= {"--work": str(place.work) if place.work != DEFAULT_WORK else None}
    return "".join(f" {option} {shlex.quote(value)}" for option, value in given.items() if value is not None)


def _going_on(place: StudyPlace) -> str:
    return f"edgemnist search resume{_typed(place)}"


def _place(place: StudyPlace) -> Any:
    from edgemnist.commands.search import stage

    return stage.place_of(place.work, place.storage, place.artifacts, place.study)
