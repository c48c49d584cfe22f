"""How much accuracy do models lose on corrupted images, and does quantisation make it worse?

stage    choose, run, write     statistics  means and paired differences with their standard errors
report   the result: JSON is the truth
view     the table for people   plot   the curves   sheet   what the corruptions look like
"""
