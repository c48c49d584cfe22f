"""How well does one model classify the test set, and where does it err?

classifier  a model in a runtime, as a function from images to classes    metrics   what is counted
stage       choose, run, write    report   the result    view   the tables    pictures   the PNGs
"""
