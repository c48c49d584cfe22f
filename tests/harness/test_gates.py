"""Gates from a file and from options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgemnist.harness.gates import FirmwareGates, Gates, gates_from, read_gates
from edgemnist.support.errors import InputError

pytestmark = pytest.mark.unit

WHOLE = """
min_accuracy = 98.5
max_accuracy_drop = 0.5
require_exact = ["tflm", "host-c"]

[max_lsb]
litert-default = 1

[max_latency_ratio]
"host-c/litert-default" = 1.5

[firmware]
max_flash = 65536
max_arena = 20000
max_stack = 2048
max_instructions = 3000000
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder, the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_whole_file(here: Path) -> None:
    path = here / "gates.toml"
    path.write_text(WHOLE)

    assert read_gates(path) == Gates(
        min_accuracy=98.5,
        max_accuracy_drop=0.5,
        require_exact=("tflm", "host-c"),
        max_lsb={"litert-default": 1},
        max_latency_ratio={("host-c", "litert-default"): 1.5},
        firmware=FirmwareGates(65536, 20000, 2048, 3000000),
        source=str(path),
    )


def test_options_say_the_same() -> None:
    options = {
        "min_accuracy": 98.5,
        "max_accuracy_drop": 0.5,
        "require_exact": ("tflm", "host-c"),
        "max_lsb": ["litert-default=1"],
        "max_latency_ratio": ["host-c/litert-default=1.5"],
        "max_flash": 65536,
        "max_arena": None,
    }

    found = gates_from(options, None)

    assert found.max_lsb == {"litert-default": 1}
    assert found.max_latency_ratio == {("host-c", "litert-default"): 1.5}
    assert found.firmware == FirmwareGates(max_flash=65536)
    assert found.needed_runtimes() == ("tflm", "host-c", "litert-default", "tflite-runtime-reference")


def test_an_option_goes_before_the_file_of_this_folder(here: Path) -> None:
    (here / "parity.toml").write_text(WHOLE)

    found = gates_from({"min_accuracy": 90.0, "max_lsb": ["tflite-runtime-default=0"], "max_flash": 1}, None)

    assert found.source == "parity.toml"
    assert found.min_accuracy == 90.0
    assert found.max_accuracy_drop == 0.5
    assert found.max_lsb == {"litert-default": 1, "tflite-runtime-default": 0}
    assert found.firmware == FirmwareGates(1, 20000, 2048, 3000000)


def test_a_gate_of_nought_is_one(here: Path) -> None:
    """0 percentage points of loss is the strictest of limits, none at all the laxest."""
    (here / "parity.toml").write_text(WHOLE)

    found = gates_from({"max_accuracy_drop": 0.0, "max_lsb": ["litert-default=0"]}, None)

    assert (found.max_accuracy_drop, found.max_lsb) == (0.0, {"litert-default": 0})
    assert found.as_json()["max_accuracy_drop"] == 0.0
    assert Gates(max_accuracy_drop=0.0).of_runtimes


def test_nothing_is_asked_for(here: Path) -> None:
    assert gates_from({"min_accuracy": None, "max_flash": None}, None) == Gates()
    assert not Gates(firmware=FirmwareGates(max_flash=1)).of_runtimes
    assert Gates().needed_runtimes() == ()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("min_accuracy = ", "is no TOML"),
        ("min_accuracy = " + "[" * 100_000, "is no TOML"),
        ("", "has no gate; it may have min_accuracy"),
        ("min_acuracy = 9", "min_acuracy is no gate; .* did you mean min_accuracy?"),
        ("min_accuracy = 101", "min_accuracy is 101; it has to be a number, 0 to 100"),
        ("min_accuracy = true", "min_accuracy is True; it has to be a number"),
        ("min_accuracy = nan", "min_accuracy is nan"),
        ("min_accuracy = '98'", "min_accuracy is '98'"),
        ("require_exact = ['tflmm']", "tflmm"),
        ("require_exact = 3", "require_exact is 3; it has to be a list of runtimes"),
        ("max_lsb = 1", "max_lsb is 1; it has to be a table"),
        ("[max_lsb]\ntflm = 0.5", "max_lsb.tflm is 0.5; it has to be a whole number"),
        ("[max_lsb]\nnobody = 1", "nobody"),
        ("[max_latency_ratio]\ntflm = 1", "'tflm' is no pair of runtimes"),
        ("[max_latency_ratio]\n'tflm/tflm' = 1", "is no pair of runtimes"),
        ("[max_latency_ratio]\n'tflm/host-c' = -1", "max_latency_ratio.tflm/host-c is -1; .* 0 or more"),
        ("[firmware]\nmax_ram = 1", "firmware.max_ram is no gate; known: max_flash"),
        ("[firmware]\nmax_flash = -5", "firmware.max_flash is -5"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_its_place(here: Path, content: str, said: str) -> None:
    path = here / "gates.toml"
    path.write_text(content)

    with pytest.raises(InputError, match=said) as caught:
        read_gates(path)

    assert "gates.toml" in str(caught.value) or "runtime" in str(caught.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"max_lsb": ["litert-default"]}, "--max-lsb 'litert-default' is not of the form RUNTIME=LSB"),
        ({"max_lsb": ["litert-default=x"]}, "is not of the form"),
        ({"max_latency_ratio": ["tflm=1"]}, "no pair of runtimes"),
        ({"min_accuracy": -1.0}, "--min-accuracy is -1.0"),
        ({"max_flash": -1}, "--max-flash is -1"),
    ],
)
def test_what_is_wrong_in_an_option_is_said_by_its_name(here: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        gates_from(options, None)


@pytest.mark.parametrize("name", ["missing.toml", "."])
def test_a_file_that_cannot_be_read(here: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"missing\.toml|folder"):
        gates_from({}, Path(name))
