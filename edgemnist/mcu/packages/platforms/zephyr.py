"""Zephyr: a module with a sample that twister can judge."""

from __future__ import annotations

from collections.abc import Mapping

from edgemnist.mcu.packages.base import Package, Platform


def _files(package: Package) -> Mapping[str, str]:
    sample = "samples/self_test"
    return {
        **package.documents(),
        **package.c_files(sources="src", headers="include"),
        "zephyr/module.yml": package.text("zephyr/module.yml"),
        "CMakeLists.txt": package.text("zephyr/CMakeLists.txt"),
        "Kconfig": package.text("zephyr/Kconfig"),
        f"{sample}/CMakeLists.txt": package.text("zephyr/sample.cmake"),
        f"{sample}/prj.conf": package.text("zephyr/prj.conf"),
        f"{sample}/sample.yaml": package.text("zephyr/sample.yaml"),
        f"{sample}/src/main.c": package.text("zephyr/main.c"),
    }


PLATFORM = Platform("zephyr", "Zephyr", _files)
