"""The page in a real browser: what is drawn, typed and dropped becomes TFLM's very bytes, and nothing is asked for."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from edgemnist import cli
from edgemnist.compiler.generate import CodegenSettings, compile_model
from edgemnist.data.framing import frame
from edgemnist.data.images import SCALING, read_image
from edgemnist.page.checking import oracle_outputs
from edgemnist.runner import RuntimeWorker
from edgemnist.runner.run import LoadedModel, load_model
from edgemnist.tflite.preprocessing import Preprocessing
from tests.browser import Browser, find_browser, open_browser
from tests.commands.report.nets import write_work
from tests.oracles import needs
from tests.page.hands import READY, choose, draw, press, settle, touch
from tests.page.networks import COLOURS, colour_net, float_net

pytestmark = [
    needs("tflm"),
    pytest.mark.skipif(find_browser() is None, reason="no Chromium is installed; run scripts/test"),
    pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed; run scripts/test"),
]

MNIST = Preprocessing((28, 28, 1), tuple("0123456789"))
SEVEN = [(60, 60), (210, 60), (190, 110), (150, 170), (120, 240)]
ONE = [(140, 40), (140, 240)]


@dataclass(frozen=True)
class Pages:
    """The pages, and the files of their models."""

    pages: dict[str, Path]
    models: dict[str, LoadedModel]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    profile = tmp_path_factory.mktemp("browser") / "profile"
    profile.mkdir()
    with open_browser(profile) as opened:
        yield opened


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, real_models: Path, real_data: Path) -> Pages:
    """Return pages of a net of digits, one of colours, one of floats, and one whose class names try to be markup."""
    folder = tmp_path_factory.mktemp("pages")
    work = write_work(folder / "work")
    files = {"digits": real_models / "compact_int8.tflite", "hostile": work / "model_int8.tflite"}
    for name, model in (("colours", colour_net()), ("floats", float_net())):
        assert model.tflite is not None
        files[name] = folder / f"{name}.tflite"
        files[name].write_bytes(model.tflite.content)
    feeding = ["--normalisation=mean=0.47,0.478,0.497,std=0.196,0.2178,0.2614", "--channels", "bgr"]
    options = {"colours": [*feeding, "--classes", ",".join(COLOURS.class_names), "--fit", "crop"]}
    pages = {name: folder / f"{name}.html" for name in files}
    for name, file in files.items():
        quick = ["--engine", "node", "--images", "40", *options.get(name, [])]
        assert cli.run(["page", str(file), "--out", str(pages[name]), *quick]) == 0
    return Pages(pages, {name: load_model(file) for name, file in files.items()})


def opened(browser: Browser, page: Path, width: int = 1280, *, dark: bool = False) -> None:
    browser.show(width, dark=dark)
    browser.open(page.as_uri())
    assert browser.becomes(READY, True)


def complaints(browser: Browser, page: Path) -> list[str]:
    """Return what the open page said on the console, what went wrong, and what it asked for beside itself."""
    said = [str(one) for kind in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown") for one in browser.told(kind)]
    said += [one["entry"]["text"] for one in browser.told("Log.entryAdded")]
    asked = [one["request"]["url"] for one in browser.told("Network.requestWillBeSent")]
    asked = [one for one in asked if one != page.as_uri() and not one.startswith(("data:", "blob:"))]
    return [*said, *asked, str(browser.evaluate("document.getElementById('failure').textContent"))]


# --- what the page then has ------------------------------------------------------------------------------------------


def pad_of(browser: Browser) -> NDArray[np.uint8]:
    """Return what is on the pad, shape (height, width)."""
    address = browser.evaluate("document.getElementById('pad').toDataURL('image/png')")
    with Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))) as image:
        return np.asarray(image.convert("L"), np.uint8)


def values_of(browser: Browser, expression: str) -> list[Any]:
    found: list[Any] = json.loads(browser.evaluate(f"JSON.stringify([...{expression}])"))
    return found


def shown_of(browser: Browser) -> tuple[str, list[float]]:
    """Return the answer's label and the outputs as they stand on the page."""
    label = browser.evaluate("document.querySelector('#answer .label').textContent")
    raw = browser.evaluate("document.getElementById('raw').textContent").replace("−", "-").split()
    return label, [float(one) for one in raw]


