"""The bodies for WebAssembly with SIMD: every byte TFLM's, from the very instructions that a browser runs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgemnist.page.checking import Material, check, oracle_outputs
from edgemnist.page.engines import ENGINES
from edgemnist.page.facts import Told, facts_of, known_inputs
from edgemnist.page.html import joined
from edgemnist.page.module import module_files
from edgemnist.page.web_assembly import SIMD, require_same_steps
from edgemnist.runner.run import LoadedModel
from edgemnist.support.errors import UnsupportedModelError
from edgemnist.tflite.file import parse_tflite
from tests.compiler.layers import Arithmetic, Window
from tests.compiler.weighted_cases import Case
from tests.oracles import needs
from tests.page.javascript import NEEDS_NODE, run_node
from tests.page.networks import COLOURS, built, colour_net, loaded, pictures

pytestmark = [
    needs("tflm"),
    pytest.mark.skipif(
        ENGINES["wasmtime"].available() is not None, reason="wasmtime is not installed; run scripts/test"
    ),
]

TABLE = {
    "17 channels of rows of 15": Case("CONV_2D", (6, 7, 5), 17),
    "7 channels, stride 2": Case("CONV_2D", (7, 6, 1), 7, Window((3, 3), (2, 2))),
    "pointwise, 12 channels of 33": Case("CONV_2D", (4, 5, 33), 12, Window((1, 1))),
    "two roundings, activation": Case("CONV_2D", (4, 5, 3), 9, arithmetic=Arithmetic(activation=3)),
    "depthwise, 19 channels": Case("DEPTHWISE_CONV_2D", (6, 7, 19), 1),
    "depthwise, 8 channels, stride 2": Case("DEPTHWISE_CONV_2D", (9, 6, 8), 1, Window((3, 3), (2, 2))),
    "dense, 5 units of 70": Case("FULLY_CONNECTED", (1, 1, 70), 5),
}


def extremes(model: LoadedModel) -> Material:
    """Return inputs of noise, and of the lowest and the highest values alone."""
    assert model.tflite is not None
    shape = model.tflite.input().shape[1:]
    noise = np.random.default_rng(6).integers(-128, 128, (20, *shape), dtype=np.int8)
    flat: list[NDArray[np.int8]] = [np.full((1, *shape), value, np.int8) for value in (-128, 127)]
    return Material(np.concatenate([noise, *flat]), None, "noise and extremes")


@pytest.mark.parametrize("name", TABLE)
def test_every_byte_is_the_oracles(name: str) -> None:
    model = loaded(parse_tflite(TABLE[name].content()))
    network = built(model, target=SIMD)
    found = check([network], model, extremes(model), [ENGINES["wasmtime"]])
    assert [one.different for one in found.engines] == [0]
    assert len(np.unique(found.expected)) > 20
    assert "em_dot_wasm.h" in network.sources


@pytest.mark.skipif(ENGINES["node"].available() is not None, reason="node is not installed; run scripts/test")
def test_both_programs_are_compared_in_every_engine() -> None:
    """And one of them that is wrong makes the input a different one."""
    model, material = colour_net(), pictures(colour_net(), COLOURS)
    plain, vectors = built(model, COLOURS), built(model, COLOURS, target=SIMD)
    require_same_steps([plain, vectors])
    assert vectors.content != plain.content
    engines = [one for one in ENGINES.values() if one.available() is None]
    found = check([plain, vectors], model, material, engines)
    assert {one.different for one in found.engines} == {0}
    broken = replace(vectors, content=_with_another_sum(vectors.content))
    wrong = check([plain, broken], model, material, [ENGINES["node"]])
    assert wrong.engines[0].different > 0


def _with_another_sum(content: bytes) -> bytes:
    """Return a program whose products are subtracted: i32x4.add after i32x4.dot_i16x8_s becomes i32x4.sub."""
    dot_and_add, dot_and_sub = bytes([0xFD, 0xBA, 0x01, 0xFD, 0xAE, 0x01]), bytes([0xFD, 0xBA, 0x01, 0xFD, 0xB1, 0x01])
    assert dot_and_add in content
    return content.replace(dot_and_add, dot_and_sub)


@NEEDS_NODE
def test_the_module_takes_the_program_for_simd_by_itself(tmp_path: Path) -> None:
    """The portable one beside it is no WebAssembly here, so that only the other can have answered."""
    model, material = colour_net(), pictures(colour_net(), COLOURS)
    plain, vectors = built(model, COLOURS), built(model, COLOURS, target=SIMD)
    known = known_inputs(model, plain.generated.program.macs)
    told = Told(COLOURS, "", COLOURS.class_names, "")
    facts = facts_of(
        plain, model, told, check([plain], model, material, ()), known, oracle_outputs(model, known.inputs)[1]
    )
    facts["simd"] = {"bytes": len(vectors.content)}
    for name, content in module_files(facts, b"nothing", "net", vectors.content).items():
        (tmp_path / name).write_bytes(content)
    script = """import { load } from "./net.mjs";
    const failed = await load(new URL("./net.wasm", import.meta.url)).then(() => "", (error) => error.name);
    console.log(JSON.stringify([(await load()).selfTest(), failed]));"""
    assert json.loads(run_node(tmp_path, script)) == [{"inputs": 16, "different": 0}, "CompileError"]
    package = json.loads((tmp_path / "package.json").read_text())
    assert {"net.wasm", "net.simd.wasm"} <= set(package["files"])


def test_programs_that_write_other_tensors_are_refused() -> None:
    model = colour_net()
    with pytest.raises(UnsupportedModelError, match="leave --simd out"):
        require_same_steps([built(model), built(model, fusions=())])


@NEEDS_NODE
def test_what_a_browser_is_asked_for_is_known(tmp_path: Path) -> None:
    """Node has SIMD, and refuses the same question about an instruction that there is not."""
    script = f"""{joined(["network.mjs"])}
    const damaged = SIMD_PROBE.map((one, at) => (at === SIMD_PROBE.length - 2 ? 0x9a : one));
    console.log(JSON.stringify([hasSimd(), WebAssembly.validate(Uint8Array.from(damaged))]));"""
    assert json.loads(run_node(tmp_path, script)) == [True, False]
