"""Every command takes the same model from the same work folder, and refuses in the same words where there is none."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgemnist import cli
from edgemnist.artifacts.folder import QAT_MODEL, TRAINED_MODEL, WorkFolder, digests_of
from edgemnist.harness.feeding import FeedingSettings
from edgemnist.harness.models import ANY_TFLITE, ONLY_INT8, find_model, find_subject, model_file
from edgemnist.harness.recognised import recognised
from edgemnist.support.errors import InputError, StageOrderError
from edgemnist.support.files import sha256_of
from edgemnist.tflite.kinds import ModelKind
from tests.oracles import needs

pytestmark = needs("keras", "tflm", "tflite-runtime-default", "litert-default")

INT8, FLOAT32, FLOAT16 = ModelKind.INT8, ModelKind.FLOAT32, ModelKind.FLOAT16
DYNAMIC, INT16X8 = ModelKind.DYNAMIC, ModelKind.INT16X8

QUICK = ["--runtime", "tflite-runtime-default"]


@dataclass(frozen=True)
class Situation:
    """What a trained work folder's record says was converted, and which of those files is gone.

    ``taken``: the model of a command that takes every kind, None for a refusal; ``why`` is what refusals say, and
    ``remedy`` the modes that they convert to. Commands for int8 alone refuse as well where ``taken`` is no int8 model.
    """

    converted: tuple[ModelKind, ...]
    taken: ModelKind | None
    why: str = ""
    remedy: str = "--int8"
    gone: ModelKind | None = None


SITUATIONS = {
    "only int8": Situation((INT8,), INT8),
    "float32 and int8": Situation((FLOAT32, INT8), INT8),
    "float32 and dynamic": Situation(
        (FLOAT32, DYNAMIC),
        FLOAT32,
        "all that has been converted there is 'model_float32.tflite' (float32) and 'model_dynamic.tflite' (dynamic)",
    ),
    "only float16": Situation(
        (FLOAT16,), FLOAT16, "all that has been converted there is 'model_float16.tflite' (float16)"
    ),
    "nothing": Situation((), None, "nothing has been converted there"),
    "int8 is gone": Situation(
        (FLOAT32, INT8), None, "'model_int8.tflite', which was converted there, is gone", gone=INT8
    ),
    "float16 is gone": Situation(
        (FLOAT16,), None, "'model_float16.tflite', which was converted there, is gone", "--float16", gone=FLOAT16
    ),
}


@dataclass(frozen=True)
class Command:
    """A command: what it is given, and the SHA-256 of the models that it took, from its JSON and its folder ``out``."""

    arguments: tuple[str, ...]
    took: Callable[[dict[str, Any], Path], Sequence[str]]
    only_int8: bool = False


def _named(answer: dict[str, Any], key: str) -> list[str]:
    return [sha256_of(Path(answer[key]))]


COMMANDS = {
    "predict": Command(("predict", "IMAGE"), lambda answer, _: _named(answer, "model")),
    "evaluate": Command(("evaluate", "--images", "20", *QUICK), lambda answer, _: [answer["model"]["sha256"]]),
    "parity": Command(
        ("parity", "--images", "10", *QUICK), lambda answer, _: [model["sha256"] for model in answer["models"]]
    ),
    "robustness": Command(
        ("robustness", "--images", "10", "--corruption", "rotation", "--severity", "2", "--out", "OUT"),
        lambda answer, _: [model["sha256"] for model in answer["models"]],
    ),
    "inspect": Command(("inspect",), lambda answer, _: _named(answer, "file")),
    "codegen": Command(("codegen", "--out", "OUT"), lambda answer, _: [answer["source_sha256"]], only_int8=True),
    "firmware build": Command(
        ("firmware", "build", "--out", "OUT"), lambda answer, _: [answer["model_sha256"]], only_int8=True
    ),
    "firmware package": Command(
        ("firmware", "package", "--for", "cmake", "--out", "OUT/x.zip"), lambda answer, _: [], only_int8=True
    ),
    "deploy pi": Command(
        ("deploy", "pi", "--images", "10", "--out", "OUT"), lambda _, out: [sha256_of(out / "model.tflite")]
    ),
}


def work_of(situation: Situation, every_kind: WorkFolder, root: Path) -> WorkFolder:
    """Return a work folder in which the net was trained and that has been converted; the files are real."""
    work = WorkFolder(root)
    root.mkdir()
    trained = Path(shutil.copy(every_kind.path(TRAINED_MODEL), root))
    record = every_kind.require("train", needed_by="the test")
    work.record("train", settings=record.settings, results=record.results, outputs=[trained])
    converted = [Path(shutil.copy(every_kind.path(model_file(kind)), root)) for kind in situation.converted]
    if converted:
        record = every_kind.require("convert", needed_by="the test")
        work.record("convert", settings=record.settings, results={}, inputs=digests_of([trained]), outputs=converted)
    if situation.gone is not None:
        work.path(model_file(situation.gone)).unlink()
    return work


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Return a picture of nothing."""
    path = tmp_path / "grey.png"
    Image.fromarray(np.full((28, 28), 90, dtype=np.uint8)).save(path)
    return path


