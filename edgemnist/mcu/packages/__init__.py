"""A generated model as a zip that an embedded build system takes as it is.

A platform is a module of ``platforms/`` that defines ``PLATFORM``; its texts are in ``firmware/packages/<platform>/``.
Every package holds the generated C, the self-test, examples that the main program classifies, a README and the licence.
"""
