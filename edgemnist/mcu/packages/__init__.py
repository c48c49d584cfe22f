"""A generated model as a zip that an embedded build system takes as it is: one file here for each platform.

A platform is a module that defines ``PLATFORM``; its texts are in ``firmware/packages/<platform>/``. Every package
holds the generated C, the self-test, examples that the main program classifies, a README and the licence.
"""

from edgemnist.mcu.packages.base import Example
from edgemnist.mcu.packages.build import PackageResult, package_firmware
from edgemnist.mcu.packages.examples import image_examples
from edgemnist.mcu.packages.registry import find_platform, platforms

__all__ = ["Example", "PackageResult", "find_platform", "image_examples", "package_firmware", "platforms"]
