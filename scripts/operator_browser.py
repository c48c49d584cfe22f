"""LiteRT.js in a headless Chromium: which operators it knows, and which models of one it loads and runs."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PACKAGE = "@litertjs/core"
SECONDS = 120
AT_A_TIME = 40
"""Questions that a page answers: it keeps memory of every model that it loaded, or tried to."""


_PAGE = """<!doctype html><meta charset="utf-8">
<script type="importmap">{"imports": {"@litertjs/core": "./node_modules/@litertjs/core/dist/index.js",
 "@litertjs/wasm-utils": "./node_modules/@litertjs/wasm-utils/dist/index.js"}}</script>
<script type="module">
import {loadLiteRt, loadAndCompile, Tensor} from "@litertjs/core";
const bytes = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
const arrays = {float32: Float32Array, int32: Int32Array, uint8: Uint8Array};

// Its JavaScript has no tensors of some types at the edges of a model; inside the operator may well run.
const unfit = (error) => /Element type \\w+ is not supported|not a constructor/.test(String(error));

// What fails within does not always reach JavaScript as an exception; it is printed.
let printed = "";
for (const name of ["log", "info", "warn", "error"])
  console[name] = (...words) => { printed += words.join(" ") + "\\n"; };
const failed = () => /failed to|Failed to|Didn't find op/.test(printed);

async function opened(content) {
  return loadAndCompile(content, {accelerator: "wasm"});
}

async function knows(template, number, version) {
  const content = bytes(template.content), view = new DataView(content.buffer);
  view.setInt8(template.deprecated, Math.min(number, 127));
  view.setInt32(template.code, number, true);
  view.setInt32(template.version, version, true);
  try { (await opened(content)).delete(); return true; } catch (error) { return false; }
}

async function run(content) {
  let model;
  printed = "";
  try { model = await opened(content); } catch (error) { return unfit(error) ? "?" : "-"; }
  try {
    const inputs = model.getInputDetails().map((one) => {
      const shape = [...one.shape].map((size) => Math.max(size, 1));
      return new Tensor(new arrays[one.dtype](shape.reduce((a, b) => a * b, 1)).fill(1), shape);
    });
    const outputs = await model.run(inputs);
    for (const one of [...inputs, ...outputs]) one.delete();
    return failed() ? "-" : "+";
  } catch (error) { return unfit(error) ? "?" : "-"; } finally { model.delete(); }
}

async function main() {
  const asked = await (await fetch("questions.json")).json();
  await loadLiteRt("./node_modules/@litertjs/core/wasm/");
  const found = {versions: {}, cases: []};
  for (const [kind, number] of Object.entries(asked.kinds)) {
    let version = 0;
    while (version < asked.most && await knows(asked.template, number, version + 1)) version += 1;
    found.versions[kind] = version;
  }
  for (const content of asked.cases) found.cases.push(await run(bytes(content)));
  found.machine = navigator.userAgent;
  return found;
}
main().catch((error) => ({error: String(error)})).then((found) =>
  fetch("answers", {method: "POST", body: JSON.stringify(found)}));
</script>
"""


class _Handler(SimpleHTTPRequestHandler):
    """Serves a folder and takes the answers."""

    answers: dict[str, Any]
    answered: threading.Event

    def do_POST(self) -> None:
        """Take the page's answers."""
        self.answers.update(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()
        self.answered.set()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


EDGES = ("float32", "int32", "uint8")
"""Types of the tensors that its JavaScript has: what inputs and outputs of a model can be."""


def measure(folder: Path, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Install LiteRT.js in a folder and ask it everything in a page of its own.

    :param asked: questions as for the probe, its cases with float edges.
    """
    place = folder / "litert-js"
    place.mkdir(exist_ok=True)
    if not (place / "node_modules").exists():
        (place / "package.json").write_text("{}")
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", PACKAGE], cwd=place, check=True)
    (place / "index.html").write_text(_PAGE)
    package = json.loads((place / "node_modules" / PACKAGE / "package.json").read_text())
    found: dict[str, Any] = {"versions": {}, "cases": []}
    for part in _parts(asked):
        (place / "questions.json").write_text(json.dumps(part))
        answers = _answers(place)
        if "error" in answers:
            raise SystemExit(f"LiteRT.js: {answers['error']}")
        found["versions"].update(answers["versions"])
        found["cases"] += answers["cases"]
        found["machine"] = answers["machine"]
    return {"package": PACKAGE, "version": package["version"], "edges": list(EDGES), **found}


def _parts(asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    kinds, cases = list(asked["kinds"].items()), asked["cases"]
    for start in range(0, len(kinds), AT_A_TIME):
        yield {**asked, "kinds": dict(kinds[start : start + AT_A_TIME]), "cases": []}
    for start in range(0, len(cases), AT_A_TIME):
        yield {**asked, "kinds": {}, "cases": cases[start : start + AT_A_TIME]}


def _answers(place: Path) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    answered = threading.Event()
    handler = type("Handler", (_Handler,), {"answers": answers, "answered": answered})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(place)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    browser = shutil.which("chromium") or "chromium"
    with tempfile.TemporaryDirectory() as profile:
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
        process = subprocess.Popen(
            [browser, *options, f"http://127.0.0.1:{server.server_address[1]}/index.html"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            if not answered.wait(SECONDS):
                raise SystemExit(f"LiteRT.js: no answer within {SECONDS} s")
        finally:
            process.terminate()
            process.wait()
            server.shutdown()
    return answers
