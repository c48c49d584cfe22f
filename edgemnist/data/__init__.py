"""Datasets in: one loader for IDX, NPZ and image folders, the table of known datasets, and downloads.

``load_dataset``, ``load_for_run`` and ``known_datasets`` are imported on first use: ``artifacts`` needs ``data.base``
and must not pull in all of this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgemnist.data.loading import load_dataset, load_for_run
    from edgemnist.data.registry import known_datasets

__all__ = ["known_datasets", "load_dataset", "load_for_run"]


def __getattr__(name: str) -> Any:
    if name in ("load_dataset", "load_for_run"):
        from edgemnist.data import loading

        return getattr(loading, name)
    if name == "known_datasets":
        from edgemnist.data.registry import known_datasets

        return known_datasets
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
