"""The search for architectures: what may be drawn, what is tried next, who tries it, and what is kept.

Optuna draws and stores; everything that decides a study's course is a function of its settings and of the results of
earlier rounds, so that any number of workers, of which any may die, come to the same front.
"""
