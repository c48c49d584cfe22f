"""Each platform's manifests, read by the format's own parser where Python has one, against what the platform documents.

What the tools themselves say about whole packages is in ``test_packages_builds.py``.
"""

from __future__ import annotations

import configparser
import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from edgemnist.mcu.packages.arduino import CORE_HEADERS
from tests.mcu.packaging import unpack

pytestmark = pytest.mark.unit

yaml: Any = pytest.importorskip("yaml")
URL = "https://example.org/nets?a=1&b=2#shapes"


def _yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def test_arduino_library(tmp_path: Path) -> None:
    """The fields, name, layout and keywords that the Arduino library specification (revision 2.2) asks for."""
    folder = unpack("arduino", tmp_path, url=URL)
    lines = (folder / "library.properties").read_text().splitlines()
    fields = dict(line.split("=", 1) for line in lines)
    assert len(fields) == len(lines)
    required = ("name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url", "architectures")
    assert all(fields[field] for field in required)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 _.\-]{0,62}", fields["name"])
    assert fields["category"] == "Data Processing"
    assert fields["url"] == URL
    assert fields["includes"] == "shapes.h"
    assert (folder / "src" / fields["includes"]).is_file()
    for sketch in (folder / "examples").iterdir():
        assert (sketch / f"{sketch.name}.ino").is_file()
    keywords = (folder / "keywords.txt").read_text().splitlines()[1:]
    source = "\n".join(path.read_text() for path in (folder / "src").glob("shapes*.h"))
    for line in keywords:
        word, kind = line.split("\t")
        assert kind in ("KEYWORD1", "KEYWORD2", "LITERAL1")
        assert re.search(rf"\b{word}\b", source)


def test_arduino_headers_hide_none_of_the_core(tmp_path: Path) -> None:
    """The library's and a sketch's folder are on the include path of the core, too, and one core has a board.h."""
    headers = {path.stem for path in unpack("arduino", tmp_path).rglob("*.h")}
    assert {"em_board", "em_link"} <= headers
    assert not headers & CORE_HEADERS


def test_platformio_project(tmp_path: Path) -> None:
    """Every environment says what it needs; the library's manifest describes the folders that are there."""
    folder = unpack("platformio", tmp_path)
    project = configparser.ConfigParser(inline_comment_prefixes=(" ;",))
    project.read_string((folder / "platformio.ini").read_text())
    environments = [name for name in project.sections() if name.startswith("env:")]
    assert "env:native" in environments
    assert f"env:{project['platformio']['default_envs']}" in environments
    for name in environments[1:]:
        assert {"platform", "board", "framework"} <= project[name].keys()
    library = folder / "lib" / "shapes"
    manifest = json.loads((library / "library.json").read_text())
    assert (manifest["name"], manifest["version"], manifest["license"]) == ("shapes", "1.0.0", "Apache-2.0")
    for kind in ("srcDir", "includeDir"):
        assert (library / manifest["build"][kind]).is_dir()
    assert (library / "include" / manifest["headers"]).is_file()


@pytest.mark.parametrize("url", ["", URL])
def test_esp_idf_component(tmp_path: Path, url: str) -> None:
    """The manifest's fields, and sources that exist."""
    folder = unpack("esp-idf", tmp_path, url=url)
    manifest = _yaml(folder / "idf_component.yml")
    assert manifest["version"] == "1.0.0"
    assert manifest.get("url", "") == url
    assert manifest["dependencies"] == {"idf": ">=4.4"}
    assert set(manifest) <= {"version", "description", "license", "url", "tags", "dependencies"}
    for source in re.findall(r'"(src/\w+\.c)"', (folder / "CMakeLists.txt").read_text()):
        assert (folder / source).is_file()
    example = folder / "examples" / "self_test"
    extra = re.search(
        r'EXTRA_COMPONENT_DIRS "\$\{CMAKE_CURRENT_LIST_DIR\}/(.+?)"', (example / "CMakeLists.txt").read_text()
    )
    assert extra is not None
    assert (example / extra[1]).resolve() == folder.resolve()
    assert folder.name in (example / "main" / "CMakeLists.txt").read_text()