def assert_answers_as_tflm(
    browser: Browser, model: LoadedModel, picture: NDArray[np.uint8], preprocessing: Preprocessing, dataset: str
) -> str:
    """Compare input and output of the page with the harness's for a picture, and return the label that is shown."""
    seen = frame(picture, preprocessing.image_shape, dataset, "auto", SCALING, preprocessing.fit)
    inputs = model.inputs(seen.pixels[np.newaxis], preprocessing)
    assert values_of(browser, "edgemnist.network.input") == inputs.ravel().tolist()
    expected = oracle_outputs(model, inputs)[1][0].tolist()
    label, raw = shown_of(browser)
    assert raw == expected
    assert values_of(browser, "edgemnist.network.run()") == expected
    assert label == preprocessing.class_names[int(np.argmax(expected))]
    return label


# --- tests -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "width", "dark"),
    [
        *(("digits", width, dark) for width in (375, 1280) for dark in (False, True)),
        *((name, 375, False) for name in ("colours", "floats", "hostile")),
        *((name, 1280, True) for name in ("colours", "floats", "hostile")),
    ],
)
def test_the_page_asks_for_nothing_and_fits(
    browser: Browser, made: Pages, tmp_path: Path, name: str, width: int, dark: bool
) -> None:
    opened(browser, made.pages[name], width, dark=dark)
    assert complaints(browser, made.pages[name]) == [""]
    assert browser.evaluate("document.documentElement.scrollWidth") == width
    assert browser.becomes("/more inputs, 0 different/.test(document.getElementById('again').textContent)", True)
    with Image.open(io.BytesIO(browser.screenshot(tmp_path / "page.png"))) as shot:
        pixels = np.asarray(shot.convert("L"))
    assert pixels.shape[1] == width
    assert (np.median(pixels) < 60) == dark
    assert browser.evaluate("document.title") != "taken"
    assert browser.evaluate("document.querySelectorAll('#layers figure').length") >= 2


def test_what_is_drawn_is_what_tflm_answers_to(browser: Browser, made: Pages) -> None:
    page, model = made.pages["digits"], made.models["digits"]
    opened(browser, page)
    draw(browser, SEVEN)
    settle(browser)
    drawn = pad_of(browser)
    assert drawn.shape == (280, 280)
    assert (drawn[60, 100], drawn[150, 40]) == (255, 0)
    assert assert_answers_as_tflm(browser, model, drawn, MNIST, "mnist") == "7"
    browser.evaluate("document.getElementById('clear').click()")
    draw(browser, ONE, pointerType="pen", force=0.5)
    settle(browser)
    assert assert_answers_as_tflm(browser, model, pad_of(browser), MNIST, "mnist") == "1"
    assert browser.evaluate("document.getElementById('framing').textContent") == "20 x 20 box, centred by mass."
    # It is read out when it rests.
    assert browser.becomes("/^1, \\d+\\.\\d %$/.test(document.getElementById('status').textContent)", True)
    assert complaints(browser, page) == [""]


def test_a_finger_draws_on_a_telephone(browser: Browser, made: Pages) -> None:
    opened(browser, made.pages["digits"], 375)
    browser.call("Emulation.setTouchEmulationEnabled", enabled=True)
    touch(browser, SEVEN)
    settle(browser)
    browser.call("Emulation.setTouchEmulationEnabled", enabled=False)
    assert assert_answers_as_tflm(browser, made.models["digits"], pad_of(browser), MNIST, "mnist") == "7"


