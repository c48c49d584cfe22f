"""The ES module as a web developer uses it: in node, without and with a bundler, and refusing what does not fit."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgemnist.harness.outputs import probabilities
from edgemnist.page.checking import Material, check, oracle_outputs
from edgemnist.page.engines import ENGINES
from edgemnist.page.facts import Told, facts_of, known_inputs
from edgemnist.page.html import SCRIPTS, joined
from edgemnist.page.module import check_name, module_files
from edgemnist.page.web_assembly import WebNetwork
from edgemnist.runner.run import LoadedModel
from edgemnist.support.errors import InputError
from edgemnist.tflite.preprocessing import Preprocessing
from tests.oracles import needs
from tests.page.javascript import NEEDS_NODE, run_node
from tests.page.networks import COLOURS, built, byte_net, colour_net, float_net, floats, loaded, pictures
from tests.two_classes import two_class_net

pytestmark = [needs("tflm"), NEEDS_NODE]

NEEDS_BUNDLER = pytest.mark.skipif(shutil.which("esbuild") is None, reason="esbuild is not installed; run scripts/test")

CLASSIFY = """
const image = JSON.parse(readFileSync("image.json", "utf8"));
const { label, output, probabilities, framing } = net.classify({ ...image, data: Uint8ClampedArray.from(image.data) });
const kept = net.run(true);
const last = net.steps().pop();
console.log(JSON.stringify({
  label, framing, output: [...output], probabilities: [...probabilities], input: [...net.input], kept: [...kept],
  last: [...last.values], test: net.selfTest(),
}));
"""
THREE_LINES = """import { readFileSync } from "node:fs";
import { load } from "./net/four.mjs";
const net = await load();
"""


def written(folder: Path, model: LoadedModel, preprocessing: Preprocessing | None, labels: tuple[str, ...]) -> Path:
    """Write a model's module and return its folder."""
    folder.mkdir()
    network = built(model, preprocessing)
    for name, content in module_files(facts(network, model, preprocessing, labels), network.content, "four").items():
        (folder / name).write_bytes(content)
    return folder


def facts(
    network: WebNetwork, model: LoadedModel, preprocessing: Preprocessing | None, labels: tuple[str, ...]
) -> dict[str, Any]:
    material = pictures(model, preprocessing) if preprocessing else floats()
    known = known_inputs(model, network.generated.program.macs)
    outputs = oracle_outputs(model, known.inputs)[1]
    told = Told(preprocessing, "", labels, "")
    return facts_of(network, model, told, check([network], model, material, ()), known, outputs)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the module of the net of colours in ``net/``."""
    found = tmp_path_factory.mktemp("module")
    written(found / "net", colour_net(), COLOURS, COLOURS.class_names)
    return found


def expected_of(folder: Path) -> dict[str, Any]:
    """Write a picture of the net's size for JavaScript and return what TFLM makes of it."""
    model = colour_net()
    material = pictures(model, COLOURS, count=1)
    assert material.pictures is not None
    alpha = np.full((12, 12, 1), 255, np.uint8)
    data = np.concatenate([material.pictures[0], alpha], axis=2).ravel().tolist()
    (folder / "image.json").write_text(json.dumps({"width": 12, "height": 12, "data": data}))
    outputs = oracle_outputs(model, material.inputs)[1]
    shares = probabilities(outputs, model, COLOURS)[0]
    return {
        "label": COLOURS.class_names[int(outputs[0].argmax())],
        "framing": "as it is",
        "output": outputs[0].tolist(),
        "probabilities": shares.tolist(),
        "input": material.inputs[0].ravel().tolist(),
        "kept": outputs[0].tolist(),
        "last": outputs[0].tolist(),
        "test": {"inputs": 16, "different": 0},
    }


def test_three_lines_give_the_oracles_answer(folder: Path) -> None:
    expected = expected_of(folder)
    assert json.loads(run_node(folder, THREE_LINES + CLASSIFY)) == expected


@NEEDS_BUNDLER
def test_bundled_with_the_webassembly_beside_it(folder: Path, tmp_path: Path) -> None:
    expected = expected_of(tmp_path)
    (folder / "app.mjs").write_text(THREE_LINES + CLASSIFY)
    bundle = ["esbuild", "app.mjs", "--bundle", "--format=esm", "--minify", "--target=es2022", "--external:node:fs"]
    subprocess.run([*bundle, f"--outfile={tmp_path}/bundle.mjs"], cwd=folder, check=True, capture_output=True)
    shutil.copy(folder / "net" / "four.wasm", tmp_path)
    assert "./net" not in (tmp_path / "bundle.mjs").read_text()
    assert json.loads(run_node(tmp_path, 'import "./bundle.mjs";')) == expected


