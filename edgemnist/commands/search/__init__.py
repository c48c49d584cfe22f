"""``edgemnist search``."""