def test_the_keyboard_draws_clears_and_takes_back(browser: Browser, made: Pages) -> None:
    opened(browser, made.pages["digits"])
    browser.evaluate("document.querySelector('.skip').focus()")
    press(browser, "Tab")
    assert browser.evaluate("document.activeElement.id") == "pad"
    press(browser, *["ArrowUp"] * 9, " ", *["ArrowDown"] * 18, " ", *["ArrowRight"] * 3)
    settle(browser)
    assert browser.evaluate("document.querySelector('#answer .label').textContent") == "1"
    press(browser, "Delete")
    settle(browser)
    assert browser.evaluate("document.querySelector('#answer').textContent") == "–nothing there yet"
    assert not browser.evaluate("document.getElementById('pad-hint').hidden")
    press(browser, "z", modifiers=2)
    settle(browser)
    assert browser.evaluate("document.querySelector('#answer .label').textContent") == "1"
    browser.evaluate("document.getElementById('pad').blur()")
    assert assert_answers_as_tflm(browser, made.models["digits"], pad_of(browser), MNIST, "mnist") == "1"


@pytest.mark.parametrize("way", ["chosen", "dropped", "pasted"])
def test_a_picture_becomes_what_predict_makes_of_it(browser: Browser, made: Pages, tmp_path: Path, way: str) -> None:
    """Dark ink on bright paper for the digits, a coloured picture for the net of colours."""
    paper, photo = tmp_path / "paper.png", tmp_path / "photo.png"
    ink = np.full((90, 70, 3), (235, 230, 210), np.uint8)
    ink[15:75, 30:38] = (40, 30, 90)
    Image.fromarray(ink).save(paper)
    Image.fromarray(np.random.default_rng(8).integers(0, 256, (40, 61, 3), dtype=np.uint8)).save(photo)
    colours = Preprocessing((12, 12, 3), COLOURS.class_names, _recorded(made.pages["colours"]), fit="crop", bgr=True)
    for name, file, known, dataset in (("digits", paper, MNIST, "mnist"), ("colours", photo, colours, "")):
        opened(browser, made.pages[name])
        before = values_of(browser, "edgemnist.network.input")
        if way == "chosen":
            choose(browser, file)
        else:
            browser.evaluate(_given(file, way))
        assert browser.becomes(
            f"JSON.stringify([...edgemnist.network.input]) !== '{json.dumps(before, separators=(',', ':'))}'", True
        )
        settle(browser)
        assert_answers_as_tflm(browser, made.models[name], read_image(file), known, dataset)
        assert complaints(browser, made.pages[name]) == [""]


def _recorded(page: Path) -> Any:
    """Return the normalisation that the net of colours is fed with."""
    from edgemnist.tflite.normalisation import parse_normalisation

    found = re.search(r"--normalisation=(\S+)", page.read_text("utf-8"))
    assert found is not None
    return parse_normalisation(found[1])


def _given(file: Path, way: str) -> str:
    content = base64.b64encode(file.read_bytes()).decode()
    event = {"dropped": "DragEvent('drop', { dataTransfer", "pasted": "ClipboardEvent('paste', { clipboardData"}[way]
    return (
        "{ const all = new DataTransfer(); all.items.add(new File([Uint8Array.from(atob("
        f"'{content}'), (one) => one.charCodeAt(0))], 'it.png', {{ type: 'image/png' }}));"
        f"document.dispatchEvent(new {event}: all, cancelable: true }})); }}"
    )


def test_the_layers_are_tflms_tensors(browser: Browser, made: Pages, tflm: RuntimeWorker) -> None:
    """Nothing in this net is fused: every step's output is a tensor of the file."""
    model = made.models["digits"]
    assert model.tflite is not None
    opened(browser, made.pages["digits"])
    draw(browser, SEVEN)
    settle(browser)
    program, _ = compile_model(model.tflite, CodegenSettings())
    tensors = [index for step in program.steps for index in step.outputs]
    shown = np.array(values_of(browser, "edgemnist.network.input"), np.int8).reshape(1, 1, 28, 28, 1)
    expected = tflm.trace(model.tflite.content, [shown], tensors)
    found = json.loads(browser.evaluate("JSON.stringify(edgemnist.network.steps().map((one) => [...one.values]))"))
    assert len(found) == len(tensors) == 12
    for values, tensor in zip(found, tensors, strict=True):
        assert values == expected[tensor].ravel().tolist()
    assert browser.evaluate("document.querySelectorAll('#layers figure').length") == 12


