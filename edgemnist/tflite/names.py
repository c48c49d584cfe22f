"""Tensor names for people: the layer, where a converter wrote every layer that it fused and the path to each.

``StatefulPartitionedCall/net/relu/Relu;StatefulPartitionedCall/net/conv2d_3/BiasAdd`` is ``conv2d_3``. What machines
read keeps the whole name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

LONGEST = 40
"""Characters of a name, without the number that tells it from another; longer ones lose their beginning."""

_WRAPPER = re.compile(r"(Stateful)?PartitionedCall(_\d+)?(:\d+)?(_int8|_int16)?|Identity(_\d+)?(_int8|_int16)?|")
"""What converters write around a network; it says nothing of a layer."""

_NETWORK = re.compile(r"(sequential|functional|model)(_\d+)?", re.IGNORECASE)
"""What Keras calls a network by itself."""

_ENTRY = re.compile(r"serving_default_|torch\.nn\.modules\.\w+\.|tfl\.(?!.*[./])|:\d+$")

_OPERATION = re.compile(
    r"(biasadd|conv\dd|conv2d_transpose|convolution|depthwise|matmul|tensordot|einsum|relu|relu6|relun1to1|leakyrelu|"
    r"sigmoid|tanh|softmax|fusedbatchnormv3|reshape|squeeze|expanddims|maxpool|maxpool\dd|avgpool|avgpool\dd|mean|max|"
    r"sum|add|addv2|sub|mul|div|maximum|minimum|rsqrt|pad|padv2|concat|transpose|strided_?slice|split|unstack|"
    r"resizebilinear|resizenearestneighbor|cast)(_fold)?(_?\d+)*",
    re.IGNORECASE,
)
"""The operation within a layer, at the end of a path; converters put a digit behind it where names meet."""

_PART_OF_OPERATION = re.compile(
    r"(readvariableop|resource|bias|kernel|read|batchnorm|fakequantwithminmaxvars\w*|\w+quantize)(_fold)?(_?\d+)*",
    re.IGNORECASE,
)

_OWN = {
    "CONV_2D": ("conv", "matmul"),
    "DEPTHWISE_CONV_2D": ("depthwise",),
    "FULLY_CONNECTED": ("matmul", "tensordot", "einsum", "conv"),
    "TRANSPOSE_CONV": ("conv2d_transpose", "conv"),
}
"""How the operation begins that an operator was made of, where that is not its own name."""

_WEIGHTED = ("conv", "depthwise", "matmul", "tensordot", "einsum", "biasadd", "readvariableop", "resource", "bias")


@dataclass(frozen=True)
class _Path:
    """One of the names that a converter joined: the parts up to the layer, and what follows the layer."""

    parts: tuple[str, ...]
    operation: tuple[str, ...]

    @property
    def layer(self) -> str:
        return self.parts[-1]

    def ends_in(self, beginnings: Sequence[str]) -> bool:
        return any(part.lower().startswith(tuple(beginnings)) for part in self.operation)


def readable_names(
    names: Sequence[str], kinds: Mapping[int, str], *, inputs: Collection[int] = (), outputs: Collection[int] = ()
) -> tuple[str, ...]:
    """Return for each of a graph's tensors a name that a person recognises: none is empty, no two are the same.

    ``names`` are those in the file; ``kinds`` has the operator that writes a tensor, by its place in ``names``;
    ``inputs`` and ``outputs`` are the graph's. Names are printable and can't end a C comment. Short ones stay.
    """
    forms = [tuple(_forms(name, kinds.get(index, ""))) for index, name in enumerate(names)]
    general = {**_ends("input", inputs), **_ends("output", outputs)}
    computed = {*kinds, *general}
    order = sorted(range(len(names)), key=lambda index: (index not in computed, index))
    taken: dict[str, int] = {}
    for group in ([index for index in order if index in computed], [index for index in order if index not in computed]):
        _name_apart(group, forms, taken)
    _number_the_rest(order, [_fallback(forms, kinds, general, index) for index in range(len(names))], taken)
    found = {index: name for name, index in taken.items()}
    return tuple(found[index] for index in range(len(names)))


def _ends(what: str, indices: Collection[int]) -> dict[int, str]:
    """Return what inputs or outputs are called that the file has no name for: of several with their places."""
    return {index: what if len(indices) == 1 else f"{what}_{place}" for place, index in enumerate(indices)}


@lru_cache(maxsize=4096)
def readable_name(name: str) -> str:
    """Return what a person recognises of a name by itself; "tensor" of one that says nothing."""
    return next(_forms(name, ""), "tensor")


def _name_apart(group: Sequence[int], forms: Sequence[tuple[str, ...]], taken: dict[str, int]) -> None:
    """Give each tensor of a group the shortest of its forms that no other of the group has."""
    left = [index for index in group if forms[index]]
    for place in range(max((len(forms[index]) for index in left), default=0)):
        shown = {index: forms[index][min(place, len(forms[index]) - 1)] for index in left}
        often = Counter(shown.values())
        alone = [index for index in left if often[shown[index]] == 1 and shown[index] not in taken]
        taken.update({shown[index]: index for index in alone})
        named = set(alone)
        left = [index for index in left if index not in named]


def _number_the_rest(order: Sequence[int], names: Sequence[str], taken: dict[str, int]) -> None:
    """Tell tensors of one name apart by their numbers in the file; the first one's is left out where it can be."""
    named = set(taken.values())
    for index in (one for one in order if one not in named):
        name = names[index]
        while name in taken:
            name = f"{name} #{index}"
        taken[name] = index


