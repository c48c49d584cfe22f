"""From a Keras model to ``.tflite`` bytes; ``edgemnist.commands.convert.stage`` is the stage that calls these.

settings      what is asked for, what comes out           sources        .keras, .h5, SavedModel -> one function
converter     that function -> bytes, in one mode         verification   do those bytes still classify?
view          the result as a table
"""
