"""``edgemnist predict``."""
