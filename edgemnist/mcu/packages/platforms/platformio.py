"""PlatformIO: a project whose network is a private library."""

from __future__ import annotations

from collections.abc import Mapping

from edgemnist.mcu.packages.base import Package, Platform
from edgemnist.mcu.packages.platforms.arduino import CORE_HEADERS


def _files(package: Package) -> Mapping[str, str]:
    library = f"lib/{package.name}"
    return {
        **package.documents(),
        **package.c_files(sources=f"{library}/src", headers=f"{library}/include"),
        f"{library}/library.json": package.text("platformio/library.json"),
        f"{library}/LICENSE": package.documents()["LICENSE"],
        "platformio.ini": package.text("platformio/platformio.ini"),
        "src/main.cpp": package.text("platformio/main.cpp"),
    }


PLATFORM = Platform("platformio", "PlatformIO", _files, CORE_HEADERS, desktop=True)
