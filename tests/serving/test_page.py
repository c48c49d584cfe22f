"""The page of a server in a real browser: the same picture in every engine, each with the harness's very answer."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from numpy.typing import NDArray

from edgemnist.harness.outputs import probabilities
from edgemnist.runner import find_runtime
from edgemnist.runner.client import runtime_worker
from edgemnist.runner.run import LoadedModel, invoke_with, load_model
from edgemnist.tflite.preprocessing import Preprocessing
from tests.browser import Browser, find_browser, open_browser
from tests.commands.report.nets import CLASSES, SIDE, draw, write_work
from tests.oracles import needs
from tests.page import hands
from tests.serving.running import QUICK, Running, running, until

pytestmark = [
    needs("tflm"),
    *(
        pytest.mark.skipif(find_runtime(name).available() is not None, reason=f"no {name} here; run scripts/test")
        for name in ("cortex-m4", "host-c", "litert-default")
    ),
]
NEEDS_BROWSER = pytest.mark.skipif(find_browser() is None, reason="no Chromium is installed; run scripts/test")

HTML = {"Accept": "text/html,*/*;q=0.8"}
KNOWN = Preprocessing((SIDE, SIDE, 1), CLASSES)
ENGINES = ("float", "litert-default", "host-c", "cortex-m4")
NO_ZIG = 'import sys\nsys.modules["ziglang"] = None\n'


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a work folder with a float and an int8 net."""
    return write_work(tmp_path_factory.mktemp("work"))


