"""``edgemnist boards``."""
