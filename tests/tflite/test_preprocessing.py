"""What a model is fed with and what comes out: what cannot be recorded is refused."""

from __future__ import annotations

import pytest

from edgemnist.support.errors import InputError
from edgemnist.tflite.preprocessing import Preprocessing

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("name", ["caf\udce9", "\ud83d"], ids=["a byte", "half a character"])
def test_class_names_are_text(name: str) -> None:
    with pytest.raises(InputError, match="is no text") as caught:
        Preprocessing((28, 28, 1), class_names=("Ä \U0001f600", name))
    str(caught.value).encode()  # the message can be printed