@NEEDS_BUNDLER
def test_bundled_into_one_file(folder: Path, tmp_path: Path) -> None:
    """For a browser: nothing of node's is looked for."""
    expected = expected_of(tmp_path)
    (folder / "one.mjs").write_text(
        'import { load } from "./net/four.mjs";\nimport wasm from "./net/four.wasm";\n'
        "export const loaded = () => load(wasm);\n"
    )
    bundle = ["esbuild", "one.mjs", "--bundle", "--format=esm", "--platform=browser", "--loader:.wasm=binary"]
    subprocess.run([*bundle, f"--outfile={tmp_path}/one.mjs"], cwd=folder, check=True, capture_output=True)
    head = 'import { readFileSync } from "node:fs";\nimport { loaded } from "./one.mjs";\nconst net = await loaded();\n'
    assert json.loads(run_node(tmp_path, head + CLASSIFY)) == expected


@NEEDS_BUNDLER
def test_nothing_in_it_is_newer_than_es2020(folder: Path) -> None:
    """A compiler has nothing to rewrite, neither in the module nor in the page."""
    (folder / "page.mjs").write_text(joined(SCRIPTS))
    for name in ("net/four.mjs", "page.mjs"):
        texts = [
            subprocess.run(["esbuild", name, f"--target={target}"], cwd=folder, check=True, capture_output=True).stdout
            for target in ("es2020", "esnext")
        ]
        assert texts[0] == texts[1]
        assert len(texts[0]) > 10_000


def test_it_is_a_package(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "node_modules").mkdir()
    shutil.copytree(folder / "net", tmp_path / "node_modules" / "four")
    script = """import { readFileSync } from "node:fs";
    import { facts, load } from "four";
    const place = new URL("./node_modules/four/four.wasm", import.meta.url);
    const loaded = [load(), load(place), load(place.href), load(readFileSync(place)), load(Promise.resolve(place))];
    const found = (await Promise.all(loaded)).map((net) => net.facts === facts && net.selfTest().different);
    console.log(JSON.stringify([found, Object.isFrozen(facts)]));"""
    assert json.loads(run_node(tmp_path, script)) == [[0, 0, 0, 0, 0], True]
    package = json.loads((folder / "net" / "package.json").read_text())
    assert all((folder / "net" / name).is_file() for name in package["files"])
    declared = (folder / "net" / "four.d.ts").read_text()
    assert "classify(image: Picture" in declared


