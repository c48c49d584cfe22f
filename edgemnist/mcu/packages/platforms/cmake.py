"""CMake 3.16 or newer: a library that installs, with the self-test and the example under ctest."""

from __future__ import annotations

from collections.abc import Mapping

from edgemnist.mcu.packages.base import Package, Platform, words

RESERVED_TARGETS = words(
    """
    all all_build clean depend edit_cache help install list_install_components package package_source preinstall
    rebuild_cache run_tests test zero_check experimental nightly continuous
    """
)
"""Targets that CMake (policy CMP0037) and CTest make themselves, in lower case."""


def _files(package: Package) -> Mapping[str, str]:
    return {
        **package.documents(),
        **package.c_files(sources="src", headers="include"),
        "CMakeLists.txt": package.text("cmake/CMakeLists.txt"),
        f"{package.name}-config.cmake.in": package.text("cmake/config.cmake.in"),
        "example/main.c": package.text("cmake/main.c"),
    }


PLATFORM = Platform("cmake", "CMake", _files, RESERVED_TARGETS, desktop=True)
