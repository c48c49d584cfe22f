"""Instruction classes: Thumb mnemonics that the manuals time alike."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache


class InstructionClass(str, Enum):
    """A class of instructions; the value is its name in reports."""

    ALU = "data processing"
    BIT_FIELD = "bit field, extend, reverse"
    SIMD = "SIMD and saturate"
    MULTIPLY = "multiply"
    MULTIPLY_ACCUMULATE = "multiply accumulate"
    LONG_MULTIPLY = "long multiply"
    LONG_MULTIPLY_ACCUMULATE = "long multiply accumulate"
    DIVIDE = "divide"
    LOAD = "load"
    LOAD_PAIR = "load pair"
    LOAD_MULTIPLE = "load multiple, pop"
    STORE = "store"
    STORE_PAIR = "store pair"
    STORE_MULTIPLE = "store multiple, push"
    BRANCH = "branch"
    CONDITIONAL_BRANCH = "conditional branch"
    CALL = "call"
    INDIRECT_BRANCH = "indirect branch, return"
    TABLE_BRANCH = "table branch"
    IT = "if-then"
    NOP = "no operation, hint"
    FLOAT = "float"
    FLOAT_MOVE_PAIR = "float move of two"
    FLOAT_MULTIPLY_ACCUMULATE = "float multiply accumulate"
    FLOAT_DIVIDE = "float divide, root"
    FLOAT_LOAD = "float load"
    FLOAT_STORE = "float store"
    FLOAT_LOAD_MULTIPLE = "float load multiple"
    FLOAT_STORE_MULTIPLE = "float store multiple"
    BARRIER = "barrier"
    SYSTEM = "system"
    UNKNOWN = "unknown"


C = InstructionClass
CONDITIONS = ("eq", "ne", "hs", "lo", "cs", "cc", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le", "al")


@dataclass(frozen=True)
class Mnemonic:
    """``operation``: the mnemonic without width, condition and S."""

    operation: str
    kind: InstructionClass
    conditional: bool = False
    sets_flags: bool = False


_FIXED: dict[InstructionClass, str] = {
    C.ALU: "adc add addw adr and asr bic cmn cmp eor lsl lsr mov movw movt mvn neg orn orr ror rrx rsb sbc sub subw "
    "teq tst csel csinc csinv csneg",
    C.BIT_FIELD: "bfc bfi sbfx ubfx clz rbit rev rev16 revsh sxtb sxth uxtb uxth sxtab sxtah uxtab uxtah "
    "sxtb16 uxtb16 sxtab16 uxtab16 pkhbt pkhtb",
    C.SIMD: "ssat usat ssat16 usat16 qadd qsub qdadd qdsub sel usad8",
    C.MULTIPLY: "mul smmul smmulr smuad smuadx smusd smusdx smulwb smulwt smulbb smulbt smultb smultt",
    C.MULTIPLY_ACCUMULATE: "mla mls smlad smladx smlsd smlsdx smmla smmlar smmls smmlsr smlawb smlawt smlabb smlabt "
    "smlatb smlatt usada8",
    C.LONG_MULTIPLY: "smull umull",
    C.LONG_MULTIPLY_ACCUMULATE: "smlal umlal umaal smlald smlaldx smlsld smlsldx smlalbb smlalbt smlaltb smlaltt",
    C.DIVIDE: "sdiv udiv",
    C.LOAD: "ldr ldrb ldrh ldrsb ldrsh ldrt ldrbt ldrht ldrsbt ldrsht ldrex ldrexb ldrexh lda ldab ldah ldaex",
    C.LOAD_PAIR: "ldrd",
    C.LOAD_MULTIPLE: "ldm ldmia ldmdb pop",
    C.STORE: "str strb strh strt strbt strht strex strexb strexh stl stlb stlh stlex",
    C.STORE_PAIR: "strd",
    C.STORE_MULTIPLE: "stm stmia stmdb push",
    C.BRANCH: "b",
    C.CONDITIONAL_BRANCH: "cbz cbnz",
    C.CALL: "bl blx",
    C.INDIRECT_BRANCH: "bx bxns blxns",
    C.TABLE_BRANCH: "tbb tbh",
    C.NOP: "nop yield sev pld pli dbg",
    C.FLOAT_LOAD: "vldr",
    C.FLOAT_STORE: "vstr",
    C.FLOAT_LOAD_MULTIPLE: "vldm vldmia vldmdb vpop",
    C.FLOAT_STORE_MULTIPLE: "vstm vstmia vstmdb vpush",
    C.FLOAT_DIVIDE: "vdiv vsqrt",
    C.FLOAT_MULTIPLY_ACCUMULATE: "vmla vmls vnmla vnmls vfma vfms vfnma vfnms",
    C.FLOAT: "vadd vsub vmul vnmul vabs vneg vcmp vcmpe vcvt vcvtr vcvta vcvtm vcvtn vcvtp vcvtb vcvtt vmov vmrs vmsr "
    "vsel vseleq vselge vselgt vselvs vmaxnm vminnm vrinta vrintm vrintn vrintp vrintr vrintx vrintz",
    C.BARRIER: "dmb dsb isb ssbb csdb",
    C.SYSTEM: "mrs msr cpsid cpsie svc bkpt udf wfi wfe clrex sg tt tta ttat ttt",
}
_TABLE = {name: kind for kind, names in _FIXED.items() for name in names.split()}
_CONDITIONAL_BRANCHES = frozenset(f"b{condition}" for condition in CONDITIONS)
_MAY_SET_FLAGS = frozenset({C.ALU, C.MULTIPLY, C.MULTIPLY_ACCUMULATE, C.LONG_MULTIPLY, C.LONG_MULTIPLY_ACCUMULATE})
_IT = re.compile(r"it[te]{0,3}")
_PARALLEL = re.compile(r"(?:u|s|q|uq|uh|sh)(?:add|sub)(?:8|16)|(?:u|s|q|uq|uh|sh)(?:asx|sax)")


def _bare(name: str) -> InstructionClass | None:
    return C.SIMD if _PARALLEL.fullmatch(name) else _TABLE.get(name)


@lru_cache(maxsize=4096)
def classify_mnemonic(mnemonic: str) -> Mnemonic:
    """Return what capstone's ``mnemonic`` ("addseq.w", "vadd.f32") is; ``UNKNOWN`` when no table has it."""
    name = mnemonic.split(".")[0]
    if _IT.fullmatch(name):
        return Mnemonic("it", C.IT)
    if name in _CONDITIONAL_BRANCHES:
        return Mnemonic("b", C.CONDITIONAL_BRANCH, conditional=True)
    for conditional, stem in ((False, name), (True, name[:-2] if name.endswith(CONDITIONS) else "")):
        for sets_flags, bare in ((False, stem), (True, stem[:-1] if stem.endswith("s") else "")):
            kind = _bare(bare)
            if kind is not None and (not sets_flags or kind in _MAY_SET_FLAGS):
                return Mnemonic(bare, kind, conditional, sets_flags)
    return Mnemonic(mnemonic, C.UNKNOWN)
