"""Why bytes differ: every operator of a model in a runtime beside the oracle, and the rule that makes the difference.

one_operator   an operator of a model as a model of its own       sources    whose bytes: runtimes, dumps
tally          how many elements differ, by how much and where    compare    own error apart from inherited
case           one operator with the bytes that went in           unsigned   a uint8 operator as one of int8
wide           operators with int16 activations                   fed        a device's input beside its pictures
dump           what a device printed, or answered                 dump_text, dump_assembly, layer_by_layer   its forms
rules/         candidates, one file each                          naming     which of them reproduces the bytes
input_rules/   what devices do to pictures, one file each

The oracle's arithmetic in parts that rules exchange: ``arithmetic`` (what all share), ``rounding``, ``layers``,
``transposed``, ``scaled``, ``pools``, ``addition``; ``arithmetics`` finds that of an operator. Others: ``resizing``,
``quantising``, ``functions``, ``float_sums``.
"""
