"""``edgemnist data``."""
