"""From a model to ``.tflite`` bytes; ``edgemnist.commands.convert.stage`` is the stage that calls these.

settings      what is asked for, what comes out           preparing     source, feeding, images: found and checked
source        the model, in a process of its own          worker        that process
converter     TensorFlow's converter, in one mode         quantiser     ai-edge-quantizer, for a float .tflite
explanation   what the converter says, in a sentence      verification  do those bytes still classify?
calibration   the representative dataset                  view          the result as a table
"""
