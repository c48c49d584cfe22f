"""CMSIS-Pack: components for Cortex-M tools, described in a PDSC file (Open-CMSIS-Pack specification 1.7)."""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape

from edgemnist.mcu.packages.base import Package, Platform


def _files(package: Package) -> Mapping[str, str]:
    name, vendor, example = package.name, package.values["vendor"], "examples/self_test"
    url = escape(package.values["url"])
    kernels = "\n".join(f'        <file category="other" name="src/{file}"/>' for file in package.kernels)
    return {
        **package.documents(),
        **package.c_files(sources="src", headers="include"),
        f"{vendor}.{name}.pdsc": package.text("cmsis_pack/pack.pdsc", kernel_files=kernels, url=url),
        f"{example}/main.c": package.text("cmsis_pack/main.c"),
        f"{example}/README.md": package.text("cmsis_pack/example.md"),
        f"{example}/self_test.csolution.yml": package.text("cmsis_pack/csolution.yml"),
        f"{example}/self_test.cproject.yml": package.text("cmsis_pack/cproject.yml"),
    }


PLATFORM = Platform(
    "cmsis-pack", "CMSIS-Pack", _files, folder="", file_name="@{vendor}.@{name}.@{version}.pack"
)  # fmt: skip
