"""Published cycle counts beside what the models say, and the error band of every core that follows from them.

Three kinds of evidence; a ratio is published / modelled cycles.

1. **The same code.** Assembly whose authors published its cycles, on chips at clocks for which flash needs no wait
   states or behind a cache. It was assembled, run in an emulator, and its profile estimated: the ratio is the model's
   error.
2. **CoreMark, relative to Cortex-M4.** Arm publishes CoreMark/MHz of every core with its own compiler. The compiler's
   share is the same on every core, so how a core's ratio (model with GCC's code) differs from Cortex-M4's is the error
   of its model relative to Cortex-M4's, which evidence 1 bounds.
3. **Networks on chips.** MLPerf Tiny publishes latencies of ResNet-8 and DS-CNN. Cycles per instruction there,
   instructions counted on TFLM with CMSIS-NN, beside the model's on a loop of that style
   (``scripts/calibrate_cycles`` runs it). This includes what the models leave out, waits for weights in flash above
   all, and that the code is not the very same. Hence it widens only the upper bound: with flash wait states, and for
   Cortex-M7 and M33, which have no evidence 1, always.

A band is the least to the greatest ratio, 1 included. Generated code has more of some instructions than any of the code
above (``MOST``): of a multiply or a load of several words a band says less than of an average instruction. On Cortex-M0
to M4 those have one count in the manual each, and its ranges are in the bounds; Cortex-M7 and M33 have evidence 3. So
no band is widened for it, but ``basis`` names them. What networks took beyond the models is widened: it is waits for
data above all, which come with every word, so it grows with the words that the code loads in a cycle. The figures
under ``modelled`` belong to the models as they are: who changes a model measures again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor

from edgemnist.mcu.timing.mix import Mix


@dataclass(frozen=True)
class Band:
    """The true count is expected between ``low`` and ``high`` times the estimate. ``basis``: one sentence on why."""

    low: float
    high: float
    basis: str


@dataclass(frozen=True)
class SameCode:
    """``published`` and ``modelled``: cycles of one call of the same code, of AES in counter mode of one block."""

    core: str
    code: str
    published: float
    modelled: float

    @property
    def ratio(self) -> float:
        """Return published / modelled."""
        return self.published / self.modelled


SAME_CODE = (
    # E. Lenngren, P256-cortex-ecdh (github.com/Emill), cycles in the source file and README; shared secret and keygen.
    SameCode("cortex-m0", "P-256 ECDH, all for speed", 4_456_738, 4_473_317),
    SameCode("cortex-m0", "P-256 ECDH, all for size", 5_764_182, 5_807_730),
    SameCode("cortex-m0", "P-256 ECDH, between", 4_851_527, 4_893_568),
    SameCode("cortex-m4", "P-256 ECDH, for speed", 994_000, 941_438),
    SameCode("cortex-m4", "P-256 ECDH, for size", 1_108_000, 1_081_430),
    # E. Lenngren, X25519-Cortex-M4, README.
    SameCode("cortex-m4", "X25519", 548_873, 540_681),
    # P. Schwabe, K. Stoffelen, "All the AES You Need on Cortex-M3 and M4", SAC 2016, and its repository's README;
    # STM32L100C and STM32F407. Key expansions are timed with the call.
    SameCode("cortex-m3", "AES-128 key expansion", 249.8, 236.0),
    SameCode("cortex-m3", "AES-128 block", 637.5, 616.0),
    SameCode("cortex-m3", "AES-128 CTR", 531.8, 518.6),
    SameCode("cortex-m3", "AES-192 CTR", 651.0, 632.6),
    SameCode("cortex-m3", "AES-256 CTR", 767.0, 747.6),
    SameCode("cortex-m3", "AES-128 CTR, bitsliced", 1618.6, 1629.1),
    SameCode("cortex-m4", "AES-128 key expansion", 244.9, 236.0),
    SameCode("cortex-m4", "AES-128 block", 634.7, 616.0),
    SameCode("cortex-m4", "AES-128 CTR", 527.9, 518.6),
    SameCode("cortex-m4", "AES-192 CTR", 644.0, 632.6),
    SameCode("cortex-m4", "AES-256 CTR", 760.7, 747.6),
    SameCode("cortex-m4", "AES-128 CTR, bitsliced", 1616.6, 1629.1),
    # A. Adomnicai, T. Peyrin, "Fixslicing AES-like Ciphers", TCHES 2021/1, README of github.com/aadomn/aes: cycles per
    # byte, two blocks a call.
    SameCode("cortex-m3", "AES-128 fully fixsliced", 84.3 * 32, 2741),
    SameCode("cortex-m3", "AES-128 semi-fixsliced", 87.1 * 32, 2841),
    SameCode("cortex-m3", "AES-256 fully fixsliced", 115.6 * 32, 3765),
    SameCode("cortex-m3", "AES-256 semi-fixsliced", 119.9 * 32, 3915),
)

COREMARK_PER_MHZ = {
    "cortex-m0": 2.33,
    "cortex-m0plus": 2.46,
    "cortex-m3": 3.34,
    "cortex-m4": 3.42,
    "cortex-m7": 5.01,
    "cortex-m33": 4.02,
}
"""Arm's product pages."""