def test_examples_are_tried_with_a_click(browser: Browser, made: Pages) -> None:
    opened(browser, made.pages["digits"])
    names = values_of(browser, "[...document.querySelectorAll('#examples button')].map((one) => one.ariaLabel)")
    assert names == [f"Test image: {digit}" for digit in range(10)]
    found = []
    for place in range(10):
        browser.evaluate(f"document.querySelectorAll('#examples button')[{place}].click()")
        settle(browser)
        found.append(shown_of(browser)[0])
    assert sum(one == str(place) for place, one in enumerate(found)) >= 9


def test_values_are_read_from_files_and_saved(browser: Browser, made: Pages, tmp_path: Path) -> None:
    model, page = made.models["floats"], made.pages["floats"]
    values = np.random.default_rng(1).normal(0, 2, (1, 9)).astype(np.float32)
    files = {name: tmp_path / f"values.{name}" for name in ("npy", "bin", "csv", "txt")}
    np.save(files["npy"], values)
    files["bin"].write_bytes(values.tobytes())
    files["csv"].write_text(",".join(map(repr, values[0].tolist())) + "\n")
    files["txt"].write_text("\n".join(map(repr, values[0].tolist())) + "\n")
    expected = oracle_outputs(model, values)[1][0].tolist()
    opened(browser, page)
    for file in files.values():
        browser.evaluate("document.getElementById('random').click()")
        choose(browser, file)
        assert browser.becomes("document.getElementById('framing').textContent", f"{file.name}.")
        assert values_of(browser, "edgemnist.network.input") == values[0].tolist()
        assert values_of(browser, "edgemnist.network.run()") == expected
    browser.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    browser.evaluate("document.getElementById('save').click()")
    browser.wait_for("Page.downloadProgress")
    assert browser.becomes("1", 1)
    saved = tmp_path / "input.npy"
    assert _there(browser, saved)
    loaded = np.load(saved)
    np.testing.assert_array_equal(loaded, values)
    assert loaded.dtype == np.float32
    assert complaints(browser, page) == [""]


