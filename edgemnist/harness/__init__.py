"""A model, the images it is put through and the runtime that runs it: what every command that runs a model shares.

models      which model: the named one, or the work folder's
images      which images: the named dataset's, or those it was trained on
runtimes    which runtime: exact ones first for integers, the quickest for floats
feeding     how a model is fed: given, recorded, told by its file      trying      what nobody has said
subjects    models and images that fit each other                      recognised  the same without images
classifier  one model, open in one runtime      outputs   what its outputs say      compare   the metrics
candidates  the plausible ways of feeding       search    all of them on pictures   verdict   beyond luck?
diagnosis   what makes a model right            judging   before something is made of it
remarks     after it was measured               pictures  labelled ones in every fit
"""