def test_zephyr_module(tmp_path: Path) -> None:
    """module.yml names files that are there, and every option that is set or asked for exists."""
    folder = unpack("zephyr", tmp_path)
    module = _yaml(folder / "zephyr" / "module.yml")
    assert module["build"] == {"cmake": ".", "kconfig": "Kconfig"}
    assert all((folder / sample).is_dir() for sample in module["samples"])
    options = set(re.findall(r"^config (\w+)$", (folder / "Kconfig").read_text(), re.M))
    used = set(re.findall(r"CONFIG_(EDGEMNIST_\w+)", (folder / "CMakeLists.txt").read_text()))
    sample = folder / "samples" / "self_test"
    settings = re.findall(r"^CONFIG_(\w+)=(?:y|\d+)$", (sample / "prj.conf").read_text(), re.M)
    assert used == options == {name for name in settings if name.startswith("EDGEMNIST_")}
    tests = _yaml(sample / "sample.yaml")
    (test,) = tests["tests"].values()
    (pattern,) = test["harness_config"]["regex"]
    assert re.search(pattern, "*** Booting ***\nshapes: PASSED\n")


@pytest.mark.parametrize("url", ["", URL])
def test_pdsc(tmp_path: Path, url: str) -> None:
    """Elements that the PACK schema (1.7) requires, names it allows, files that are there, conditions that exist."""
    folder = unpack("cmsis-pack", tmp_path, url=url)
    (description,) = folder.glob("*.pdsc")
    package = ElementTree.parse(description).getroot()
    assert (package.tag, package.get("schemaVersion")) == ("package", "1.7.7")
    assert description.name == f"{package.findtext('vendor')}.{package.findtext('name')}.pdsc"
    assert package.findtext("url", "missing") == url
    assert re.fullmatch(r"[\-_A-Za-z0-9]+", package.findtext("name", ""))
    assert (folder / package.findtext("license", "missing")).is_file()
    release = package.find("releases/release")
    assert release is not None
    assert release.get("version") == "1.0.0"
    conditions = {condition.get("id") for condition in package.iter("condition")}
    components = list(package.iter("component"))
    assert {part.get("condition") for part in components} <= conditions | {None}
    listed = {file.get("name", "") for file in package.iter("file")}
    assert all((folder / name).exists() for name in listed)
    sources = {str(path.relative_to(folder)) for path in folder.glob("src/*")}
    assert sources <= listed
    names = {(part.get("Cclass"), part.get("Cgroup"), part.get("Csub")) for part in components}
    required = {(need.get("Cclass"), need.get("Cgroup"), need.get("Csub")) for need in package.iter("require")}
    assert required <= names


def test_pdsc_example(tmp_path: Path) -> None:
    """The example's documents and projects exist, and its solution asks for the components of the pack."""
    folder = unpack("cmsis-pack", tmp_path)
    package = ElementTree.parse(next(folder.glob("*.pdsc"))).getroot()
    (example,) = package.iter("example")
    place = folder / str(example.get("folder"))
    assert (place / str(example.get("doc"))).is_file()
    environment = example.find("project/environment")
    assert environment is not None
    solution = _yaml(place / str(environment.get("load")))
    assert {"pack": "edgemnist::shapes@1.0.0"} in solution["solution"]["packs"]
    project = _yaml(place / solution["solution"]["projects"][0]["project"])
    wanted = {part["component"] for part in project["project"]["components"]}
    for part in package.findall("components/component"):
        assert "edgemnist::" + ":".join(str(part.get(key)) for key in ("Cclass", "Cgroup", "Csub")) in wanted
    assert (place / project["project"]["groups"][0]["files"][0]["file"]).is_file()