def _fallback(
    forms: Sequence[tuple[str, ...]], kinds: Mapping[int, str], general: Mapping[int, str], index: int
) -> str:
    if forms[index]:
        return forms[index][_NUMBERED]
    return general.get(index) or _spoken(kinds.get(index, "")) or "tensor"


_NUMBERED = 2
"""Of a tensor's possible names that which gets a number where none is its own."""


def _forms(name: str, kind: str) -> Iterator[str]:
    """Yield a tensor's possible names, the shortest first; none where its name says nothing."""
    paths = [path for text in name.split(";") if (path := _path(text)) is not None]
    if not paths:
        return
    best = _own(paths, kind)
    operation = _spoken(kind) or "".join(best.operation[:1])
    yield _clipped(best.layer)
    above, below = best.parts[-2:], (best.layer, *([operation] if operation else []))
    for parts in (above, below) if kind else (below, above):  # constants of a layer differ in what they are for
        yield _clipped("/".join(parts))
    yield _clipped("/".join([*best.parts[-2:], *best.operation]))


def _path(text: str) -> _Path | None:
    parts = [_ENTRY.sub("", part) for part in text.strip().split("/") if not _WRAPPER.fullmatch(part.strip())]
    parts = [part for part in map(printable, parts) if part]
    parts = parts[1:] if len(parts) > 1 and _NETWORK.fullmatch(parts[0]) else parts
    if not parts:
        return None
    end = _before(len(parts), parts)
    if end > 1 and _OPERATION.fullmatch(parts[end - 1]):
        end = _before(end - 1, parts)
    return _Path(tuple(parts[:end]), tuple(parts[end:]))


def _before(end: int, parts: Sequence[str]) -> int:
    """Return where the parts that are no operation by themselves begin, of those before ``end``; the first stays."""
    while end > 1 and _PART_OF_OPERATION.fullmatch(parts[end - 1]):
        end -= 1
    return end


def _own(paths: Sequence[_Path], kind: str) -> _Path:
    """Return the path of the layer that a tensor is of.

    A converter also joins the names of other layers, that of any whose constants are the same: a layer's own name
    comes more often, or last. Of a layer and its activation the layer counts.
    """
    own = _OWN.get(kind, (kind.lower().replace("_", ""),) if kind else ())
    votes = Counter(path.layer for path in paths if path.ends_in(_WEIGHTED))

    def rank(place: int) -> tuple[bool, int, int]:
        path = paths[place]
        weighted = votes[path.layer]
        return bool(own) and path.ends_in(own), weighted, place if weighted else -place

    return paths[max(range(len(paths)), key=rank)]


def printable(name: str) -> str:
    """Return a name in which nothing but letters, digits and marks is left that can do no harm in a text."""
    shown = "".join(one if one.isprintable() and one not in "*\\" else "_" for one in name)
    return shown.strip()


def _spoken(kind: str) -> str:
    """Return an operator's kind as it stands in a name; a custom one may be called anything."""
    return printable(kind.lower().replace("/", "_"))


def _clipped(name: str) -> str:
    return name if len(name) <= LONGEST else f"...{name[3 - LONGEST :]}"
