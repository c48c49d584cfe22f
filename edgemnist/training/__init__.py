"""How a model is fitted, shared by training, pruning and quantisation-aware training.

``recipe`` says what is to be done, ``adamw`` and ``loop`` do it, ``checkpoint`` and ``resuming`` make it resumable,
with progress for people, ``report`` writes what comes out. ``fit`` is the skeleton that puts them together, ``train``
the fit of an architecture, and ``teacher`` finds or trains whom a fit learns from.

A fit is a function of (initial weights, recipe, data): every random choice derives from (seed, epoch, step), and after
each epoch a ``FitState`` holds all that the rest depends on. So a resumed fit ends with the same bits as one that was
never interrupted, on the same machine with the same number of threads.
"""
