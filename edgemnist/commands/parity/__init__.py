"""Do the runtimes agree? The same images through every one, compared with the labels, the float model, the oracle.

    stage    choose, run, judge, write          execution   run them all, each in its own process
    report   the result: JSON is the truth      gate        what fails
    view     the table for people

Which models and images take part is for ``edgemnist.harness`` to say, how an invoke is timed for
``edgemnist.runner.measure``.
"""
