"""edgemnist: from an image dataset to a binary on the chip, with proof at every step.

The functions below do what the commands of the same name do, with paths and plain values in and frozen dataclasses out;
each is documented in ``edgemnist.api``. They are loaded when they are first used, and TensorFlow only when something is
trained or converted. ARCHITECTURE.md says where everything is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgemnist.support.version import VERSION

__version__ = VERSION

__all__ = [
    "build_firmware",
    "compile_model",
    "convert",
    "evaluate",
    "inspect",
    "load_dataset",
    "predict",
    "prune",
    "qat",
    "run_firmware",
    "run_parity",
    "train",
]

if TYPE_CHECKING:
    from edgemnist.api import (
        build_firmware,
        compile_model,
        convert,
        evaluate,
        inspect,
        load_dataset,
        predict,
        prune,
        qat,
        run_firmware,
        run_parity,
        train,
    )


def __getattr__(name: str) -> Any:
    if name in __all__:
        from edgemnist import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
