"""Where the C sources are that come along, and where edgemnist keeps what it fetches and makes."""

from __future__ import annotations

import functools
from pathlib import Path

from edgemnist.support import environment
from edgemnist.support.errors import EnvironmentFailure

_PACKAGE = Path(__file__).parents[1]


@functools.cache
def firmware_folder() -> Path:
    """Return the folder ``firmware``: inside the package where it is installed, beside the package in a checkout.

    :raises EnvironmentFailure: it is in neither place.
    """
    places = (_PACKAGE / "firmware", _PACKAGE.parent / "firmware")
    for place in places:
        if (place / "kernels").is_dir():
            return place
    raise EnvironmentFailure(
        f"this installation of edgemnist is not complete: there is no folder {str(places[0])!r}; install it again with "
        "pip install --force-reinstall --no-deps edgemnist"
    )


def user_cache() -> Path:
    """Return the user's cache folder, which other programs use too."""
    return environment.USER_CACHE.folder() or Path("~/.cache").expanduser()


def cache_folder() -> Path:
    """Return the folder in which edgemnist keeps what can be had again."""
    return environment.CACHE.folder() or user_cache() / "edgemnist"
