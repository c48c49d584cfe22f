"""``python -m edgemnist`` is the ``edgemnist`` command."""

from edgemnist.cli import main

if __name__ == "__main__":
    main()
