"""``edgemnist deploy``."""
