"""Do the engines agree? The same images through every runtime, compared with the labels, the float model, the oracle.

    subjects   which models and images          harness   run them all, each engine in its own process
    compare    the metrics                      gate      what fails
    report     the result: JSON is the truth    view      the table for people

How an invoke is timed is in ``edgemnist.runner.measure``.
"""
