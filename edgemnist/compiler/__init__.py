"""The ahead-of-time compiler: an int8 ``.tflite`` in, C99 without dependencies out, equal to TFLM byte for byte.

    reader.read_graph      TfliteModel -> Graph        (refuses what it can't do, everything at once)
    passes.optimise        Graph -> Graph              (channels left out, fusions; each switchable)
    lowering.lower         Graph -> Program            (one Step per operator: kernel, packed constants, scratch)
    memory.plan            Program -> Plan             (arena offsets; outputs overlap inputs where that is safe)
    emit.emit              Program + Plan -> {file name: text}

Rounding is defined in ``fixedpoint`` (Python) and ``firmware/kernels/em_common.h`` (C), nowhere else.
"""
