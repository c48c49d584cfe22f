"""What eight bits cost: a float net beside its int8 net, layer by layer, and which layer's quantisation costs accuracy.

pairing    which operator is which                      ranges     quantising and ranges, as values
weights    an operator with other weights               variants   which layers are quantised, and how
replay     runs variants, shared as far as they agree   measures   SQNR, clipping, channels
effects    what a variant costs, paired by images       layers     every operator measured
blame      calibration, ranges, weights or the net      report     the result as values
"""
