"""``edgemnist serve``."""
