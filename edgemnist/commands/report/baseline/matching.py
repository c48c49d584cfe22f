"""Which layers of two models are the same: of one kind, type and shapes, in the same order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from edgemnist.commands.report.comparison import LayerState
from edgemnist.commands.report.sections import Layer


@dataclass(frozen=True)
class Group:
    """Layers that can be compared only together, as one is in the same step of the firmware as the next, in either."""

    state: LayerState
    baseline: tuple[Layer, ...]
    model: tuple[Layer, ...]


def groups_of(baseline: Sequence[Layer], model: Sequence[Layer]) -> tuple[Group, ...]:
    """Return every layer of both in one group each, in the model's order; what is gone stands where it was."""
    same = dict(_pairs([_signature(one) for one in baseline], [_signature(one) for one in model]))
    pairs = same | dict(_of_one_kind(baseline, model, same))
    found = [_group(baseline, model, same, members) for members in _joined(baseline, model, pairs)]
    return tuple(sorted(found, key=lambda group: _place(group, pairs)))


def _pairs(old: Sequence[object], new: Sequence[object]) -> Iterator[tuple[int, int]]:
    """Yield the positions of what is the same in both: blocks, each after the one before in both."""
    for block in SequenceMatcher(None, old, new, False).get_matching_blocks():
        yield from ((block.a + step, block.b + step) for step in range(block.size))


def _of_one_kind(
    baseline: Sequence[Layer], model: Sequence[Layer], same: Mapping[int, int]
) -> Iterator[tuple[int, int]]:
    """Yield the positions of layers between those that are the same which are of one kind, but not of one shape."""
    first, start = 0, 0
    for last, end in [*sorted(same.items()), (len(baseline), len(model))]:
        kinds = [one.kind for one in baseline[first:last]], [one.kind for one in model[start:end]]
        yield from ((first + old, start + new) for old, new in _pairs(*kinds))
        first, start = last + 1, end + 1


def _signature(layer: Layer) -> tuple[object, ...]:
    return layer.kind, layer.type, layer.inputs, layer.outputs


def _joined(
    baseline: Sequence[Layer], model: Sequence[Layer], pairs: Mapping[int, int]
) -> list[tuple[list[int], list[int]]]:
    """Return the positions in both of what belongs together: pairs, and layers that one step computes."""
    leader = {
        (side, place): (side, place) for side, those in enumerate((baseline, model)) for place in range(len(those))
    }

    def first(node: tuple[int, int]) -> tuple[int, int]:
        while leader[node] != node:
            node = leader[node]
        return node

    links = [((0, old), (1, new)) for old, new in pairs.items()]
    for side, those in enumerate((baseline, model)):
        steps: dict[int, int] = {}
        for place, layer in enumerate(those):
            if layer.step is not None:
                links.append(((side, steps.setdefault(layer.step, place)), (side, place)))
    for one, other in links:
        leader[first(other)] = first(one)
    found: dict[tuple[int, int], tuple[list[int], list[int]]] = {}
    for side, place in leader:
        found.setdefault(first((side, place)), ([], []))[side].append(place)
    return list(found.values())


def _group(
    baseline: Sequence[Layer], model: Sequence[Layer], same: Mapping[int, int], members: tuple[list[int], list[int]]
) -> Group:
    old, new = members
    state: LayerState = "changed"
    if not old or not new:
        state = "gone" if old else "new"
    elif all(one in same for one in old) and len(old) == len(new):
        state = "same"
    return Group(state, tuple(baseline[one] for one in old), tuple(model[one] for one in new))


def _place(group: Group, pairs: Mapping[int, int]) -> tuple[int, int, int]:
    if group.model:
        return group.model[0].index, 0, 0
    before = [new for old, new in pairs.items() if old < group.baseline[0].index]
    return max(before, default=-1), 1, group.baseline[0].index


def name_of(layers: Sequence[Layer]) -> str:
    """Return layers as people know them: "3 CONV_2D + 4 MAX_POOL_2D"."""
    return " + ".join(f"{one.index} {one.kind}" for one in layers)


def shapes_of(group: Group) -> str:
    """Return the model's shapes, or the baseline's of what is gone; both where they are not the same."""
    old, new = shape_of(group.baseline), shape_of(group.model)
    return f"{new} (was {old})" if old and new and old != new else new or old


def shape_of(layers: Sequence[Layer]) -> str:
    """Return what goes in and what comes out: "1x28x28x1, 8x3x3x1 to 1x14x14x8"."""
    if not layers:
        return ""
    inputs, outputs = (", ".join(_shape(one) for one in shapes) for shapes in (layers[0].inputs, layers[-1].outputs))
    return f"{inputs} to {outputs}"


def _shape(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "scalar"
