"""A model, the images it is put through and the runtime that runs it: what every command that runs a model shares.

models      which model: the named one, or the work folder's
images      which images: the named dataset's, or those it was trained on
runtimes    which runtime: exact ones first for integers, the quickest for floats
subjects    models and images that fit each other      classifier  one model, open in one runtime
compare     the metrics                                normalisation  was it trained on other pixels?
"""