def refusal(situation: Situation, work: WorkFolder, *, only_int8: bool) -> str:
    """Return the one wording."""
    what = "int8" if only_int8 else "converted"
    return (
        f"edgemnist: there is no {what} model to take from {str(work.root)!r}: {situation.why}; "
        f"name a model file, or run `edgemnist convert {situation.remedy} --work {work.root}` first\n"
    )


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("case", SITUATIONS)
def test_every_command_takes_the_same_model_or_refuses_in_the_same_words(
    case: str, name: str, every_kind: WorkFolder, image: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    situation, command, out = SITUATIONS[case], COMMANDS[name], tmp_path / "out"
    work = work_of(situation, every_kind, tmp_path / "work")
    before = {path: path.stat().st_mtime_ns for path in work.root.iterdir()}
    arguments = [part.replace("IMAGE", str(image)).replace("OUT", str(out)) for part in command.arguments]
    taken = situation.taken if situation.taken in ONLY_INT8 or not command.only_int8 else None

    code = cli.run([*arguments, "--work", str(work.root), "--json"])

    printed, err = capsys.readouterr()
    if taken is None:
        assert (code, json.loads(printed)["error"]["kind"]) == (2, "stage_order")
        assert err == refusal(situation, work, only_int8=command.only_int8)
        assert {path: path.stat().st_mtime_ns for path in work.root.iterdir()} == before
        return
    assert code == 0, err
    took = command.took(json.loads(printed), out)
    files = {sha256_of(path): path.name for path in work.root.iterdir()}
    wanted = {
        "parity": [TRAINED_MODEL, *map(model_file, situation.converted)],
        "robustness": robustness_models(situation.converted),
        "firmware package": [],
    }.get(name, [model_file(taken)])
    assert [files[digest] for digest in took] == wanted
    assert model_file(taken) in wanted or name == "firmware package"


def robustness_models(converted: Sequence[ModelKind]) -> list[str]:
    """Return the float reference, which is the Keras model where there is no float32, and what is compared with it."""
    reference = model_file(FLOAT32) if FLOAT32 in converted else TRAINED_MODEL
    return [reference, *(model_file(kind) for kind in converted if kind is not FLOAT32)]


def mended(err: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Run the command that a refusal names."""
    for command in err.split("`")[1].split(" && "):
        program, *arguments = shlex.split(command)
        assert program == "edgemnist"
        assert cli.run(arguments) == 0, capsys.readouterr().err


@pytest.mark.parametrize(
    ("case", "name"), [("nothing", "inspect"), ("int8 is gone", "inspect"), ("only float16", "codegen")]
)
def test_the_remedy_mends_it(
    case: str, name: str, every_kind: WorkFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = work_of(SITUATIONS[case], every_kind, tmp_path / "a folder's name")
    assert cli.run([name, "--work", str(work.root)]) == 2
    mended(capsys.readouterr().err, capsys)
    assert cli.run([name, "--work", str(work.root)]) == 0


@pytest.mark.parametrize("broken", ["gone", "changed"])
def test_the_remedy_for_a_model_from_elsewhere_names_it(
    broken: str, every_kind: WorkFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = tmp_path / "my net.keras", tmp_path / "out"
    shutil.copy(every_kind.path(TRAINED_MODEL), source)
    arguments = ["--float32", "--dataset", "mnist", "--no-c-array", "--out", str(out)]
    assert cli.run(["convert", str(source), *arguments]) == 0
    if broken == "gone":
        (out / "model_float32.tflite").unlink()
    else:
        # Keras reads a zip file with a comment at its end as before.
        content = bytearray(source.read_bytes())
        content[-2:] = len(b"trained again").to_bytes(2, "little")
        source.write_bytes(bytes(content) + b"trained again")

    capsys.readouterr()
    assert cli.run(["inspect", "--work", str(out)]) == 2

    err = capsys.readouterr().err
    assert f"`edgemnist convert '{source}' --float32 --dataset mnist --out {out}` first" in err
    mended(err, capsys)
    assert cli.run(["inspect", "--work", str(out)]) == 0


def test_a_model_from_elsewhere_that_is_gone_is_not_trained_anew(every_kind: WorkFolder, tmp_path: Path) -> None:
    """Neither is a dataset made up that nobody has named."""
    source, out = tmp_path / "net.keras", WorkFolder(tmp_path / "out")
    shutil.copy(every_kind.path(TRAINED_MODEL), source)
    assert cli.run(["convert", str(source), "--float32", "--no-c-array", "--out", str(out.root)]) == 0
    with pytest.raises(StageOrderError, match=f"`edgemnist convert {source} --int8 --dataset NAME --out {out.root}`"):
        find_subject(None, out, ONLY_INT8)
    source.unlink()
    with pytest.raises(
        StageOrderError, match=f"`edgemnist convert MODEL.keras --int8 --dataset NAME --out {out.root}`"
    ):
        find_subject(None, out, ONLY_INT8)


def test_an_untrained_folder_is_trained_first(tmp_path: Path) -> None:
    both = f"run `edgemnist train --work {tmp_path} && edgemnist convert --int8 --work {tmp_path}` first"
    with pytest.raises(StageOrderError, match=both):
        find_subject(None, WorkFolder(tmp_path))


@pytest.mark.parametrize("stage", ["train", "qat"])
def test_models_older_than_the_training_are_refused(stage: str, every_kind: WorkFolder, tmp_path: Path) -> None:
    """What was trained for int8 cannot become every kind, so the remedy leaves those out."""
    work = work_of(Situation((FLOAT32, DYNAMIC, INT8), None), every_kind, tmp_path / "work")
    settings = work.require("train", needed_by="the test").settings
    path = work.path(TRAINED_MODEL if stage == "train" else QAT_MODEL)
    path.write_bytes(work.path(TRAINED_MODEL).read_bytes() + b"more")
    inputs = [] if stage == "train" else [work.path(TRAINED_MODEL)]
    work.record(stage, settings=settings, results={}, inputs=digests_of(inputs), outputs=[path])

    modes = "--int8 --float32 --dynamic" if stage == "train" else "--int8 --float32"
    says = f"its models were not made from the newest '{path.name}'; .*convert {modes} --work {work.root}` first"
    for kinds in (ANY_TFLITE, ONLY_INT8):
        with pytest.raises(StageOrderError, match=says):
            find_subject(None, work, kinds)


def test_an_older_model_may_be_converted_by_its_name(
    every_kind: WorkFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = work_of(Situation((), None), every_kind, tmp_path / "work")
    trained, aware = work.path(TRAINED_MODEL), work.path(QAT_MODEL)
    aware.write_bytes(b"newer")
    settings = work.require("train", needed_by="the test").settings
    work.record("qat", settings=settings, results={}, inputs=digests_of([trained]), outputs=[aware])
    assert cli.run(["convert", str(trained), "--float16", "--dataset", "mnist", "--work", str(work.root)]) == 0
    assert find_subject(None, work).kind is FLOAT16
    work.path(model_file(FLOAT16)).unlink()
    command = f"`edgemnist convert {trained} --float16 --dataset mnist --out {work.root}` first"
    with pytest.raises(StageOrderError, match=command):
        find_subject(None, work)


@pytest.mark.parametrize("best", range(len(ANY_TFLITE)))
def test_the_order_of_preference(best: int, every_kind: WorkFolder, tmp_path: Path) -> None:
    """Whatever the order in which they were converted."""
    work = work_of(Situation(ANY_TFLITE[best:][::-1], None), every_kind, tmp_path / "work")
    found = find_subject(None, work)
    assert (found.kind, found.path.name) == (ANY_TFLITE[best], model_file(ANY_TFLITE[best]))
    assert find_model(None, work) == found.path
    assert found.context is not None and found.record is not None
    assert recognised(found, FeedingSettings(), "fashion-mnist")[0].dataset == "mnist", "a work folder knows its own"


def test_of_two_files_of_one_kind_the_one_that_is_called_so(every_kind: WorkFolder, tmp_path: Path) -> None:
    """A net with small layers comes out of --dynamic as a float32 one."""
    work = work_of(Situation((DYNAMIC, FLOAT32), None), every_kind, tmp_path / "work")
    record = work.require("convert", needed_by="the test")
    shutil.copy(work.path(model_file(FLOAT32)), work.path(model_file(DYNAMIC)))
    with pytest.raises(StageOrderError, match="is not the one that was converted there"):
        find_model(None, work)
    outputs = [work.path(name) for name in record.outputs]
    inputs = digests_of([work.path(TRAINED_MODEL)])
    work.record("convert", settings=record.settings, results={}, inputs=inputs, outputs=outputs)
    assert find_model(None, work).name == model_file(FLOAT32)


def test_a_named_model_needs_no_work_folder(every_kind: WorkFolder, real_models: Path, tmp_path: Path) -> None:
    path, nowhere = every_kind.path(model_file(DYNAMIC)), WorkFolder(tmp_path / "none")
    recorded = find_subject(path, nowhere, ONLY_INT8)
    assert (recorded.path, recorded.kind, recorded.record) == (path, DYNAMIC, None)
    assert recorded.context is not None and recorded.context.arch == "test"
    unknown = find_subject(real_models / "compact_int8.tflite", nowhere)
    assert unknown.context is None
    assert recognised(unknown, FeedingSettings())[0].preprocessing.class_names == tuple("0123456789")
    with pytest.raises(InputError, match="there is no model"):
        find_subject(tmp_path / "none.tflite", nowhere)


@pytest.mark.parametrize("name", ["inspect", "codegen", "firmware build", "firmware package", "deploy pi"])
def test_a_keras_model_has_to_be_converted_first(
    name: str, every_kind: WorkFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keras = every_kind.path(TRAINED_MODEL)
    arguments = [part.replace("OUT", str(tmp_path / "out")) for part in COMMANDS[name].arguments]
    assert cli.run([*arguments, str(keras)]) == 2
    says = f"{str(keras)!r} is a Keras model; convert it first, with `edgemnist convert {keras} --int8`, and name the"
    assert says in capsys.readouterr().err
