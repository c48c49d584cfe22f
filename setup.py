"""What pyproject.toml cannot say: the C sources in ``firmware/`` are installed as ``edgemnist/firmware``."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["edgemnist*"]), "edgemnist.firmware"],
    package_dir={"edgemnist.firmware": "firmware"},
)
