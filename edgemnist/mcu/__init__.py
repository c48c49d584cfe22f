"""Firmware: from a model to an image for a board, run on an emulated core or on the board itself.

The C side is in ``firmware/``: kernels, the application with its link protocol, start-up code and one folder a board.
"""

DEFAULT_BOARD = "mps2-an386"
"""A Cortex-M4, the commonest core, with memory for any network that a microcontroller can hold."""

DUMPED = 10
"""Inputs of which a firmware run writes the tensors, where that is asked for."""
