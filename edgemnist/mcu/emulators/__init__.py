"""Emulators that run firmware: one module each, see :mod:`edgemnist.mcu.emulators.base`."""