COREMARK_MODELLED = {
    "-O3 -funroll-all-loops": (504_920, 470_758, 348_600, 346_790, 243_912, 302_467),
    "-O3": (552_767, 508_106, 400_868, 382_680, 270_450, 332_208),
    "-O2": (563_655, 513_727, 409_056, 401_376, 268_530, 353_752),
}
"""Modelled cycles of one CoreMark 1.0 iteration built by GCC 12.2 with these flags, cores as in the table above."""

STYLED_LOOP = {"cortex-m4": 1.189, "cortex-m7": 0.783, "cortex-m33": 1.073}
"""The models' cycles per instruction of ``conv_blocked``: scripts/calibrate_cycles with arm-none-eabi-gcc 12.2 -O2."""

MOST = {
    "cortex-m0": (0.183, 0.191, 0.049, 0.087, 0.185),
    "cortex-m0plus": (0.183, 0.191, 0.049, 0.027, 0.185),
    "cortex-m3": (0.345, 0.432, 0.196, 0.036, 0.214),
    "cortex-m4": (0.345, 0.432, 0.196, 0.463, 0.214),
    "cortex-m7": (0.238, 0.240, 0.076, 0.194, 0.232),
    "cortex-m33": (0.246, 0.248, 0.078, 0.201, 0.214),
}
"""The most of each of ``COUNTED`` in an instruction of the code that a core's band comes from: CoreMark on every core
(GCC 12.2, the flags above), P-256 on Cortex-M0 and M4, X25519 on M4, Stoffelen's AES with 128 bits on M3 and M4, and
``conv_blocked`` on M4, M7 and M33. P-256 for speed or for size on Cortex-M0 and fixsliced AES were not counted."""

COUNTED = ("loads", "words_loaded", "stores", "multiplies", "branches")
"""Fields of :class:`~edgemnist.mcu.timing.mix.Mix`."""

STYLED_LOOP_WORDS = {"cortex-m4": 0.248, "cortex-m7": 0.240, "cortex-m33": 0.248}
"""Words that ``conv_blocked`` loads in an instruction, built as for ``STYLED_LOOP``."""

TFLM_CMSIS_NN_INSTRUCTIONS = {"ResNet-8": 29.9e6, "DS-CNN": 7.70e6}
"""Of one inference on Cortex-M4, counted by QEMU: TensorFlow Lite Micro of August 2026 with CMSIS-NN, GCC 12.2 -O2."""

MICROTVM_CMSIS_NN = {
    "cortex-m4": (120e6, {"ResNet-8": 2.567, "DS-CNN": 10.018}),
    "cortex-m33": (128e6, {"ResNet-8": 3.163, "DS-CNN": 13.140}),
}
"""(clock in Hz, inferences per second): MLPerf Tiny v1.0 closed, OctoML; NUCLEO-L4R5ZI (5 wait states), nRF5340-DK."""

ENGINES_M7_TO_M4 = {
    "Plumerai": ((19.636, 72.142), (5.961, 20.929)),
    "STMicroelectronics X-CUBE-AI": ((19.250, 65.128), (4.673, 15.904)),
    "Bosch": ((21.353, 67.957), (5.586, 15.954)),
}
"""Inferences per second of (ResNet-8, DS-CNN) by one engine on two chips: NUCLEO-H7A3ZI-Q (Cortex-M7, 280 MHz) and
NUCLEO-L4R5ZI (Cortex-M4, 120 MHz); MLPerf Tiny v1.1 closed."""


def same_code_ratios(core: str) -> list[float]:
    """Return evidence 1."""
    return [check.ratio for check in SAME_CODE if check.core == core]