@pytest.fixture(scope="module")
def served(work: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Return a server of the work folder's int8 net, whose page is made."""
    with running(tmp_path_factory.mktemp("server"), "--work", work) as one:
        until(lambda: 'id="network"' in one.get("/", headers=HTML).text, 120)
        yield one


@pytest.fixture(scope="module")
def answers(work: Path) -> dict[str, NDArray[Any]]:
    """Return what the harness has of every engine for the test images: shape (120, 3)."""
    images = draw(120, 2)[0]
    runtimes = {"float": QUICK, **{name: name for name in ENGINES[1:]}}
    return {name: outputs_of(model_of(work, name), runtime, images) for name, runtime in runtimes.items()}


def model_of(work: Path, engine: str) -> LoadedModel:
    return load_model(work / ("model_float32.tflite" if engine == "float" else "model_int8.tflite"))


def outputs_of(model: LoadedModel, runtime: str, images: NDArray[np.uint8]) -> NDArray[Any]:
    with runtime_worker(runtime) as worker:
        return invoke_with(worker, model, model.inputs(images, KNOWN))


def ask(server: Running, image: NDArray[np.uint8], query: str = "") -> dict[str, Any]:
    answer = server.post(f"/engines/model_int8?invert=no{query}", json={"pixels": image[..., 0].tolist()})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def disagreeing(answers: dict[str, NDArray[Any]]) -> int:
    """Return the number of an image that the float net takes for another class than the int8 net."""
    return int(np.flatnonzero(answers["float"].argmax(axis=1) != answers["host-c"].argmax(axis=1))[0])


# --- the API ---------------------------------------------------------------------------------------------------------


def test_every_engine_gives_the_harnesss_answer(served: Running, work: Path, answers: dict[str, NDArray[Any]]) -> None:
    images, other = draw(120, 2)[0], disagreeing(answers)
    for number in (0, 1, other):
        found = ask(served, images[number])
        assert (found["compared_with"], found["framing"], found["inverted"]) == ("host-c", "as it is", False)
        assert [one["engine"] for one in found["engines"]] == list(ENGINES)
        for one in found["engines"]:
            row = answers[one["engine"]][number]
            assert one["problem"] is None
            assert one["output"] == row.tolist()
            chances = probabilities(row[np.newaxis], model_of(work, one["engine"]), KNOWN)[0]
            assert one["probabilities"] == chances.tolist()
            assert one["label"] == CLASSES[int(chances.argmax())]
            assert (one["instructions"] is not None) == (one["engine"] == "cortex-m4")
            assert one["same_class"] == (number != other or one["engine"] != "float")
        assert [one.get("different_outputs") for one in found["engines"]] == [None, 0, 0, 0]
        assert 200 < found["engines"][3]["instructions"] < 20_000


def test_engines_are_told_and_chosen(served: Running) -> None:
    found = served.get("/engines/model_int8").json()
    assert [(one["engine"], one["problem"]) for one in found["engines"]] == [(name, None) for name in ENGINES]
    assert found["model"]["classes"] == list(CLASSES)
    one = ask(served, draw(1, 2)[0][0], "&engine=float")
    assert ([each["engine"] for each in one["engines"]], one["compared_with"]) == (["float"], None)
    for address, text in (("other", "there are: model_int8"), ("model_int8?engine=x", "there are: float, litert")):
        answer = served.post(f"/engines/{address}", json={"pixels": [[0]]})
        assert (answer.status_code, text in answer.json()["error"]) == (404, True)


def test_what_an_engine_cannot_do_is_said_in_its_place(tmp_path: Path, float_model: Path) -> None:
    """A float model has no generated C; one alone has no float model beside it."""
    with running(tmp_path, float_model, "--runtime", QUICK) as server:
        found = server.get("/engines/seedcnn_float").json()["engines"]
        assert [one["engine"] for one in found] == [QUICK]
        page = until(lambda: _made(server), 60)
    assert "Not in your browser" in page
    assert "convert it with `edgemnist convert --int8` and serve that" in page


def _made(server: Running) -> str:
    text = server.get("/", headers=HTML).text
    return text if 'id="network"' in text else ""


# --- the page --------------------------------------------------------------------------------------------------------


def test_programs_are_led_to_the_documentation_and_browsers_get_a_policy(served: Running) -> None:
    assert served.get("/").url.endswith("/docs")
    answer = served.get("/", headers=HTML)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; connect-src 'self'; ")
    assert policy.endswith("; frame-ancestors 'none'")
    assert "unsafe-inline" not in policy
    assert "default-src 'none'; style-src 'unsafe-inline'" in served.get("/docs").headers["Content-Security-Policy"]
    assert len([name for name in answer.raw.headers if name.lower() == "content-security-policy"]) == 1


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    profile = tmp_path_factory.mktemp("browser") / "profile"
    profile.mkdir()
    with open_browser(profile, "127.0.0.1") as opened:
        yield opened


def opened(browser: Browser, server: Running, width: int = 1280, *, dark: bool = False) -> None:
    browser.show(width, dark=dark)
    browser.open(f"{server.url}/")
    assert browser.becomes(hands.READY, True, 30)


def complaints(browser: Browser, server: Running) -> list[str]:
    """Return what the page said on the console, what went wrong, and what it asked for elsewhere."""
    said = [str(one) for kind in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown") for one in browser.told(kind)]
    said += [one["entry"]["text"] for one in browser.told("Log.entryAdded")]
    asked = [one["request"]["url"] for one in browser.told("Network.requestWillBeSent")]
    own = (f"{server.url}/engines/", "data:", "blob:")
    return [*said, *(one for one in asked if one != f"{server.url}/" and not one.startswith(own))]


def rows_of(browser: Browser) -> list[list[str]]:
    """Return what stands in the table: of each engine its answer, what it took and how it compares."""
    found: list[list[str]] = json.loads(
        browser.evaluate(
            "JSON.stringify([...document.querySelectorAll('#engines tbody tr')].map((row) =>"
            " [...row.cells].slice(1).map((one) => one.textContent)))"
        )
    )
    return found


STATE = "document.getElementById('engines-state').textContent"


@NEEDS_BROWSER
@pytest.mark.parametrize(("width", "dark"), [(375, False), (1280, True)])
def test_what_is_drawn_is_answered_by_every_engine(
    browser: Browser, served: Running, work: Path, width: int, dark: bool
) -> None:
    opened(browser, served, width, dark=dark)
    hands.draw(browser, [(40, 20), (40, 260), (60, 140)])
    assert browser.becomes(f"/^4 engines have answered/.test({STATE})", True, 30)
    label = browser.evaluate("document.querySelector('#answer .label').textContent")
    image = np.array(json.loads(browser.evaluate("JSON.stringify([...edgemnist.network.input])"))) + 128
    runtimes = {name: QUICK if name == "float" else name for name in ENGINES}
    there = {name: outputs_of(model_of(work, name), one, pixels(image))[0] for name, one in runtimes.items()}
    expected = {name: CLASSES[int(row.argmax())] for name, row in there.items()}
    rows = dict(zip(ENGINES, rows_of(browser), strict=True))
    assert {name: row[0].rpartition(" ")[0].rpartition(" ")[0] for name, row in rows.items()} == expected
    assert [row[2] for row in rows.values()][1:] == ["✓ same 3 bytes as here"] * 3
    assert rows["cortex-m4"][1].endswith(" instructions")
    assert expected["host-c"] == label
    assert complaints(browser, served) == []
    assert browser.evaluate("document.documentElement.scrollWidth") == width


def pixels(image: NDArray[Any]) -> NDArray[np.uint8]:
    return image.astype(np.uint8).reshape(1, SIDE, SIDE, 1)


@NEEDS_BROWSER
def test_the_worst_pictures_are_shown_and_disagreement_is_marked(
    browser: Browser, served: Running, work: Path, answers: dict[str, NDArray[Any]]
) -> None:
    images, labels = draw(120, 2)
    chances = probabilities(answers["host-c"], model_of(work, "host-c"), KNOWN)
    own, said = chances[np.arange(120), labels], chances.argmax(axis=1)
    opened(browser, served)
    shown = json.loads(browser.evaluate("JSON.stringify(edgemnist.facts.server.gallery)"))
    assert [one["probability"] for one in shown] == sorted(own.tolist())[:24]
    text = browser.evaluate("document.querySelector('#gallery').previousElementSibling.textContent")
    assert f"all 120 test images of pictures.npz: {int((said != labels).sum())} of these are taken for another" in text
    browser.evaluate("document.querySelector('#gallery button').click()")
    assert browser.becomes("document.querySelector('#answer .label').textContent", CLASSES[shown[0]["said"]])
    kept = base64.b64encode(images[disagreeing(answers)].tobytes()).decode()
    assert browser.evaluate("document.getElementById('gallery-pixels').textContent.length") > len(kept)
    _show(browser, images[disagreeing(answers)])
    assert browser.becomes(STATE, "4 engines have answered, 1 otherwise.", 30)
    assert rows_of(browser)[0][2] == "✗ another class"
    assert browser.evaluate("document.querySelector('#engines tbody tr').className") == "disagrees"
    assert complaints(browser, served) == []


def _show(browser: Browser, image: NDArray[np.uint8]) -> None:
    """Drop a picture of the net's size on the page, in grey."""
    from tests.serving.conftest import png

    content = base64.b64encode(png(image[..., 0])).decode()
    browser.evaluate(
        "{ const all = new DataTransfer(); all.items.add(new File([Uint8Array.from(atob("
        f"'{content}'), (one) => one.charCodeAt(0))], 'it.png', {{ type: 'image/png' }}));"
        "document.dispatchEvent(new DragEvent('drop', { dataTransfer: all, cancelable: true })); }"
    )


@NEEDS_BROWSER
def test_without_the_compiler_the_page_asks_the_server_alone(browser: Browser, work: Path, tmp_path: Path) -> None:
    """Zig is also what builds the firmware here, so that the emulated core is not there either."""
    (tmp_path / "sitecustomize.py").write_text(NO_ZIG)
    paths = {"PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[2]}"}
    with running(tmp_path, "--work", work, environment=paths) as server:
        until(lambda: _made(server), 60)
        opened(browser, server)
        badge = browser.evaluate("document.getElementById('badge').textContent")
        assert "Not in your browser" in badge
        assert "ziglang is not installed; install it with: pip install 'edgemnist[page]'" in badge
        assert browser.evaluate("document.getElementById('answer').textContent") == "–nothing there yet"
        hands.draw(browser, [(40, 20), (40, 260), (60, 140)])
        assert browser.becomes(f"/^3 engines have answered|^4 engines have answered/.test({STATE})", True, 30)
        label = browser.evaluate("document.querySelector('#answer .label').textContent")
        assert rows_of(browser)[2][0].startswith(f"{label} ")
        assert browser.evaluate("document.querySelectorAll('#bars tbody tr').length") == 3
        assert browser.evaluate("document.getElementById('layers')") is None
        assert complaints(browser, server) == []


def test_a_browser_sends_the_key_as_a_password(work: Path, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("the-key\n")
    with running(tmp_path, "--work", work, "--api-key-file", tmp_path / "keys") as server:
        refused = server.get("/", headers=HTML)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith('Basic realm="edgemnist')
        for key, status in (("the-key", 200), ("another", 401)):
            answer = requests.get(f"{server.url}/", headers=HTML, auth=("anybody", key), timeout=30)
            assert answer.status_code == status
        assert server.post("/engines/model_int8", json={"pixels": [[0]]}).status_code == 401
        broken = server.get("/", headers={**HTML, "Authorization": "Basic %%%"})
        assert broken.status_code == 401
