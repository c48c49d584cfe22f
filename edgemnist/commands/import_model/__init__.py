"""``edgemnist import``."""
