"""What TensorFlow's converter prints, thousands of characters, becomes a sentence."""

from __future__ import annotations

import pytest

from edgemnist.commands.convert.explanation import explain, explain_crash

pytestmark = pytest.mark.unit

PLACE = 'loc(callsite(fused["{name}:", callsite("{where}@__inference_classify_41"("<frozen runpy>":198:1) at callsite('


def said(kind: str, *operators: tuple[str, str, str]) -> str:
    """Return the converter's words about missing operators: (name, place, type of its numbers)."""
    names = ", ".join(name for name, _, _ in operators)
    places = "\n".join(PLACE.format(name=name, where=where) + '"a.py":1:1' * 500 for name, where, _ in operators)
    details = "\n".join(
        f"\ttf.{name}(tensor<1x8x{dtype}>) -> (tensor<1x8x{dtype}>) : {{}}" for name, _, dtype in operators
    )
    return (
        f"{places}\n<unknown>:0: error: failed while converting: 'main': \n{kind} ops: {names}\nDetails:\n{details}\n"
    )


@pytest.mark.parametrize("kind", ["Custom", "TF Select"])
def test_the_operator_and_its_layer_are_named(kind: str) -> None:
    text = said(kind, ("ResizeBicubic", "net_1/up_1/resize/ResizeBicubic", "f32"))
    assert explain(text) == (
        "ResizeBicubic (in 'net_1/up_1/resize') is no operator of TFLite; replace that layer by others"
    )


def test_several_operators_are_counted_after_the_first_four() -> None:
    text = said("Custom", *((f"Op{index}", f"net/layer_{index}/Op{index}", "f32") for index in range(6)))
    assert explain(text) == (
        "Op0 (in 'net/layer_0'), Op1 (in 'net/layer_1'), Op2 (in 'net/layer_2'), Op3 (in 'net/layer_3') and 2 more "
        "are no operators of TFLite; replace those layers by others"
    )


@pytest.mark.parametrize(("short", "full"), [("f16", "float16"), ("f64", "float64"), ("bf16", "bfloat16")])
def test_numbers_that_are_not_float32_are_the_cause(short: str, full: str) -> None:
    found = explain(said("Custom", ("Conv2D", "net/conv/Conv2D", short), ("Relu", "net/relu/Relu", short)))
    assert found is not None
    assert found.startswith(
        f"it computes in {full}, for which TFLite has no Conv2D (in 'net/conv'), Relu (in 'net/relu')"
    )
    assert "policy 'float32'" in found


def test_one_operator_of_float16_among_others_is_not_the_cause() -> None:
    found = explain(said("Custom", ("Conv2D", "net/conv/Conv2D", "f16"), ("Erfinv", "net/e/Erfinv", "f32")))
    assert found is not None
    assert "no operators of TFLite" in found


def test_words_without_an_operator_are_left_as_they_are() -> None:
    assert explain("ValueError: The inference_input_type must be in ['tf.float32'].") is None


def test_a_crash_names_the_loops_and_the_way_out_where_they_are_known_for_it() -> None:
    what = "was killed by signal 11 (Segmentation fault)"
    known = explain_crash(what, "net.keras", "int8", loops=("net/lstm_1",), calibrated=True)
    assert "'net/lstm_1'; build it with unroll=True" in known
    assert "--dynamic" in known
    for loops, calibrated in (((), True), (("net/lstm_1",), False)):
        other = explain_crash(what, "net.keras", "int8", loops=loops, calibrated=calibrated)
        assert "unroll" not in other
        assert "Nothing was written" in other