@pytest.mark.skipif(shutil.which("tsc") is None, reason="TypeScript is not installed; run scripts/test")
@pytest.mark.parametrize("name", ["./net/four.mjs", "four"], ids=["by its path", "as a package"])
def test_its_types_are_what_it_has(folder: Path, tmp_path: Path, name: str) -> None:
    """Programs that use it are accepted, and one that takes it for something else is not."""
    (tmp_path / "package.json").write_text('{"type": "module"}')
    shutil.copytree(folder / "net", tmp_path / "net")
    shutil.copytree(folder / "net", tmp_path / "node_modules" / "four")
    head = f'import {{ facts, load, type PictureAnswer, type Step }} from "{name}";\nconst net = await load();\n'
    right = """const image = { width: 1, height: 1, data: new Uint8ClampedArray(4) };
    const answer: PictureAnswer = net.classify(image, { invert: "no" });
    const steps: Step[] = net.steps();
    const shown: [string, Int8Array, number | undefined] = [answer.label, answer.output, answer.probabilities?.[0]];
    net.show(new Uint8Array(432));
    net.input.set(net.answer([1]).output);
    await Promise.all([load("x.wasm"), load(new Uint8Array(3)), load(fetch("x").then((one) => one.arrayBuffer()))]);
    export const all = [steps, shown, facts, net.read(net.run(true)), net.selfTest().different > 0];
    """
    check = ["tsc", "--noEmit", "--strict", "--target", "es2022", "--module", "nodenext", "app.ts"]
    (tmp_path / "app.ts").write_text(head + right)
    found = subprocess.run(check, cwd=tmp_path, capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (0, "")
    (tmp_path / "app.ts").write_text(head + "export const wrong: Float32Array = net.run();\n")
    found = subprocess.run(check, cwd=tmp_path, capture_output=True, text=True)
    assert "TS2322" in found.stdout or "TS2740" in found.stdout or "TS2741" in found.stdout


def test_a_net_of_floats_answers_to_values(tmp_path: Path) -> None:
    model = float_net()
    written(tmp_path / "net", model, None, ())
    material = floats(count=3)
    outputs = oracle_outputs(model, material.inputs)[1]
    (tmp_path / "values.json").write_text(json.dumps(material.inputs.astype(np.float64).tolist()))
    script = """const rows = JSON.parse(readFileSync("values.json", "utf8"));
    const found = rows.map((row) => net.answer(row));
    const refused = [() => net.answer([1, 2]), () => net.classify({}), () => net.show([])].map((call) => {
      try { return call(); } catch (error) { return `${error.name}: ${error.message}`; }
    });
    console.log(JSON.stringify([found.map(({ output, index }) => [index, ...output]), refused, net.selfTest()]));"""
    answers, refused, test = json.loads(run_node(tmp_path, THREE_LINES + script))
    np.testing.assert_array_equal(np.array(answers)[:, 1:].astype(np.float32), outputs)
    assert [row[0] for row in answers] == [-1, -1, -1]
    assert refused == [
        "RangeError: an input has 9 values here, not 2",
        "TypeError: this network takes no pictures: use answer()",
        "TypeError: this network takes no pictures",
    ]
    assert test == {"inputs": 16, "different": 0}
    assert "Float32Array" in (tmp_path / "net" / "four.d.ts").read_text()
    assert "Picture" not in (tmp_path / "net" / "four.d.ts").read_text()


@pytest.mark.parametrize("index", [False, True], ids=["uint8", "int32"])
def test_integers_of_other_types_at_the_ends(tmp_path: Path, index: bool) -> None:
    model = byte_net(index=index)
    rows = np.random.default_rng(9).integers(0, 256, (5, 9), dtype=np.uint8)
    network, known = built(model), known_inputs(model, 1000)
    told = Told(None, "", (), "")
    checked = check([network], model, Material(rows, None, "random bytes"), [ENGINES["node"]])
    assert [one.different for one in checked.engines] == [0]
    whole = facts_of(network, model, told, checked, known, oracle_outputs(model, known.inputs)[1])
    for name, content in module_files(whole, network.content, "four").items():
        (tmp_path / "net").mkdir(exist_ok=True)
        (tmp_path / "net" / name).write_bytes(content)
    script = f"""const found = {rows.tolist()}.map((row) => net.answer(row).output);
    console.log(JSON.stringify([found.map((one) => [...one]), found[0].constructor.name, net.selfTest()]));"""
    answers, kind, test = json.loads(run_node(tmp_path, THREE_LINES + script))
    assert answers == checked.expected.tolist()
    assert kind == ("Int32Array" if index else "Uint8Array")
    assert test == {"inputs": 16, "different": 0}
    assert f"readonly output: {kind};" in (tmp_path / "net" / "four.d.ts").read_text()


@pytest.mark.parametrize("probability", [True, False], ids=["probability", "score"])
def test_one_output_tells_two_classes(tmp_path: Path, probability: bool) -> None:
    model = loaded(two_class_net(probability=probability))
    known = Preprocessing((4, 4, 1), ("dark", "bright"))
    written(tmp_path / "net", model, known, known.class_names)
    levels = np.array([0, 90, 126, 127, 128, 130, 255], np.uint8)
    shown = np.broadcast_to(levels[:, None, None, None], (7, 4, 4, 1))
    outputs = oracle_outputs(model, model.inputs(np.ascontiguousarray(shown), known))[1]
    script = f"""const found = {levels.tolist()}.map((level) => {{
      net.show(new Uint8Array(16).fill(level));
      const {{ label, probabilities }} = net.read(net.run());
      return [label, ...probabilities];
    }});
    console.log(JSON.stringify(found));"""
    answers = json.loads(run_node(tmp_path, THREE_LINES + script))
    expected = probabilities(outputs, model, known)
    np.testing.assert_allclose([row[1:] for row in answers], expected, rtol=0, atol=1e-15)
    assert [row[0] for row in answers] == [known.class_names[int(row[1] > row[0])] for row in expected]
    assert len({row[0] for row in answers}) == 2


def test_a_files_name_is_no_program(tmp_path: Path) -> None:
    model = float_net()
    network = built(model)
    known = {**facts(network, model, None, ()), "file": "net\nglobalThis.taken = 1; //\u2028</script>.tflite"}
    for name, content in module_files(known, network.content, "net").items():
        (tmp_path / name).write_bytes(content)
    script = 'import { facts } from "./net.mjs";\nconsole.log(globalThis.taken, facts.file.length);'
    assert run_node(tmp_path, script) == f"undefined {len(known['file'])}\n"


@pytest.mark.parametrize("name", ["", "Net", "../net", "a b", ".net"])
def test_names_that_no_package_has_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"--name .* can't be a package's"):
        check_name(name)


def test_the_known_inputs_are_those_that_javascript_makes(folder: Path) -> None:
    model = colour_net()
    known = known_inputs(model, 1000)
    assert isinstance(known.inputs, np.ndarray)
    script = "net.fill(3);\nconsole.log(JSON.stringify([...net.input]));"
    found = json.loads(run_node(folder, THREE_LINES + script))
    assert found == known.inputs[3].ravel().tolist()
    assert Material(known.inputs, None, "").inputs.shape == (16, 12, 12, 3)
    assert len(np.unique(known.inputs)) == 256
