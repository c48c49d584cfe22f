"""What a study looks like: its status at every width and as JSON, its pictures on both grounds; exports; refusals."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from edgemnist.commands.search import picture_front, picture_importance, picture_parallel, stage, view
from edgemnist.commands.search.report import StudyReport
from edgemnist.search.costs import ACCURACY, Limits
from edgemnist.search.importance import importances
from edgemnist.search.space import Space
from edgemnist.support.palette import DARK, LIGHT, drawn_dark
from edgemnist.training.architectures import find_architecture
from tests.commands.search.studies import write_study
from tests.commands.test_widths import check, shown
from tests.commands.typed import run
from tests.figures import foreign_colours, problems


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a work folder with a finished study, not to be changed."""
    return write_study(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def report(work: Path) -> StudyReport:
    return stage.status(stage.place_of(work, None, None, "edgemnist"))


def unfinished(report: StudyReport) -> StudyReport:
    """Return the report as it was before any finalist."""
    nets = [replace(one, tests=(), validations=(), exact=None, artefacts=()) for one in report.candidates]
    return replace(report, candidates=nets, finished=False, running=2, failed=["net-1: it diverged"] * 5)


def test_its_status_at_every_width(report: StudyReport, monkeypatch: pytest.MonkeyPatch) -> None:
    none = replace(report, candidates=[], settings=replace(report.settings, limits=Limits({"milliseconds": 0.25})))
    for one in (report, unfinished(report), none, replace(none, finished=False)):
        check(lambda one=one: view.show(one, " --work 'my study'"), monkeypatch)  # type: ignore[misc]
    text = shown(lambda: view.show(report), None, monkeypatch)

    assert "at most 600,000 instructions of an inference, counted; at most 20,000 bytes" in text
    assert "every byte on the emulated board is the oracle's" in text
    assert "`edgemnist search export 1 --out found.toml`, `edgemnist train --arch found.toml --dataset mnist`" in text
    assert "at most 0.25 milliseconds" in shown(lambda: view.show(none), None, monkeypatch)


def test_bytes_that_are_wrong_are_not_hidden(report: StudyReport, monkeypatch: pytest.MonkeyPatch) -> None:
    first, *others = report.candidates
    wrong = replace(report, candidates=[replace(first, exact=False), *others])
    assert "NOT every byte" in shown(lambda: view.show(wrong), 80, monkeypatch)


def test_its_json(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("search", "status", "--work", work, "--json") == 0
    document = json.loads(capsys.readouterr().out)

    assert {
        "study", "settings", "finished", "running", "candidates", "over_a_limit", "never_built", "failed", "optimism",
        "sums_of_blocks", "cpu_seconds",
    } <= set(document)  # fmt: skip
    assert {
        "name", "candidate", "rung", "optimise", "accuracy", "accuracy_on_first_rung", "params", "on_front", "costs",
        "test_accuracy", "test_accuracy_mean", "test_accuracy_deviation", "exact", "artefacts", "blueprint",
    } == set(document["candidates"][0])  # fmt: skip
    assert len(document["candidates"]) == 14


@pytest.mark.parametrize("dark", [False, True])
def test_the_front_lies_on_nothing(report: StudyReport, dark: bool) -> None:
    fashion = replace(
        report, settings=replace(report.settings, dataset="fashion-mnist", objectives=(ACCURACY, "milliseconds"))
    )
    for one, panels in ((report, 3), (fashion, 4)) if dark else ((unfinished(report), 3),):
        with drawn_dark(dark):
            figure = picture_front.figure_of(one)
        assert problems(figure) == []
        assert foreign_colours(figure, DARK if dark else LIGHT) == set()
        assert len(figure.axes) == panels
        assert len({axes.get_ylim() for axes in figure.axes}) == 1
        names = {text.get_text() for text in figure.axes[0].texts}
        assert ("11.0 kB" in names) is (one.settings.dataset == "mnist")
        assert "small" in names


def test_other_nets_stand_beside_nets_of_the_same_board_alone(report: StudyReport) -> None:
    costs = [replace(one, costs={"microbit": one.costs["mps2-an386"]}) for one in report.candidates]
    elsewhere = replace(
        report, candidates=costs, settings=replace(report.settings, boards=("microbit",), dataset="own")
    )
    figure = picture_front.figure_of(elsewhere)

    assert not {"tiny", "11.0 kB"} & {text.get_text() for axes in figure.axes for text in axes.texts}


@pytest.mark.parametrize("dark", [False, True])
def test_parallel_coordinates_lie_on_nothing(report: StudyReport, dark: bool) -> None:
    for one in (report, replace(report, candidates=report.candidates[:2]))[: 1 + dark]:
        with drawn_dark(dark):
            figure = picture_parallel.figure_of(one)
        assert problems(figure) == []


def test_importance_lies_on_nothing(report: StudyReport) -> None:
    with drawn_dark(True):
        figure = picture_importance.figure_of(report)
    assert problems(figure) == []
    assert foreign_colours(figure, DARK) == set()
    assert [axes.get_title() for axes in figure.axes] == ["for accuracy", "for instructions"]


def test_what_decides_is_found_and_what_does_not_is_told_from_it(report: StudyReport) -> None:
    params = [one.item.params for one in report.candidates]
    values = [float(one["first_kernel"] != 5) for one in params]
    found = {one.name: one for one in importances(Space(), params, values)}

    assert max(found, key=lambda name: found[name].value / found[name].chance) == "first_kernel"
    assert found["first_kernel"].value > 3 * found["first_kernel"].chance
    assert sum(one.value > one.chance for one in found.values()) < len(found) / 2


@pytest.mark.parametrize(("kind", "dark"), [("front", True)])
def test_plot(kind: str, dark: bool, work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "study.png"
    assert run("search", "plot", "--kind", kind, "--out", path, "--work", work, "--json", *["--dark"] * dark) == 0
    assert json.loads(capsys.readouterr().out) == {"path": str(path), "kind": kind, "nets": 14}
    with Image.open(path) as image:
        corner = image.convert("RGB").getpixel((2, 2))
    ground = (DARK if dark else LIGHT).paper
    assert corner == tuple(bytes.fromhex(ground[1:]))


def test_export(
    work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("search", "export", 2, "--work", work, "--json") == 0
    document = json.loads(capsys.readouterr().out)

    assert set(document) == {"path", "train", "net"}
    assert document["path"] == f"{document['net']['name']}.toml"
    blueprint = find_architecture(document["path"]).blueprint
    assert blueprint is not None
    assert blueprint.as_json() == document["net"]["blueprint"]
    assert run("search", "export", "--out", "found.toml", "--work", work) == 0
    assert "next: `edgemnist train --arch found.toml --dataset mnist`" in capsys.readouterr().out


NEW: dict[str, tuple[str, ...]] = {
    "budget 'many' is neither a number of nets nor a time; give such as 40, 8h or 30m": ("--budget", "many"),
    "budget 0 is too low; give 1 or more": ("--budget", "0", "--dataset", "DATA"),
    "a budget of 0.0 hours leaves no time": ("--budget", "0h", "--dataset", "DATA"),
    "the rungs 8, 2 are no rising epochs; give 1 to 6 numbers such as 2,8": ("--rungs", "8,2", "--dataset", "DATA"),
    "rungs '2,x' are no epochs; give whole numbers that rise": ("--rungs", "2,x"),
    "rungs '²' are no epochs": ("--rungs", "²"),
    "width '9' is no range; give the least and the most channels, such as 4-48": ("--width", "9"),
    "is out of range; give even channels from 2 to 256, the least first": ("--width", "48-4"),
    "unknown family 'residul'; did you mean 'residual'?": ("--families", "plain,residul"),
    "'plain' is named more than once in 'plain,strided,plain'; name it once": ("--families", "plain,strided,plain"),
    "a space without families": ("--families", ","),
    "unknown goal of optimisation 'sped'; did you mean 'speed'?": ("--optimise", "sped"),
    "unknown objective 'flsh'; did you mean 'flash'?": ("--objectives", "accuracy,flsh", "--dataset", "DATA"),
    "name accuracy and, once each, what shall be small": ("--objectives", "flash", "--dataset", "DATA"),
    "unknown sampler 'tpee'; did you mean 'tpe'?": ("--sampler", "tpee", "--dataset", "DATA"),
    "unknown board 'microbitt'; did you mean 'microbit'?": ("--board", "microbitt"),
    "unknown dataset 'mnst'; did you mean 'mnist'?": ("--dataset", "mnst"),
    "there is no timing model for cortex-m55": ("--max-ms", "5", "--board", "mps3-an547"),
    "is no file and no work folder of a trained teacher; train one once with `edgemnist train": ("--teacher", "tiny"),
    "Invalid value for '--max-flash'": ("--max-flash", "0"),
    "Invalid value for '--max-ms'": ("--max-ms", "nan"),
    "No such command 'statu'": ("statu",),
}  # fmt: skip


@pytest.mark.parametrize("said", NEW)
def test_a_wrong_search_is_refused(
    said: str, strokes_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [str(strokes_file) if one == "DATA" else one for one in NEW[said]]
    where = () if options == ["statu"] else ("--work", tmp_path)
    assert run("search", *options, *where) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert said in error
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("export", 15), "has no net 15; give 1 to 14"),
        (("export", 0), "Invalid value for 'K'"),
        (("export", 1, "--out", "net.txt"), "'net.txt' is no name of an architecture's file; give one that ends with"),
        (("status", "--study", "other"), "has no study 'other', it has edgemnist"),
        (("plot", "--kind", "fron"), "unknown kind of picture 'fron'; did you mean 'front'?"),
        (("plot", "--out", "front.svg"), "'front.svg' is no name of a PNG"),
        (("resume", "--jobs", 0), "Invalid value for '--jobs'"),
    ],
)  # fmt: skip
def test_what_a_study_has_not_is_told(
    options: tuple[Any, ...], said: str, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("search", *options, "--work", work) == 2
    assert said in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("command", ["worker", "status", "resume", "export", "plot"])
def test_no_study_is_told(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("search", command, "--work", tmp_path) == 2
    error = capsys.readouterr().err
    assert f"there is no study at '{tmp_path}/search/study.journal'; begin one with `edgemnist search" in error
    assert not list(tmp_path.iterdir())


def test_too_few_nets_for_a_picture_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_study(tmp_path / "few", budget=3)
    assert run("search", "plot", "--kind", "importance", "--work", tmp_path / "few", "--out", tmp_path / "x.png") == 2
    assert "has trained 3 nets, which are too few to tell what decides: at least 12" in capsys.readouterr().err
    write_study(tmp_path / "none", budget=3, limits=Limits({"flash": 1}))
    for command in ("plot", "export"):
        assert run("search", command, "--work", tmp_path / "none") == 2
        assert "has trained no net yet" in capsys.readouterr().err
    write_study(tmp_path / "one", budget=1)
    assert run("search", "plot", "--kind", "parallel", "--work", tmp_path / "one", "--out", tmp_path / "x.png") == 2
    assert "has trained one net, which differs from no other" in capsys.readouterr().err
    assert run("search", "status", "--work", tmp_path / "none") == 0
    assert "no net within the limits was found" in capsys.readouterr().out
