"""What TensorFlow's converter says of a model that it does not take, in a sentence: cause, place and remedy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_MISSING = re.compile(r"^(?:TF Select|Custom) ops: (.+)$", re.MULTILINE)
_DETAIL = re.compile(r"^\ttf\.(\w+)\((.*?)\) -> \((.*?)\)", re.MULTILINE)
_PLACE = re.compile(r'fused\["(\w+):", (?:callsite\()?"([^"@]+)@')
_WRONG_TYPES = {"f16": "float16", "f64": "float64", "bf16": "bfloat16"}
_SHOWN = 4


def explain(said: str) -> str | None:
    """Return why a model is not converted: operators, where they are in the model, what to do, as one clause.

    :param said: all that the converter printed and raised. None is returned where that names no operator.
    """
    missing = [name.strip() for line in _MISSING.findall(said) for name in line.split(",")]
    names = list(dict.fromkeys(missing))
    if not names:
        return None
    places = _places(said)
    what = _listed(f"{name} (in {places[name]!r})" if name in places else name for name in names)
    wrong = _wrong_type(said, names)
    if wrong is not None:
        return (
            f"it computes in {wrong}, for which TFLite has no {what}; build it with the policy 'float32', load its "
            "weights into that, and save it again"
        )
    are = "is no operator" if len(names) == 1 else "are no operators"
    return f"{what} {are} of TFLite; replace {'that layer' if len(names) == 1 else 'those layers'} by others"


def explain_crash(what: str, path: str, mode: str, *, loops: Sequence[str], calibrated: bool) -> str:
    """Return what to say of a converter that died.

    :param what: how, as the end of a sentence: "was killed by signal 11 ...".
    :param loops: names of the model's loops, which are what recurrent layers become.
    """
    crashed = f"TensorFlow crashed while it converted {path!r} to {mode} (its process {what})"
    if loops and calibrated:
        return (
            f"{crashed}: it does so for loops, which recurrent layers (LSTM, GRU, SimpleRNN, ConvLSTM2D) become, here "
            f"{_listed(repr(loop) for loop in loops)}; build {'it' if len(loops) == 1 else 'them'} with unroll=True, "
            "or convert with --float32, --float16 or --dynamic. Nothing was written"
        )
    return f"{crashed}. Nothing was written; run the command again, or try another mode, such as --float32"


def _places(text: str) -> dict[str, str]:
    """Return where in the model each operator was first met: the path of its layer, made of the model's own names."""
    found: dict[str, str] = {}
    for name, place in _PLACE.findall(text):
        found.setdefault(name, place.rpartition("/")[0] or place)
    return found


def _wrong_type(text: str, names: Sequence[str]) -> str | None:
    """Return the type of numbers that all of the missing operators have and TFLite has not, or None."""
    types = {name: f"{given} {made}" for name, given, made in _DETAIL.findall(text) if name in names}
    for short, full in _WRONG_TYPES.items():
        if types and all(re.search(rf"[x<]{short}>", one) for one in types.values()):
            return full
    return None


def _listed(names: Iterable[str]) -> str:
    """Return the first few names, and how many more there are."""
    every = list(names)
    shown, rest = every[:_SHOWN], len(every) - _SHOWN
    return ", ".join(shown) + (f" and {rest} more" if rest > 0 else "")
