"""``edgemnist doctor MODEL``: what each target makes of a model, by the interpreters that are here and by the table."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from edgemnist import cli
from edgemnist.commands.doctor.report import Answer, Evidence
from edgemnist.commands.doctor.verdicts import judge, target_names
from edgemnist.compiler.targets import TARGETS as CORES
from edgemnist.pi.targets import TARGETS, UNSUPPORTED
from edgemnist.runner.operator_versions import columns
from edgemnist.support.errors import InputError
from edgemnist.tflite.file import parse_tflite
from tests.commands.doctor.nets import PLANTED, sound
from tests.commands.doctor.test_faults import faults_of
from tests.compiler.model_builder import ModelBuilder, edited
from tests.oracles import needs
from tests.runner.test_operator_versions import dense_content

pytestmark = needs("tflite-runtime-default", "litert-default", "tflm")


def here(package: str) -> str:
    """Return the target of an installed package."""
    version = metadata.version({"litert": "ai-edge-litert"}.get(package, package))
    return f"{package}-{'.'.join(version.split('.')[:2])}"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "sound.tflite"
    path.write_bytes(sound())
    return path


def run(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    """Run the command and return its exit code and document."""
    code = cli.run(["doctor", *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_every_target_has_an_answer_with_its_evidence(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = run(str(model), capsys=capsys)

    assert code == 0
    assert found["findings"] == []
    verdicts = {one["target"]: one for one in found["targets"]}
    assert set(verdicts) == set(target_names())
    assert {*TARGETS, *UNSUPPORTED, *columns(), *(f"c-{core}" for core in CORES)} <= set(verdicts)
    invoked = {name for name, one in verdicts.items() if one["evidence"] == "invoked"}
    assert {here("tflite-runtime"), here("litert"), "tflm"} <= invoked
    for name, one in verdicts.items():
        refused = name in UNSUPPORTED or name == "litert-js"
        assert one["answer"] == ("refuses" if refused else "loads"), one
        assert one["details"] or one["reasons"]
    delegation = verdicts[here("litert")]["delegation"]
    assert delegation["of_this_model"]
    assert delegation["delegated"] + len(delegation["others"]) == delegation["operators"] == found["operators"]
    assert delegation["delegated"] > 0
    assert verdicts[here("tflite-runtime")]["delegation"]["delegated"] == 0


def test_dense_weights_of_many_scales_are_refused_by_old_interpreters_with_the_converters_flag() -> None:
    old, new = here("tflite-runtime"), here("litert")
    verdicts = {one.target: one for one in judge(parse_tflite(dense_content(12)), [old, "tflite-runtime-2.11", new])}

    for target, evidence in ((old, Evidence.INVOKED), ("tflite-runtime-2.11", Evidence.MEASURED)):
        assert verdicts[target].answer is Answer.REFUSES
        assert verdicts[target].evidence is evidence
        assert "version 12" in verdicts[target].reasons[0]
        assert "_experimental_disable_per_channel_quantization_for_dense_layers" in verdicts[target].remedies[0]
        assert "ai-edge-litert" in verdicts[target].remedies[1]
    assert verdicts[new].answer is Answer.LOADS


@pytest.mark.parametrize("kind", ["int8", "float"])
def test_the_table_foretells_what_happens_here(kind: str, real_models: Path) -> None:
    targets = [here("tflite-runtime"), here("litert"), "tflm"]
    for name in ("compact", "dense"):
        content = parse_tflite((real_models / f"{name}_{kind}.tflite").read_bytes())
        for verdict in judge(content, targets):
            assert verdict.answer is Answer.LOADS, verdict


def test_the_compiler_takes_floats_but_not_with_int8_weights_and_says_how_to_convert(real_models: Path) -> None:
    floats = parse_tflite((real_models / "compact_float.tflite").read_bytes())
    (taken,), (refused,) = (judge(model, ["c-cortex-m4"]) for model in (floats, parse_tflite(dense_content(1))))

    assert taken.answer is Answer.LOADS
    assert refused.answer is Answer.REFUSES
    assert "only its weights are quantised" in refused.reasons[0]
    assert "edgemnist convert --int8" in refused.remedies[0]


def test_a_custom_operator_is_unknown_where_nobody_tried_it_and_refused_here() -> None:
    builder = ModelBuilder()
    image = builder.input((1, 4), None, dtype="float32")
    content = builder.finish([builder.op("CUSTOM:Mine", [image], (1, 4), dtype="float32")])

    there, tried = judge(parse_tflite(content), ["litert-1.0", here("litert")])

    assert (there.answer, there.evidence) == (Answer.UNKNOWN, Evidence.NONE)
    assert "Mine" in there.reasons[0]
    assert there.remedies[0].startswith("try it: pip install")
    assert tried.answer is Answer.REFUSES
    assert "custom operator" in tried.reasons[0]


def test_tflm_and_tflite_disagree_about_a_relu6_of_another_scale() -> None:
    """What the fault says: TFLM's outputs are those of the input's scale."""
    import numpy as np

    from edgemnist.runner.client import runtime_worker

    content = PLANTED["rescaling-relu6"][0]()
    image = np.zeros((1, 1, 8, 8, 3), np.int8)
    outputs = []
    for runtime in ("tflm", "tflite-runtime-reference"):
        with runtime_worker(runtime) as worker:
            outputs.append(worker.invoke(content, [image])[0])

    assert (outputs[0] != outputs[1]).any()


def test_a_target_that_has_to_load_it_is_a_gate(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = run(str(model), "--target", "litert-js", "--target", "tflm", capsys=capsys)

    assert code == 1
    assert [one["target"] for one in found["targets"]] == ["tflm", "litert-js"]
    assert "litert-js: an input is int8" in found["error"]["message"]
    assert "tflm" not in found["error"]["message"]
    assert run(str(model), "--target", "tflm", capsys=capsys)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["MODEL", "--target", "tflite-runtime-1.0"], "unknown target"), (["--target", "tflm"], "name its file"),
     (["MODEL", "--images", "5"], "needs --dataset"), (["no.tflite"], "no.tflite"), (["TEXT"], "not a TFLite file")],
)  # fmt: skip
def test_bad_input_is_refused(
    arguments: list[str], message: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "text"
    text.write_text("no model at all")
    files = {"MODEL": str(model), "TEXT": str(text)}

    code, found = run(*(files.get(word, word) for word in arguments), capsys=capsys)

    assert code == 2
    assert message in found["error"]["message"]


def test_the_text_has_targets_faults_and_remedies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(PLANTED["rescaling-relu6"][0]())

    assert cli.run(["doctor", str(path), "--target", "c-rv32", "--target", "c-cortex-m4"]) == 1

    said = capsys.readouterr()
    assert "no  c-cortex-m4, c-rv32" in said.out
    assert "TFLM's RELU6 only clamps" in said.out
    assert "wrong  rescaling-relu6" in said.out
    assert "-> make it the activation of the layer before" in said.out
    assert "does not load where it has to" in said.err


def test_an_unknown_target_is_named_with_those_there_are() -> None:
    with pytest.raises(InputError, match=r"unknown target 'tflite'; .*hoose one of tflite-runtime-2\.11, "):
        judge(parse_tflite(sound()), ["tflite"])


@pytest.mark.slow
def test_images_show_a_range_that_was_calibrated_wrongly(
    real_models: Path, real_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def findings(factor: float) -> set[str]:
        def change(model: Any) -> None:
            graph = model.subgraphs[0]
            for code, operator in ((model.operatorCodes[one.opcodeIndex], one) for one in graph.operators):
                if code.builtinCode == 9:  # FULLY_CONNECTED
                    quantisation = graph.tensors[operator.outputs[0]].quantization
                    quantisation.scale = [factor * float(quantisation.scale[0])]
                    return

        path = tmp_path / f"{factor}.tflite"
        path.write_bytes(edited((real_models / "compact_int8.tflite").read_bytes(), change))
        arguments = ["--dataset", "mnist", "--images", "20", "--normalisation", "0..1", "--target", "tflm"]
        code, found = run(str(path), *arguments, capsys=capsys)
        assert code == 0
        assert "20 of 10000 test images" in found["images"]
        return {one["fault"] for one in found["findings"]} - {"open-batch", "still-channels"}

    assert findings(1.0) == set()
    assert findings(0.2) == {"saturated-range"}
    assert findings(20.0) == {"unused-range"}


def test_no_sound_net_has_a_wrong_or_costly_fault(real_models: Path) -> None:
    for name in ("compact", "dense", "seedcnn"):
        for kind in ("int8", "float"):
            found = faults_of((real_models / f"{name}_{kind}.tflite").read_bytes())
            assert set(found) == {"open-batch"}, name  # as they were converted, without a fixed batch
