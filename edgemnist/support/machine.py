"""What times were measured on, and what could have spoiled them: load, the governor, throttling, a host that steals."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC, _SYS = Path("/proc"), Path("/sys")
_GOVERNOR = "devices/system/cpu/cpu0/cpufreq/scaling_governor"
_INTEL_EVENTS = "devices/system/cpu/cpu0/thermal_throttle/core_throttle_count"
_RASPBERRY_PI = "devices/platform/soc/soc:firmware/get_throttled"
_RASPBERRY_PI_NOW = 0b1111
"""Bits of ``get_throttled``: under-voltage, capped frequency, throttled, soft temperature limit, each at present."""
_BUSY_SHARE = 0.5
"""A load above this share of the processors, before anything is measured, is others'."""


def machine_name() -> str:
    """Name the processor, the system and the Python."""
    processor = platform.processor() or platform.machine()
    text = _text(_PROC / "cpuinfo") or ""
    names = [line.split(":", 1)[1].strip() for line in text.splitlines() if "model name" in line]
    return (
        f"{names[0] if names else processor} ({platform.machine()}), {platform.system()}, "
        f"Python {platform.python_version()}"
    )


@dataclass(frozen=True)
class MachineState:
    """How busy the machine is at one moment.

    ``load``: the load average of the last minute, None where the system tells none. ``ticks`` and ``stolen_ticks``: of
    all processors since the start, and those that a hypervisor gave to others. ``throttle_events``: how often the
    processor was slowed down because of heat, None where nothing tells; ``throttled``: it is now.
    """

    load: float | None
    ticks: int
    stolen_ticks: int
    throttle_events: int | None
    throttled: bool

    @classmethod
    def now(cls) -> MachineState:
        """Look."""
        first = (_text(_PROC / "stat") or "").partition("\n")[0].split()[1:9]
        ticks = [int(one) for one in first]
        events, flags = _text(_SYS / _INTEL_EVENTS), _text(_SYS / _RASPBERRY_PI)
        return cls(
            load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
            ticks=sum(ticks),
            stolen_ticks=ticks[7] if len(ticks) > 7 else 0,
            throttle_events=int(events) if events and events.isdecimal() else None,
            throttled=bool(flags) and bool(int(flags or "0", 16) & _RASPBERRY_PI_NOW),
        )


@dataclass(frozen=True)
class Conditions:
    """What the machine did while times were measured.

    ``load_before``: the load average of the minute before; ``stolen_share``: 0..1, of the processors' time what the
    hypervisor gave to other guests; ``throttled``: the processor was slowed down because of heat or voltage, None where
    nothing tells; ``governor``: what chooses the processor's frequency, "" where nothing tells.
    """

    processors: int
    governor: str
    load_before: float | None
    stolen_share: float
    throttled: bool | None

    @classmethod
    def between(cls, before: MachineState, after: MachineState) -> Conditions:
        """Compare two moments."""
        return cls(
            processors=os.cpu_count() or 1,
            governor=_text(_SYS / _GOVERNOR) or "",
            load_before=None if before.load is None else round(before.load, 2),
            stolen_share=round((after.stolen_ticks - before.stolen_ticks) / max(1, after.ticks - before.ticks), 4),
            throttled=_throttled(before, after),
        )

    def in_words(self) -> str:
        """Return a line: the facts, then what to do if they spoil the times."""
        facts = "; ".join(self._facts())
        doubts = " and ".join(self._doubts())
        return f"{facts}. Times are rough: {doubts}" if doubts else facts

    def _facts(self) -> Iterator[str]:
        load = "load unknown" if self.load_before is None else f"load {self.load_before:.2f} before"
        yield f"{load}, {self.processors} processor{'s' if self.processors > 1 else ''}"
        yield f"governor {self.governor}" if self.governor else "governor not told"
        if self.throttled is None:
            yield "throttling not told"
        else:
            yield "throttled" if self.throttled else "not throttled"
        if self.stolen_share >= 0.0005:
            yield f"{100 * self.stolen_share:.1f} % of the time went to other guests of the host"

    def _doubts(self) -> Iterator[str]:
        if self.load_before is not None and self.load_before > _BUSY_SHARE * self.processors:
            yield "other work was running, measure again on a quiet machine"
        if self.throttled:
            yield "the processor was slowed down, cool it or mend its supply"
        if self.governor == "powersave":
            yield "the governor saves power, set it to performance"
        if self.stolen_share > 0.02:
            yield "the host was busy"


def _throttled(before: MachineState, after: MachineState) -> bool | None:
    if before.throttle_events is not None and after.throttle_events is not None:
        return after.throttle_events > before.throttle_events
    if (_SYS / _RASPBERRY_PI).exists():
        return before.throttled or after.throttled
    return None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return None
