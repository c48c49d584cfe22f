"""The programs of a bundle: on the Pi this folder is called ``edgemnist_pi``. They never import edgemnist.

Written for Python 3.9 and later; numpy and an interpreter are all they need.
"""
