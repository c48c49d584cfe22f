"""The sections of ``edgemnist --help``, in the order of the work."""

from __future__ import annotations

from enum import Enum


class Section(str, Enum):
    """What a command is for; the sections in their order."""

    START = "Start here"
    DATA = "Data and training"
    CONVERT = "Convert and compile"
    PROVE = "Prove and explain"
    DEPLOY = "Bring it to a device"