def coremark_ratios(core: str) -> list[float]:
    """Return evidence 2: Cortex-M4's own error taken into account."""
    cores = tuple(COREMARK_PER_MHZ)
    reference = same_code_ratios("cortex-m4")
    found = []
    for modelled in COREMARK_MODELLED.values():
        ratio = {name: 1e6 / COREMARK_PER_MHZ[name] / cycles for name, cycles in zip(cores, modelled, strict=True)}
        relative = ratio[core] / ratio["cortex-m4"]
        found += [relative * min(reference), relative * max(reference)]
    return found


def network_cycles_per_instruction(core: str) -> list[float]:
    """Return the published cycles of a network over its counted instructions: evidence 3's numerator."""
    if core == "cortex-m7":
        quotients = [
            (280e6 / fast) / (120e6 / slow)
            for on_m7, on_m4 in ENGINES_M7_TO_M4.values()
            for fast, slow in zip(on_m7, on_m4, strict=True)
        ]
        return [each * quotient for each in network_cycles_per_instruction("cortex-m4") for quotient in quotients]
    clock, rates = MICROTVM_CMSIS_NN[core]
    return [clock / rates[network] / count for network, count in TFLM_CMSIS_NN_INSTRUCTIONS.items()]


def network_ratios(core: str) -> list[float]:
    """Return evidence 3; for cores of which nobody publishes a network, Cortex-M4's."""
    known = _styled(core)
    return [each / STYLED_LOOP[known] for each in network_cycles_per_instruction(known)]


def _styled(core: str) -> str:
    return core if core in STYLED_LOOP else "cortex-m4"


def _percent(ratios: Iterable[float]) -> str:
    """Return least and greatest, rounded outward."""
    values = [100 * (ratio - 1) for ratio in ratios]
    return f"{floor(min(values)):+d} to {ceil(max(values)):+d} %"


def beyond(core: str, mix: Mix) -> dict[str, tuple[int, int]]:
    """Return of what the code has more than any that was compared: name -> times in 100 instructions, at most there."""
    found = {}
    for name, most in zip(COUNTED, MOST[core], strict=True):
        share = getattr(mix, name) / max(1, mix.instructions)
        if round(100 * share) > round(100 * most):
            found[name.replace("_", " ")] = (round(100 * share), round(100 * most))
    return found


_ENOUGH = 5
"""Routines of the same code from which on they bound a core alone; Cortex-M0 has three, of one author."""


@lru_cache
def band(core: str, wait_states: int) -> Band:
    """Return the band of ``core``'s model, which must be one of those above, with or without flash wait states."""
    direct = same_code_ratios(core)
    relative = coremark_ratios(core) if len(direct) < _ENOUGH else []
    networks = network_ratios(core) if _with_networks(core, wait_states) else []
    whose = "" if core in STYLED_LOOP else ", measured on Cortex-M4"
    evidence = (
        (direct, f"{len(direct)} published routines run on this core"),
        (relative, "CoreMark relative to Cortex-M4"),
        (networks, f"networks on chips, waits for weights in flash included{whose}"),
    )
    ratios = [1.0, *direct, *relative, *(() if not networks else (max(networks),))]
    basis = "; ".join(f"{_percent(found)}: {name}" for found, name in evidence if found)
    return Band(min(ratios), max(ratios), f"published cycle counts against this model: {basis}")


def _with_networks(core: str, wait_states: int) -> bool:
    return bool(wait_states) or (core in STYLED_LOOP and not same_code_ratios(core))


def band_of(core: str, wait_states: int, mix: Mix, cycles: float) -> Band:
    """Return the band for code with this mix that the model says to take so many cycles."""
    found = band(core, wait_states)
    high, basis = found.high, found.basis
    known = _styled(core)
    denser = mix.words_loaded / max(1, cycles) / (STYLED_LOOP_WORDS[known] / STYLED_LOOP[known])
    if _with_networks(core, wait_states) and denser > 1:
        high = max(high, 1 + (max(network_ratios(core)) - 1) * denser)
        basis += f", times {denser:.2f} as this code loads so many more words in a cycle"
    more = ", ".join(f"{name} {share} (at most {most})" for name, (share, most) in beyond(core, mix).items())
    return Band(
        found.low,
        high,
        basis + (f"; in 100 instructions it has more than the code behind that: {more}" if more else ""),
    )
