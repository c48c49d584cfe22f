"""Cycle timing of Cortex-M cores: one module per core, named after it, with its table and its source.

``classes``      the instruction classes
``instruction``  one Thumb instruction: class, registers, size
``model``        what a core's model offers, and a cycle count with its bounds
``in_order``     the rules that Cortex-M0, M0+, M3 and M4 follow
``scoreboard``   the rules that Cortex-M7 and M33 follow
``flash``        stalls of instruction fetch from slow flash
``calibration``  published cycle counts, what the models say of the same code, and the error bands that follow
"""
