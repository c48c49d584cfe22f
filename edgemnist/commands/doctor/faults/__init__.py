"""What can be wrong with a model, one module for each group of faults.

A module defines ``FAULTS``, a tuple of :class:`~edgemnist.commands.doctor.faults.base.Fault`; nothing else has to
change when one is added.
"""
