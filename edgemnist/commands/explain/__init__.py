"""``edgemnist explain``: why the bytes of runtimes differ."""
