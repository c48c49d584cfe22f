"""Files made to do harm: each is refused in a sentence, quickly and in little memory, or taken rightly."""

from __future__ import annotations

from tests.hostile.cases import Case


def all_cases() -> tuple[Case, ...]:
    """Return every case."""
    from tests.hostile import arrays, models, pictures

    return (
        *arrays.IDX, *arrays.NPZ, *arrays.TABLES, *arrays.TARS, *pictures.PICTURES, *pictures.BUNDLE, *models.MODELS,
        *models.SPECIAL,
    )  # fmt: skip
