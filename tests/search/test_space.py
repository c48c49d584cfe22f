"""Whatever is drawn is a net, or is refused for its image; settings survive being stored."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from search_stand_in import BOARD, stand_in_outcome, stand_in_settings

from edgemnist.search.costs import Limits
from edgemnist.search.counts import parts_of
from edgemnist.search.outcome import Item, item_from, item_json, named_by_content, outcome_from
from edgemnist.search.sampling import drawn
from edgemnist.search.settings import SearchSettings, settings_from
from edgemnist.search.space import FAMILIES, Space, draw
from edgemnist.support.errors import InputError
from edgemnist.training.blueprint import BlueprintRecipe, blueprint_from

SPACES = st.builds(
    Space,
    families=st.lists(st.sampled_from(FAMILIES), min_size=1, max_size=5, unique=True).map(tuple),
    stages=st.tuples(st.integers(1, 3), st.integers(3, 6)),
    depth=st.integers(1, 6),
    width=st.tuples(st.sampled_from([2, 4, 8]), st.sampled_from([8, 48, 256])),
    squeeze=st.booleans(),
    optimise=st.sampled_from([("speed",), ("size",), ("speed", "size")]),
)
IMAGES = st.tuples(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3]))


class Drawing:
    """A draw of hypothesis."""

    def __init__(self, data: st.DataObject) -> None:
        """Draw from ``data``, and note the values."""
        self._data = data
        self.values: list[Any] = []

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        """Return one of the choices."""
        self.values.append(self._data.draw(st.sampled_from(choices)))
        return self.values[-1]

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1) -> int:
        """Return a whole number."""
        self.values.append(self._data.draw(st.sampled_from(range(low, high + 1, step))))
        return int(self.values[-1])


@given(space=SPACES, image=IMAGES, data=st.data())
def test_every_draw_is_a_net_or_too_large_for_its_image(
    space: Space, image: tuple[int, int, int], data: st.DataObject
) -> None:
    drawing = Drawing(data)
    blueprint, optimise = draw(space, drawing, BlueprintRecipe())
    assert optimise in space.optimise
    assert blueprint_from(blueprint.as_json()) == blueprint
    found, again = drawn(space, drawing.values)
    assert again == blueprint
    assert list(found.params.values()) == drawing.values
    try:
        parts = list(parts_of(blueprint, image, 10))
    except InputError as error:
        assert "too small" in str(error)
        assert min(image[:2]) < blueprint.smallest_side()
        return
    assert len(parts) == len(blueprint.blocks) + 1
    assert all(part.macs > 0 and part.weights > 0 for part in parts)


@given(space=SPACES, data=st.data())
def test_equal_nets_share_their_name_and_others_do_not(space: Space, data: st.DataObject) -> None:
    first, second = (named_by_content(draw(space, Drawing(data), BlueprintRecipe())[0]) for _ in range(2))
    assert (first.name == second.name) == (first.blocks == second.blocks)


@given(space=SPACES, limits=st.dictionaries(st.sampled_from(["flash", "instructions", "arena"]), st.floats(1, 1e9)))
def test_settings_survive_json(space: Space, limits: dict[str, float]) -> None:
    settings = stand_in_settings(space=space, limits=Limits(limits), rungs=(1, 3, 9), hours=2.5, versions={"a": "1"})
    assert settings_from(json.loads(json.dumps(settings.as_json()))) == settings


@given(data=st.data())
def test_items_and_outcomes_survive_json(data: st.DataObject) -> None:
    settings = stand_in_settings()
    drawing = Drawing(data)
    blueprint, optimise = draw(settings.space, drawing, BlueprintRecipe())
    item = Item(
        candidate=3, rung=1, seed=7, blueprint=named_by_content(blueprint), optimise=optimise, params={"a": 1},
        vain=(tuple(drawing.values),),
    )  # fmt: skip
    assert item_from(json.loads(json.dumps(item_json(item)))) == item
    try:
        outcome = stand_in_outcome(item, settings)
    except InputError:
        return
    assert outcome_from(json.loads(json.dumps(outcome.as_json()))) == outcome
    assert set(outcome.costs) == {BOARD}


@pytest.mark.parametrize(
    "given",
    [
        {"sampler": "tpeh"}, {"budget": 0}, {"population": 0}, {"fewer": 1}, {"seeds": 0}, {"hours": 0.0},
        {"rungs": ()}, {"rungs": (8, 2)}, {"rungs": (2, 2)}, {"rungs": (0, 2)}, {"objectives": ("flash",)},
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        stand_in_settings(**given)


@pytest.mark.parametrize(
    "given",
    [
        {"families": ()}, {"families": ("dense",)}, {"optimise": ()}, {"optimise": ("beauty",)}, {"stages": (0, 2)},
        {"stages": (3, 2)}, {"stages": (2, 7)}, {"depth": 0}, {"width": (3, 8)}, {"width": (8, 4)}, {"width": (2, 300)},
    ],
)  # fmt: skip
def test_spaces_out_of_range_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        Space(**given)


def test_defaults_are_within_range() -> None:
    assert isinstance(stand_in_settings(), SearchSettings)
