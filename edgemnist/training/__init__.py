"""How a model is fitted, shared by training and pruning.

``recipe`` says what is to be done, ``adamw`` and ``loop`` do it, ``checkpoint`` makes it resumable, ``stage`` puts the
three together with progress for people, ``report`` and ``saving`` write what comes out.

A fit is a function of (initial weights, recipe, data): every random choice derives from (seed, epoch, step), and after
each epoch a ``FitState`` holds all that the rest depends on. So a resumed fit ends with the same bits as one that was
never interrupted, on the same machine with the same number of threads.
"""
