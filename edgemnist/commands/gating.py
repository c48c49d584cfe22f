"""The options of what has to hold: gates, which may stand in a file too."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from edgemnist.harness.gates import Gates

_File = Annotated[
    Path | None,
    typer.Option("--gates", metavar="FILE.toml", help="File with gates. Default: parity.toml here, if there is one."),
]
_Floor = Annotated[
    float | None, typer.Option(metavar="PERCENT", help="Fail if a model is right less often in any runtime.")
]
_Drop = Annotated[
    float | None, typer.Option(metavar="POINTS", help="Fail if a converted model loses more percentage points.")
]
_Exact = Annotated[
    list[str] | None, typer.Option(metavar="NAME[,..]", help="Fail unless its int8 bytes equal the oracle's.")
]
_Lsb = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=LSB", help="Fail if its int8 values are further from the oracle's; repeatable."),
]
_Ratio = Annotated[
    list[str] | None,
    typer.Option(metavar="A/B=RATIO", help="Fail if runtime A takes more than RATIO times as long as B; repeatable."),
]


@dataclass(frozen=True)
class Gating:
    """Gates that runs in the runtimes decide."""

    gates: _File = None
    min_accuracy: _Floor = None
    max_accuracy_drop: _Drop = None
    require_exact: _Exact = None
    max_lsb: _Lsb = None
    max_latency_ratio: _Ratio = None

    def settings(self) -> Gates:
        """Return what the options and the file come to; which file is said on stderr.

        :raises InputError: a value is malformed, or none of those allowed.
        """
        from edgemnist.harness.gates import gates_from
        from edgemnist.harness.names import parse_names
        from edgemnist.support.progress import say

        values: dict[str, Any] = asdict(self)
        file = values.pop("gates")
        values["require_exact"] = parse_names(self.require_exact) if self.require_exact else None
        found = gates_from(values, file)
        if found.source:
            say(f"gates of {found.source}")
        return found


@dataclass(frozen=True)
class FirmwareGating(Gating):
    """The same, and gates that a firmware on its board decides."""

    max_flash: Annotated[int | None, typer.Option(metavar="BYTES", help="Fail if the firmware takes more flash.")] = (
        None
    )
    max_arena: Annotated[int | None, typer.Option(metavar="BYTES", help="Fail if the model's arena is larger.")] = None
    max_stack: Annotated[int | None, typer.Option(metavar="BYTES", help="Fail if more stack is used.")] = None
    max_instructions: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Fail if an inference takes more instructions, on average.")
    ] = None