def _there(browser: Browser, path: Path) -> bool:
    for _ in range(100):
        if path.is_file() and path.stat().st_size:
            return True
        settle(browser)
    return False


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("few.csv", b"1,2,3", "few.csv has 3 values, the network takes 9"),
        ("odd.txt", b"1 2 3 4 x 6 7 8 9", "value 5 of odd.txt is none that float32 has"),
        ("int8.npy", None, "int8.npy is no array of float32 in the order of C"),
        ("long.bin", bytes(40), "long.bin has 10 values, the network takes 9"),
        ("torn.bin", bytes(37), "torn.bin holds no whole number of float32 values"),
    ],
)
def test_a_file_that_does_not_fit_is_told(
    browser: Browser, made: Pages, tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    path = tmp_path / name
    if content is None:
        np.save(path, np.zeros(9, np.int8))
    else:
        path.write_bytes(content)
    opened(browser, made.pages["floats"])
    choose(browser, path)
    assert browser.becomes("document.getElementById('failure').textContent", message)
    assert browser.evaluate("document.getElementById('failure').hidden") is False


def test_what_is_no_picture_is_told(browser: Browser, made: Pages, tmp_path: Path) -> None:
    path = tmp_path / "no.png"
    path.write_text("nothing")
    opened(browser, made.pages["digits"])
    choose(browser, path)
    text = "document.getElementById('failure').textContent"
    assert browser.becomes(text, "no.png is no picture that this browser reads")


def test_the_policy_lets_nothing_out(browser: Browser, made: Pages, tmp_path: Path) -> None:
    page = tmp_path / "injected.html"
    injected = "<script>document.title = 'taken'</script><img src='http://elsewhere.invalid/x.png'>"
    page.write_text(made.pages["digits"].read_text("utf-8").replace("</main>", f"{injected}</main>"), encoding="utf-8")
    opened(browser, page)
    assert browser.evaluate("document.title") != "taken"
    refused = "fetch('http://elsewhere.invalid/').then(() => 'sent', (error) => error.name)"
    assert browser.evaluate(refused) == "TypeError"
    refusals = " ".join(one["entry"]["text"] for one in browser.told("Log.entryAdded"))
    assert refusals.count("Content Security Policy") >= 3


def test_a_browser_that_computes_otherwise_is_told(browser: Browser, made: Pages, tmp_path: Path) -> None:
    """As if it did: the known outputs in the page are others."""
    page = tmp_path / "other.html"
    text = made.pages["digits"].read_text("utf-8")
    known = re.search(r'"known":\{"inputs":16,"outputs":"([^"]+)"', text)
    assert known is not None
    outputs = bytearray(base64.b64decode(known[1]))
    outputs[25] ^= 1
    page.write_text(text.replace(known[1], base64.b64encode(outputs).decode()), encoding="utf-8")
    opened(browser, page)
    assert "16 more inputs, 1 different" in browser.evaluate("document.getElementById('again').textContent")
    assert browser.evaluate("document.getElementById('badge').className") == "badge is-failed"
    assert browser.evaluate("document.querySelector('#badge strong').textContent").startswith("✗ Not the same")


def test_without_scripts_it_says_what_it_needs(browser: Browser, made: Pages) -> None:
    browser.show(1280, scripts=False)
    browser.open(made.pages["digits"].as_uri())
    text = browser.evaluate("document.body.innerText")
    browser.show(1280)
    assert "needs JavaScript" in text
    assert "Its bytes equal those of TensorFlow Lite for Microcontrollers" in text


def test_a_screen_reader_is_told_of_everything(browser: Browser, made: Pages) -> None:
    opened(browser, made.pages["digits"])
    names: dict[str, list[str]] = {}
    for node in browser.call("Accessibility.getFullAXTree")["nodes"]:
        if not node.get("ignored"):
            names.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value", ""))
    assert "Drawing pad" in names["application"]
    assert {"Clear", "Undo", "Save as .npy"} <= set(names["button"])
    assert "Pen" in names["slider"]
    assert "Swap dark and bright" in names["combobox"]
    assert all(name for role in ("button", "slider", "combobox", "image", "table") for name in names.get(role, ["x"]))
    assert browser.evaluate("document.querySelector('[role=status]').ariaLive") == "polite"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_texts_stand_out_from_their_ground(browser: Browser, made: Pages, dark: bool) -> None:
    """Contrast of 4.5 : 1 at least, as WCAG 2.2 asks of text (success criterion 1.4.3)."""
    opened(browser, made.pages["digits"], dark=dark)
    found = json.loads(browser.evaluate(_CONTRASTS))
    assert len(found) > 60
    assert [one for one in found if one[1] < 4.5] == []


_CONTRASTS = """(() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const linear = (one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => [r, g, b].map((one) => linear(one / 255)).reduce(
    (sum, one, at) => sum + one * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = numbers(getComputedStyle(one).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const texts = [...document.querySelectorAll('body *')].filter((one) => one.checkVisibility() && !one.disabled
    && [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()) && !one.closest('#pad-hint'));
  return JSON.stringify(texts.map((one) => {
    const [a, b] = [light(numbers(getComputedStyle(one).color)), light(ground(one))];
    return [one.textContent.trim().slice(0, 30), (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
  }));
})()"""
